# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When entities were last changed, as the outcomes of plans tell; what was only rehearsed does not count."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Collection

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.long_past import OUTCOMES_SECONDS

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import OutcomeRow, Store


def last_changed(
    notebook: Store, targets: Collection[str], now: int, counts: Callable[[OutcomeRow], bool] = lambda outcome: outcome.changed
) -> dict[str, int]:
    """Return when the last outcome of each target that counts ended, UTC seconds; those without one are absent.

    :param targets: entity keys.
    """
    times: dict[str, int] = {}
    outcomes = notebook.find_outcomes(since=now - OUTCOMES_SECONDS)
    rehearsals = {run.id for run in notebook.find_runs() if run.check} if outcomes else set()
    for outcome in outcomes:
        if outcome.target in targets and outcome.run_id not in rehearsals and counts(outcome):
            times[outcome.target] = max(times.get(outcome.target, 0), int(outcome.started_at + (outcome.seconds or 0)))
    return times
