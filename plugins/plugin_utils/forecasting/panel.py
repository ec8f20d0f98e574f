# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one function that forecasts: a panel of series in, their quantiles, peaks and runways out."""

from __future__ import annotations

import contextlib
import itertools
import math
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical, global_model, own_networks
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.answers import PanelForecast, begun, put, scaled
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.batch import Answer, Batch, Choice, forecast_batch
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.fleet import Fleet, fleet_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import History
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import BASE, METHODS
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, statsforecast_models, torch

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

MODELS = ("auto", *METHODS)


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
    families: Mapping[int, Family] | None = None,
    each: Callable[[PanelForecast, list[int]], None] | None = None,
) -> PanelForecast:
    """Forecast n series over `horizon` steps after the end of each history.

    :param histories: n arrays of numbers, equally spaced by step_seconds, oldest first, NaN = missing; lengths may differ.
    :param start: UTC seconds of each first value, for what depends on the hour of the day; keys: names (not used); metric: its name.
    :param lower, upper: bounds of the values: a number, or one per series (None or NaN = none).
    :param season: steps of one season, None = none, "auto" = looked for.
    :param quantiles: ascending probabilities between 0.01 and 0.99.
    :param limits: a number, one per series [n], or several [n, L]; NaN = none.
    :param model: one of MODELS; auto = a mixture, weighted per series by a backtest.
    :param models: per series the entry of `PanelForecast.models` of an earlier call: a choice (used with model="auto"; None = choose anew),
        or its own network as of `own_networks`, for the model of that name; that trains where there is none. An entry with `lstm` may hold
        both: then the network is one of what is chosen from.
    :param families: `PanelForecast.families` of an earlier call over the same horizon; without, they are learned.
    :param each: called as soon as some rows are known, with the forecast, which is filled so far, and with these rows. What it raises ends the call.
    :raises InputError: for wrong arguments. A series that cannot be forecast raises nothing: its status says so.
    :raises MissingPackage: a model asked for whose package is not installed; auto does without and says so in `reason`.
    """
    _check(step_seconds, horizon, quantiles, model, season)
    _need_packages(model)
    count = len(histories)
    given = list(models) if models is not None else [None] * count
    if len(given) != count:
        raise InputError(f"`models` has {len(given)} entries for {count} histories; needed is one each (or None).")
    bounds = [_per_series(value, count, name, empty) for value, name, empty in ((lower, "lower", -np.inf), (upper, "upper", np.inf))]
    starts = _per_series(start, count, "start", np.nan)
    earlier = [_earlier(item) if model == "auto" else None for item in given]
    wanted_limits, single = _limits(limits, count)
    fleet = fleet_of(
        histories,
        given,
        known_seasons=[choice.season if choice else None for choice in earlier],
        lower=bounds[0],
        upper=bounds[1],
        starts=starts,
        metric=metric,
        season=season,
        step_seconds=step_seconds,
        horizon=horizon,
        model=model,
        seed=seed,
        engine=engine,
    )
    ready, seasons, fitted = fleet.ready, fleet.seasons, fleet.fitted
    if model in own_networks.METHODS:
        fleet = fleet.with_own_networks()
    earlier = fleet.kept(earlier, families or {})
    open_rows = [row for row, choice in enumerate(earlier) if choice is None]
    found = fleet.families(families or {}, open_rows)

    choices = [_cold(history) or choice for history, choice in zip(ready, earlier, strict=True)]
    groups = fleet.groups(list(range(count)), earlier)
    exponents = np.array([history.exponent for history in ready], dtype=np.int64)

    def batch_of(rows: list[int]) -> Batch:
        family = found.get(seasons[rows[0]])
        return Batch(
            block=fleet.block(rows, family),
            length=ready[rows[0]].length,
            gap=ready[rows[0]].gap,
            horizon=horizon,
            quantiles=tuple(float(level) for level in quantiles),
            limits=scaled(wanted_limits[rows], -exponents[rows][:, None]),
            lower=scaled(bounds[0][rows], -exponents[rows]),
            upper=scaled(bounds[1][rows], -exponents[rows]),
            wanted="" if model == "auto" else model,
            given=[choices[row] for row in rows],
            fits=fitted[rows],
            family=family,
        )

    panel = begun(
        ready,
        levels=len(quantiles),
        horizon=horizon,
        limits=None if limits is None else wanted_limits.shape[1],
        single=single,
        families=found,
        learners={season: len(rows) for season, rows in fleet.learners(open_rows).items()},
    )
    if model in own_networks.METHODS:
        panel.models[:] = fleet.handed_over()
    without = [row for row, history in enumerate(ready) if not history.known]
    if each and without:
        each(panel, without)
    # The histories are there already: a copy of all of them as batches need not be.
    answers = fleet.run(forecast_batch, map(batch_of, groups), heavy=fleet.heavy(choices), values=sum(len(one.values) for one in ready))
    with contextlib.closing(answers):
        for rows, answer in zip(groups, answers, strict=True):
            put(panel, rows, answer, exponents)
            if model == "auto":
                _hand_on(panel, rows, answer, fleet, given, earlier)
            if each:
                each(panel, rows)
    return panel


