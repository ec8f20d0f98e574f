# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What series have in common, learned without forecasting any of them: the same as `forecast_panel` learns on the way."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.fleet import fleet_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np


class Classroom:
    """Some series of one step that learn together, those of each season on their own.

    :param histories: n arrays, as for `forecast_panel`; start: UTC seconds of each first value; horizon: steps.
    :param models: per series an entry that may hold its own network, as for `forecast_panel`.
    """

    def __init__(
        self,
        histories: Sequence[t.Any],
        *,
        step_seconds: float,
        horizon: int,
        start: Sequence[float],
        metric: str,
        lower: float,
        upper: float | None,
        seed: int,
        engine: engines.Engine | None,
        models: Sequence[Mapping[str, t.Any] | None],
    ) -> None:
        count = len(histories)
        self._fleet = fleet_of(
            histories,
            models,
            known_seasons=[None] * count,
            lower=np.full(count, lower),
            upper=np.full(count, np.inf if upper is None else upper),
            starts=np.asarray(start, dtype=np.float64),
            metric=metric,
            season="auto",
            step_seconds=step_seconds,
            horizon=horizon,
            model="auto",
            seed=seed,
            engine=engine,
        )
        self.rows = self._fleet.learners(range(count))

    def learned(self, season: int) -> Family:
        """Return what the series of a season (a key of `rows`) have in common."""
        return self._fleet.families({}, self.rows[season])[season]
