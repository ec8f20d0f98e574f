# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one function that forecasts: a panel of series in, their quantiles, peaks and runways out."""

from __future__ import annotations

import dataclasses
import itertools
import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.batch import Answer, Batch, Choice, forecast_batch
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import (
    History,
    block,
    prepare,
    promise,
    season_of,
    tie_break,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, statsforecast_models

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats, Ints

MODELS = ("auto", "naive", "drift", "snaive", "theta", "ets")
# Fits cost hundreds of times what the other candidates do. A panel tries them where they promise most; what has no stored
# choice with them yet comes first the next time, so a fleet of any size gets its turn.
MAX_FITTED_SERIES, LEAST_PROMISE = 1000, 0.15
BATCH_SERIES, FITTED_BATCH_SERIES = 250, 25
LIGHT_VALUES = 150_000


@dataclasses.dataclass(frozen=True)
class PanelForecast:
    """Forecasts of n series; NaN stands only where the status is `invalid`.

    quantiles: float64 [n, q, h] of the values, non-decreasing in q. peak: [n, q] of the maximum over the horizon.
    runway: seconds [n, q] (or [n, L, q] for several limits) until the limit is reached with that probability, inf = not within
    the horizon; None without limits. reach_probability: [n] (or [n, L]) within the horizon; None without limits.
    method, status (ok, cold_start, invalid), reason: one text per series. backtest: per series {mase, pinball, coverage80,
    origins} or None. models: per series what to hand to the next call as `models` (built-in types), or None.
    """

    quantiles: Floats
    peak: Floats
    runway: Floats | None
    reach_probability: Floats | None
    method: list[str]
    status: list[str]
    reason: list[str]
    backtest: list[dict[str, float] | None]
    models: list[dict[str, t.Any] | None]


def forecast_panel(
    histories: Sequence[t.Any],
    *,
    step_seconds: float,
    horizon: int,
    start: Sequence[float] | None = None,
    keys: Sequence[str] | None = None,
    metric: str | None = None,
    lower: t.Any = None,
    upper: t.Any = None,
    season: int | str | None = "auto",
    quantiles: Sequence[float] = (0.1, 0.5, 0.9),
    limits: t.Any = None,
    model: str = "auto",
    seed: int = 0,
    engine: engines.Engine | None = None,
    models: Sequence[Mapping[str, t.Any] | None] | None = None,
) -> PanelForecast:
    """Forecast n series over `horizon` steps after the end of each history.

    :param histories: n arrays of numbers, equally spaced by step_seconds, oldest first, NaN = missing; lengths may differ.
    :param start: UTC seconds of each first value; keys, metric: names. Not needed by the present candidates.
    :param lower, upper: bounds of the values: a number, or one per series (None or NaN = none).
    :param season: steps of one season, None = none, "auto" = looked for.
    :param quantiles: ascending probabilities between 0 and 1.
    :param limits: a number, one per series [n], or several [n, L]; NaN = none.
    :param model: one of MODELS; auto = chosen per series by a backtest.
    :param models: per series the entry of `PanelForecast.models` of an earlier call (used with model="auto"), None = choose anew.
    :raises InputError: for wrong arguments. A series that cannot be forecast raises nothing: its status says so.
    :raises MissingPackage: theta or ets asked for without statsforecast; auto does without and says so in `reason`.
    """
    _check(step_seconds, horizon, quantiles, model, season)
    if model in classical.METHODS and not classical.available():
        statsforecast_models.Theta  # noqa: B018 - the lazy module raises MissingPackage
    ready = [prepare(history, horizon) for history in histories]
    count = len(ready)
    given = list(models) if models is not None and model == "auto" else [None] * count
    if len(given) != count:
        raise InputError(f"`models` has {len(given)} entries for {count} histories; needed is one each (or None).")
    earlier = [_earlier(item) for item in given]
    bounds = [_per_series(value, count, name, empty) for value, name, empty in ((lower, "lower", -np.inf), (upper, "upper", np.inf))]
    wanted_limits, single = _limits(limits, count)
    seasons = [
        choice.season if choice else season_of(history, season, step_seconds) for history, choice in zip(ready, earlier, strict=True)
    ]
    fitted = _fitted(ready, given, model)
    earlier = [None if fitted[row] else choice for row, choice in enumerate(earlier)]

    result = _empty(count, len(quantiles), horizon, wanted_limits.shape[1])
    groups = _groups(ready, seasons, earlier, fitted, model)
    exponents = np.array([history.exponent for history in ready], dtype=np.int64)
    batches = [
        Batch(
            values=block([ready[row] for row in rows]),
            length=ready[rows[0]].length,
            season=seasons[rows[0]],
            gap=ready[rows[0]].gap,
            horizon=horizon,
            step_seconds=float(step_seconds),
            quantiles=tuple(float(level) for level in quantiles),
            limits=_scaled(wanted_limits[rows], -exponents[rows][:, None]),
            lower=_scaled(bounds[0][rows], -exponents[rows]),
            upper=_scaled(bounds[1][rows], -exponents[rows]),
            wanted="" if model == "auto" else model,
            given=[_cold(ready[row]) or earlier[row] for row in rows],
            classical=fitted[rows],
            seed=seed,
        )
        for rows in groups
    ]
    light = not any(_needs_fit(batch) for batch in batches) and sum(batch.values.size for batch in batches) <= LIGHT_VALUES
    for rows, answer in zip(groups, engines.run(forecast_batch, batches, engine=engine, light=light), strict=True):
        _put(result, rows, answer, exponents)
    choices = result[4]
    if model == "auto" and not classical.available():
        choices = [
            choice._replace(reason=f"{choice.reason}; theta and ets were not tried, for statsforecast is not installed")
            if choice and earlier[row] is None
            else choice
            for row, choice in enumerate(choices)
        ]
    return PanelForecast(
        quantiles=result[0],
        peak=result[1],
        runway=None if limits is None else result[2][:, 0] if single else result[2],
        reach_probability=None if limits is None else result[3][:, 0] if single else result[3],
        method=[choice.method if choice else "none" for choice in choices],
        status=[history.status for history in ready],
        reason=[choice.reason if choice else "no finite value" for choice in choices],
        backtest=[_figures(choice) for choice in choices],
        models=[
            {
                **choice._asdict(),
                "tried_fits": bool(fitted[row] or (given[row] or {}).get("tried_fits")),
                "values": ready[row].known if earlier[row] is None else (given[row] or {}).get("values", ready[row].known),
            }
            if choice and model == "auto" and ready[row].status == "ok"
            else None
            for row, choice in enumerate(choices)
        ],
    )


_Result = tuple["Floats", "Floats", "Floats", "Floats", list["Choice | None"]]


def _empty(count: int, levels: int, horizon: int, limits: int) -> _Result:
    shapes = ((count, levels, horizon), (count, levels), (count, limits, levels), (count, limits))
    quantiles, peak, runway, reach = (np.full(shape, np.nan) for shape in shapes)
    return quantiles, peak, runway, reach, [None] * count


def _put(result: _Result, rows: list[int], answer: Answer, exponents: Ints) -> None:
    quantiles, peak, runway, reach, choices = result
    quantiles[rows] = np.nan_to_num(_scaled(answer.quantiles, exponents[rows][:, None, None]))
    peak[rows] = np.nan_to_num(_scaled(answer.peak, exponents[rows][:, None]))
    runway[rows], reach[rows] = answer.runway, answer.reach
    for row, choice in zip(rows, answer.choices, strict=True):
        choices[row] = choice


def _scaled(values: Floats, exponents: Ints) -> Floats:
    """Return values times 2 ** exponents; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        return np.ldexp(values, exponents)


def _groups(ready: list[History], seasons: list[int], earlier: list[Choice | None], fitted: Bools, model: str) -> list[list[int]]:
    """Return the rows of each batch: like length, season and gap; the ones with fits in small batches of their own, first."""
    by_kind: dict[tuple[bool, int, int, int], list[int]] = {}
    for row, history in enumerate(ready):
        if history.known:
            choice = earlier[row]
            heavy = bool(fitted[row]) or model in classical.METHODS or (choice is not None and choice.method in classical.METHODS)
            by_kind.setdefault((not heavy, history.length, seasons[row], history.gap), []).append(row)
    found = []
    for (cheap, *_kind), rows in sorted(by_kind.items()):
        size = BATCH_SERIES if cheap else FITTED_BATCH_SERIES
        found += [rows[begin : begin + size] for begin in range(0, len(rows), size)]
    return found


def _fitted(ready: list[History], given: Sequence[Mapping[str, t.Any] | None], model: str) -> Bools:
    """Return which series [bool n] try theta and ETS beside the other candidates in this call.

    They are the most promising of those without a choice, then of those whose choice was made without these two.
    """
    chosen = np.zeros(len(ready), dtype=bool)
    if model != "auto" or not classical.available():
        return chosen
    untried = [row for row, history in enumerate(ready) if history.status == "ok" and not (given[row] or {}).get("tried_fits")]
    promising = [(given[row] is not None, -promise(ready[row]), row) for row in untried]
    promising = [item for item in promising if -item[1] >= LEAST_PROMISE]
    if len(promising) > MAX_FITTED_SERIES:
        promising.sort(key=lambda item: (item[0], item[1], tie_break(ready[item[2]])))
    chosen[[row for _has, _promise, row in promising[:MAX_FITTED_SERIES]]] = True
    return chosen


def _needs_fit(batch: Batch) -> bool:
    given = any(choice is not None and choice.method in classical.METHODS for choice in batch.given)
    return bool(batch.classical.any()) or batch.wanted in classical.METHODS or given


def _cold(history: History) -> Choice | None:
    if history.status == "ok":
        return None
    return Choice("naive", 1, f"{history.known} values are too few to choose by, so the last value serves")


def _earlier(item: Mapping[str, t.Any] | None) -> Choice | None:
    if item is None:
        return None
    try:
        choice = Choice(**{name: item[name] for name in Choice._fields})
    except KeyError as error:
        raise InputError(f"An entry of `models` lacks {error}; needed is an entry of PanelForecast.models, or None.") from error
    return choice if choice.method in MODELS else None


def _figures(choice: Choice | None) -> dict[str, float] | None:
    if choice is None or not choice.origins:
        return None
    return {"mase": choice.mase, "pinball": choice.pinball, "coverage80": choice.coverage80, "origins": choice.origins}


def _per_series(value: t.Any, count: int, name: str, empty: float) -> Floats:
    if value is None:
        return np.full(count, empty)
    found = np.asarray(value, dtype=np.float64)
    if found.shape not in ((), (count,)):
        raise InputError(f"`{name}` has the shape {found.shape} for {count} histories; needed is one number, or one each.")
    return np.where(np.isnan(found), empty, np.broadcast_to(found, (count,)))


def _limits(limits: t.Any, count: int) -> tuple[Floats, bool]:
    """Return the limits [n, L] (inf = none) and whether there is just one a series."""
    if limits is None:
        return np.empty((count, 0)), False
    found = np.asarray(limits, dtype=np.float64)
    if found.ndim == 2 and found.shape[0] == count:
        return np.where(np.isnan(found), np.inf, found), False
    return _per_series(limits, count, "limits", np.inf)[:, None], True


def _check(step_seconds: float, horizon: int, quantiles: Sequence[float], model: str, season: int | str | None) -> None:
    if model not in MODELS:
        raise InputError(f"Unknown forecasting model {model!r}; needed is one of {', '.join(MODELS)} (O(model)).")
    if horizon < 1 or horizon != int(horizon):
        raise InputError(f"Cannot forecast {horizon} steps; needed is a whole number from 1 (O(horizon)).")
    if not (math.isfinite(step_seconds) and step_seconds > 0):
        raise InputError(f"A step of {step_seconds} seconds is impossible; needed is more than 0 (O(step)).")
    levels = list(quantiles)
    if not levels or any(not 0 < level < 1 for level in levels) or any(high <= low for low, high in itertools.pairwise(levels)):
        raise InputError(f"The quantiles {levels} are not ascending probabilities between 0 and 1 (O(quantiles)).")
    if not (season is None or season == "auto" or (isinstance(season, int) and season >= 1)):
        raise InputError(f"Unknown season {season!r}; needed is a number of steps, None or 'auto'.")
