# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The global model: what all series together teach about how one goes on from where it is.

Two small networks (`network`), alike but for their beginning, learn from windows of all series' pasts; their mean, on the scale on
which they learned, is the answer. Series count by their usual changes, never by their size. Training runs in a worker of the engine
(torch); answers are plain numpy.
"""

from __future__ import annotations

import functools
import importlib.util
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import network
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import Empirical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import (
    LEVELS,
    Distribution,
    distribution,
    step_grid,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import look_back
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import describe
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.network import Parameters
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import Floats32

# To be raised when features, targets or the network change: parameters of another one are refused.
LAYOUT = 1
NETWORKS = 2
MAX_WINDOWS, MIN_WINDOWS, MAX_ROWS, LEAST_OF_A_SERIES = 8000, 100, 192_000, 4
MIN_STEPS, MAX_STEPS, WARM_SHARE = 50, 1500, 0.3
# Training steps for this many windows without a common future; other numbers of windows get a like share of them.
_STEPS, _APART, _GROWTH = 1500, 5000, 0.9
_WINDOW_STEPS, _WINDOW_SEASONS = 400, 15
_SHORTEST, _SHORTEST_SEASONS = 26, 2
_DENSE_STARTS, _CHUNK = 48, 250
_MAX_VALUES = 16_000_000
_UNIT, _FAR = 0.3, 16.0
# Where a quantile of the own past is exactly no change, a smaller answer than this (on the networks' scale) is none either.
_STILL = 0.1


class Job(t.NamedTuple):
    """What a global model learns from.

    values: series, oldest first, NaN = missing, on a common scale; ends [n] UTC seconds of their last value, None = unknown;
    season: steps, 1 = none; held_out: the last steps of every series, which are not looked at; begin: parameters of all networks to go on from; numbers: which
    of the networks to train.
    """

    values: Sequence[Floats]
    ends: Floats | None
    season: int
    horizon: int
    step_seconds: float
    seed: int
    held_out: int = 0
    begin: Sequence[Parameters] | None = None
    numbers: tuple[int, ...] = tuple(range(NETWORKS))


class Windows(t.NamedTuple):
    """values [w, T] right-aligned, the last column known; futures [w, h]; ends [w] UTC seconds or None; apart: how many share no future."""

    values: Floats
    futures: Floats
    ends: Floats | None
    apart: float


def train(job: Job) -> list[Parameters]:
    """Return the networks' parameters; nothing where there is too little to learn from."""
    sampled = _windows(job)
    if len(sampled.values) < MIN_WINDOWS:
        return []
    features, own, wanted = _rows(sampled, job)
    if len(features) < MIN_WINDOWS * len(step_grid(job.horizon, job.season)):
        return []
    layout = _layout(job.season, job.horizon)
    begin: Sequence[Parameters | None] = (
        job.begin if job.begin and _fits(job.begin, job.season, job.horizon, features.shape[1]) else [None] * NETWORKS
    )
    steps = training_steps(sampled.apart, warm=begin[0] is not None)
    return [
        network.train(features, own, wanted, steps=steps, seed=job.seed + number, begin=start) | {"layout": layout.copy()}
        for number, start in enumerate(begin)
        if number in job.numbers
    ]


def enough(job: Job) -> bool:
    """Return whether there may be enough to learn from: no worker needs to be started to find out that there is not."""
    least = _least(job) + job.held_out + job.horizon
    return sum(max(0, len(values) - least) for values in job.values) >= MIN_WINDOWS


