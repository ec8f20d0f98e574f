# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forecast of a panel, which is filled as the answers of its batches come."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.batch import Answer, Choice
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import History
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints


@dataclasses.dataclass(frozen=True)
class PanelForecast:
    """Forecasts of n series; NaN stands only where the status is `invalid`.

    quantiles: float64 [n, q, h] of the values, non-decreasing in q. peak: [n, q] of the maximum over the horizon.
    runway: seconds [n, q] (or [n, L, q] for several limits) until the limit is reached with that probability, inf = not within
    the horizon; None without limits. reach_probability: [n] (or [n, L]) within the horizon; None without limits.
    method, status (ok, cold_start, invalid), reason, notes (what was left out of a series, its breaks): one text per series.
    backtest: per series {mase, pinball, coverage80, origins} or None. models: per series what to hand to the next call as `models`
    (built-in types, and arrays of a series' own network), or None. families: what the series of one season have in common, to hand to the
    next call as `families`. learners: by season how many series without a choice there were to learn from.
    """

    quantiles: Floats
    peak: Floats
    runway: Floats | None
    reach_probability: Floats | None
    method: list[str]
    status: list[str]
    reason: list[str]
    notes: list[str]
    backtest: list[dict[str, float] | None]
    models: list[dict[str, t.Any] | None]
    families: dict[int, Family]
    learners: dict[int, int]


def begun(
    ready: Sequence[History],
    *,
    levels: int,
    horizon: int,
    limits: int | None,
    single: bool,
    families: dict[int, Family],
    learners: dict[int, int],
) -> PanelForecast:
    """Return a forecast in which nothing is known yet; of series without a value it stays so.

    :param levels: number of quantiles; limits: how many each series has, None = nobody asked; single: one, told without an axis of its own.
    """
    count = len(ready)
    shape = () if single else (limits,)
    return PanelForecast(
        quantiles=np.full((count, levels, horizon), np.nan),
        peak=np.full((count, levels), np.nan),
        runway=None if limits is None else np.full((count, *shape, levels), np.nan),
        reach_probability=None if limits is None else np.full((count, *shape), np.nan),
        method=["none"] * count,
        status=[history.status for history in ready],
        reason=["no finite value"] * count,
        notes=["; ".join(history.notes) for history in ready],
        backtest=[None] * count,
        models=[None] * count,
        families=families,
        learners=learners,
    )


def put(panel: PanelForecast, rows: list[int], answer: Answer, exponents: Ints) -> None:
    """Put the answer of a batch in its rows, in the units of the histories.

    :param exponents: [n] of all series: their values were divided by so many powers of two.
    """
    largest = np.finfo(np.float64).max
    panel.quantiles[rows] = np.clip(scaled(answer.quantiles, exponents[rows][:, None, None]), -largest, largest)
    panel.peak[rows] = np.clip(scaled(answer.peak, exponents[rows][:, None]), -largest, largest)
    if panel.runway is not None and panel.reach_probability is not None:
        panel.runway[rows] = answer.runway.reshape(len(rows), *panel.runway.shape[1:])
        panel.reach_probability[rows] = answer.reach.reshape(len(rows), *panel.reach_probability.shape[1:])
    for row, choice in zip(rows, answer.choices, strict=True):
        panel.method[row], panel.reason[row], panel.backtest[row] = choice.method, choice.reason, _figures(choice)


def scaled(values: Floats, exponents: Ints) -> Floats:
    """Return values times 2 ** exponents; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return np.ldexp(values, exponents)


def _figures(choice: Choice) -> dict[str, float] | None:
    if not choice.origins:
        return None
    return {"mase": choice.mase, "pinball": choice.pinball, "coverage80": choice.coverage80, "origins": choice.origins}
