# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every kind of training is given, what it gives back for each entity, and how it tells how far it is."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store

Document = dict[str, t.Any]
TRAINED, UNCHANGED, SKIPPED, FAILED = "trained", "unchanged", "skipped", "failed"
STATUSES = (TRAINED, UNCHANGED, SKIPPED, FAILED)
_SECONDS = 5.0


class Course(t.NamedTuple):
    """What is trained, out of what, and how.

    entities: of which the metric is trained; step: seconds, None = each series' own; history_seconds: None = as much as a forecast
    uses; force: begin anew, whatever is stored; figures: folder, None = none are drawn; progress: called with a line now and then;
    horizon: seconds, of what is trained for one.
    """

    store: Store
    entities: Sequence[Entity]
    metric: str
    now: int
    step: int | None
    history_seconds: int | None
    engine: Engine
    seed: int
    force: bool
    figures: str | None
    progress: t.Callable[[str], None] | None
    horizon: int


class Done(t.NamedTuple):
    """documents: one for each entity, in their order (for each season where all of it learn together);
    removed: models of former steps; figures: files that were drawn."""

    documents: list[Document]
    removed: int
    figures: list[str]


def told(entity: str, metric: str, model: str, status: str, reason: str, **more: t.Any) -> Document:
    """Return the document of one entity; what does not apply is None."""
    blank: Document = {"step_seconds": None, "season": None, "trained_at": None, "metrics": None, "data": None, "figures": []}
    return {"entity": entity, "metric": metric, "model": model, "status": status, "reason": reason, **blank, **more}


class Progress:
    """Tells how many series are done: to the caller's function and to the log, every few seconds and at the end.

    :param what: the line's beginning; :param total: how many there are.
    """

    def __init__(self, what: str, total: int, tell: t.Callable[[str], None] | None) -> None:
        self._what, self._total, self._tell = what, total, tell
        self._done, self._begun = 0, time.monotonic()
        self._told = self._begun

    def add(self, count: int) -> None:
        """Note that so many more are done."""
        self._done += count
        now = time.monotonic()
        if now - self._told < _SECONDS and self._done < self._total:
            return
        self._told = now
        line = f"{self._what}: {self._done:,} of {self._total:,} series, {self._done / max(now - self._begun, 1e-9):,.0f} a second"
        logger("main").info("%s", line)
        if self._tell is not None:
            self._tell(line)