def drawn(job: Job) -> Job:
    """Return the job with the series that it learns from: those that are long enough, and of very many a part, drawn by its seed.

    What is not looked at need not travel to a worker. Drawing twice changes nothing.
    """
    # The same series in another order are the same lesson.
    usable = sorted(
        (index for index, values in enumerate(job.values) if len(values) - job.held_out - job.horizon - 1 >= _least(job)),
        key=lambda index: (len(job.values[index]), float(np.nansum(job.values[index]))),
    )
    most = max(1, _room(job) // LEAST_OF_A_SERIES)
    if len(usable) > most:
        usable = [usable[index] for index in np.sort(np.random.default_rng(job.seed).choice(len(usable), most, replace=False))]
    return job._replace(values=[job.values[index] for index in usable], ends=None if job.ends is None else job.ends[usable])


def answer(
    parameters: Sequence[Mapping[str, Floats32]],
    values: Floats,
    own: Distribution,
    *,
    season: int,
    ends: Floats | None,
    step_seconds: float,
) -> Distribution:
    """Return the forecasts of a block, at the steps and levels of `own`; a series that has never moved is left as `own` says.

    :param parameters: of `train`.
    :param values: [n, T] right-aligned, NaN = missing, the last column known.
    :param own: of `own_past`, for the same values.
    :raises InputError: for parameters of another season, horizon or version.
    """
    used = values[:, -_width(season) :]
    rows = describe(used, own, season=season, ends=ends, step_seconds=step_seconds)
    check(parameters, season=season, horizon=int(own.steps[-1]), features=rows.features.shape[2])
    features, changes = rows.features.reshape(-1, rows.features.shape[2]), _flat(rows.own)
    said = np.mean([network.answer(item, features, changes) for item in parameters], axis=0)
    still = np.sign(said) * np.maximum(np.abs(said) - _STILL, 0.0)
    said = np.sort(np.where(changes == 0, still, said), axis=2)
    found = _outer(said).reshape(len(values), len(own.steps), network.HEADS, -1) * rows.scale[:, None, None, None]
    found = np.moveaxis(found + rows.last[:, None, None, None], (2, 3), (0, 2))
    moved = rows.moved[:, None, None]
    answered, highest = np.where(moved, found[0], own.values), np.where(moved, found[1], own.highest)
    highest = np.maximum.accumulate(np.maximum(highest, answered), axis=2)
    return Distribution(own.steps, own.levels, answered, highest)


def own_past(values: Floats, *, season: int, horizon: int) -> Distribution:
    """Return what the networks correct: the series' own past changes as they were seen, no level moved outward.

    :param values: [n, T] right-aligned, NaN = missing, the last column known.
    """
    if values.shape[1] == 1:
        values = np.pad(values, ((0, 0), (1, 0)), constant_values=np.nan)
    past = look_back(values[:, -_width(season) :], season=season, horizon=horizon, seed=0, dense=_DENSE_STARTS)
    return distribution(Empirical(past), horizon=horizon, outward=False)


@functools.cache
def available() -> bool:
    """Return whether torch is installed here (without importing it: that takes seconds)."""
    return importlib.util.find_spec("torch") is not None


def horizon_of(parameters: Sequence[Mapping[str, Floats32]]) -> int:
    """Return the horizon in steps that the networks were trained for."""
    return int(parameters[0]["layout"][2])


def check(parameters: Sequence[Mapping[str, Floats32]], *, season: int, horizon: int, features: int | None = None) -> None:
    """Refuse parameters that are not of this code, season and horizon.

    :raises InputError: if so.
    """
    if not _fits(parameters, season, horizon, features):
        seen = [np.asarray(item["layout"]).tolist() if "layout" in item else sorted(item) for item in parameters]
        raise InputError(
            f"The global model does not fit a season of {season} and a horizon of {horizon} steps in layout {LAYOUT}; seen: {seen}. "
            "Train it anew (M(foresight.capacity.train))."
        )


def training_steps(apart: float, *, warm: bool = False) -> int:
    """Return after how many steps training ends: more teach the windows themselves, not what is common to them.

    :param apart: windows that have no part of their future in common.
    """
    steps = min(MAX_STEPS, _STEPS * (apart / _APART) ** _GROWTH) * (WARM_SHARE if warm else 1.0)
    return max(MIN_STEPS, round(steps))


def _windows(job: Job) -> Windows:
    """Return windows spread over the past of the series of a job."""
    random = np.random.default_rng(job.seed)
    job = drawn(job)
    each = _room(job) // max(len(job.values), 1)
    found, futures, moments, apart = [], [], [], 0.0
    for index, values in enumerate(job.values):
        least, end = _least(job), len(values) - job.held_out - job.horizon - 1
        presents = _spread(least, end, each, random)
        presents = presents[~np.isnan(values[presents])]
        apart += min(float(len(presents)), 1.0 + (end - least) / job.horizon)
        for present in presents:
            window = values[max(0, present + 1 - _width(job.season)) : present + 1]
            found.append(np.concatenate([np.full(_width(job.season) - len(window), np.nan), window]))
            futures.append(values[present + 1 : present + 1 + job.horizon])
            moments.append(np.nan if job.ends is None else job.ends[index] - (len(values) - 1 - present) * job.step_seconds)
    if not found:
        return Windows(np.empty((0, _width(job.season))), np.empty((0, job.horizon)), None, 0.0)
    return Windows(np.stack(found), np.stack(futures), None if job.ends is None else np.array(moments), apart)


def _room(job: Job) -> int:
    """Return how many windows there are at most."""
    return max(1, min(MAX_WINDOWS, MAX_ROWS // len(step_grid(job.horizon, job.season)), _MAX_VALUES // (_width(job.season) + job.horizon)))


def _least(job: Job) -> int:
    """Return how many steps lie before the present of a window at least."""
    return max(_SHORTEST, _SHORTEST_SEASONS * job.season)


def _spread(first: int, last: int, count: int, random: np.random.Generator) -> Ints:
    """Return up to `count` whole numbers from first to last, one drawn from each of as many like parts."""
    count = min(count, last - first + 1)
    edges = np.linspace(first, last + 1, count + 1)
    return np.unique(np.floor(edges[:-1] + random.random(count) * np.diff(edges)).astype(np.int64))


def _rows(sampled: Windows, job: Job) -> tuple[Floats32, Floats32, Floats32]:
    """Return features, own quantiles and what came, as `network.train` wants them; windows in which nothing ever moved teach nothing."""
    features, changes, wanted = [], [], []
    for begin in range(0, len(sampled.values), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        own = own_past(sampled.values[part], season=job.season, horizon=job.horizon)
        ends = None if sampled.ends is None else sampled.ends[part]
        rows = describe(sampled.values[part], own, season=job.season, ends=ends, step_seconds=job.step_seconds)
        futures = sampled.futures[part]
        came = np.stack([futures, np.fmax.accumulate(futures, axis=1)], axis=1)[:, :, own.steps - 1]
        wanted.append(_flat(((came - rows.last[:, None, None]) / rows.scale[:, None, None])[rows.moved, ..., None])[:, :, 0])
        features.append(rows.features[rows.moved].reshape(-1, rows.features.shape[2]))
        changes.append(_flat(rows.own[rows.moved]))
    return np.concatenate(features), np.concatenate(changes), np.concatenate(wanted)


def _flat(changes: Floats) -> Floats32:
    """Return changes [w, 2, g, l] in units of the usual ones as rows [w · g, 2, l] on the scale on which the networks work."""
    inner = np.sign(changes) * np.minimum(np.log1p(np.abs(changes) / _UNIT), _FAR)
    return np.moveaxis(inner, 1, 2).reshape(-1, network.HEADS, changes.shape[3]).astype(np.float32)


def _outer(values: Floats) -> Floats:
    return np.sign(values) * np.expm1(np.minimum(np.abs(values), _FAR)) * _UNIT


def _layout(season: int, horizon: int) -> Floats32:
    return np.array([LAYOUT, season, horizon, len(LEVELS)], dtype=np.float32)


def _fits(parameters: Sequence[Mapping[str, NDArray[t.Any]]], season: int, horizon: int, features: int | None) -> bool:
    """Return whether parameters are complete and of this layout."""
    if len(parameters) != NETWORKS:
        return False
    for item in parameters:
        if set(item) != {"layout", *network.NAMES} or not np.array_equal(item["layout"], _layout(season, horizon)):
            return False
        if {name: item[name].shape for name in network.NAMES} != network.shapes(len(item["mean"]) if features is None else features):
            return False
    return True


def _width(season: int) -> int:
    """Return how many of the last steps of a series are looked at."""
    return _WINDOW_STEPS if season == 1 else _WINDOW_SEASONS * season