def _hand_on(
    panel: PanelForecast,
    rows: Sequence[int],
    answer: Answer,
    fleet: Fleet,
    given: Sequence[Mapping[str, t.Any] | None],
    earlier: Sequence[Choice | None],
) -> None:
    """Put in what the next call is to be given of some rows, and what their reasons have to say of methods that were not there."""
    for row, choice in zip(rows, answer.choices, strict=True):
        history, former = fleet.ready[row], given[row] or {}
        if earlier[row] is None and choice.origins:
            choice = choice._replace(reason=choice.reason + _missing())
            panel.reason[row] = choice.reason
        if history.status == "ok":
            panel.models[row] = {
                **choice._asdict(),
                "weights": [list(item) for item in choice.weights],
                "scores": [list(item) for item in choice.scores],
                "tried_fits": bool(fleet.fitted[row] or former.get("tried_fits")),
                "values": history.known if earlier[row] is None else former.get("values", history.known),
            }


def _need_packages(model: str) -> None:
    """Raise MissingPackage where the method that is asked for cannot run."""
    if model in classical.METHODS and not classical.available():
        statsforecast_models.Theta  # noqa: B018 - the lazy module raises MissingPackage
    if model in ("global", "lstm", "classic_lstm") and not global_model.available():
        torch.nn  # noqa: B018 - as above


def _missing() -> str:
    """Return what a reason says of methods that were not tried for want of a package."""
    packages = (("theta and ets were", "statsforecast", classical.available()), ("global was", "torch", global_model.available()))
    return "".join(f"; {which} not tried, for {name} is not installed" for which, name, there in packages if not there)


def _cold(history: History) -> Choice | None:
    if history.status == "ok":
        return None
    few = "1 value is" if history.known == 1 else f"{history.known} values are"
    return Choice(((BASE, 1, 1.0),), 1, f"{few} too few to choose by, so its own past changes serve")


def _earlier(item: Mapping[str, t.Any] | None) -> Choice | None:
    if item is None or "weights" not in item:
        return None
    try:
        choice = Choice(**{name: item[name] for name in Choice._fields if name != "scores"})
        scores = tuple((str(method), int(season), float(score)) for method, season, score in item.get("scores") or ())
        weights = tuple((str(method), int(season), float(weight)) for method, season, weight in choice.weights)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"An entry of `models` lacks {error}; needed is an entry of PanelForecast.models, or None.") from error
    return choice._replace(weights=weights, scores=scores) if all(method in METHODS for method, _season, _weight in weights) else None


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
    if (
        not levels
        or any(not LEVELS[0] <= level <= LEVELS[-1] for level in levels)
        or any(high <= low for low, high in itertools.pairwise(levels))
    ):
        raise InputError(f"The quantiles {levels} are not ascending probabilities between {LEVELS[0]} and {LEVELS[-1]} (O(quantiles)).")
    if not (season is None or season == "auto" or (isinstance(season, int) and season >= 1)):
        raise InputError(f"Unknown season {season!r}; needed is a number of steps, None or 'auto'.")
