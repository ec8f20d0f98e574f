# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One LSTM for each volume: its own weights, scaler and training curve, all volumes of a batch trained as one computation.

The network of a volume corrects what the volume's own past changes say (`candidates.Empirical`): it moves the median and stretches the
spread below and above it, at some steps ahead (1, 4, 16 …), of the value and of the running maximum. It begins with no correction,
and a correction that does not serve the validation part of the volume's own history is not kept. Answers for further steps come
from the network directly, not from paths of repeated one-step answers: such paths know nothing of how changes follow each other beyond
what the network has learned (measured on weekly directory sizes: 6 to 17 % worse than the own past at 6 steps), and cost a run of the
network per path and step. Runs in workers of the engine only (torch).
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm_inputs as seen
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm_network as network
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import Empirical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution, distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_inputs import Scaler
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import look_back
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_inputs import Floats32
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints

# Arrays of one volume, or with a leading [n] those of many: shift and scale (float64, in units of the values), the rest float32.
Parameters = dict[str, "NDArray[t.Any]"]

SCALER = ("shift", "scale")
DENSE_STARTS = 96
_BLOCK_VALUES = 1 << 16
_MAX_STEPS, _MAX_SEASONS = 1024, 8
_SAME_SCALE = 4.0


class Trained(t.NamedTuple):
    """What training gave, for each of n volumes.

    parameters: stacked, see Parameters; curve [n, e, 2]: mean quantile loss of the training and of the validation part by epoch,
    NaN after a volume stopped; kept [n]: the epoch whose parameters were kept, -1 = no correction was worth it; actual, predicted
    [n, T]: the values and what was said one step before, NaN = none; part [n, T]: 1 = training, 2 = validation, 3 = test, 0 = no
    value; error, last_error [n]: mean absolute one-step error over the test part, and the last value's there, NaN = not measured.
    """

    parameters: Parameters
    curve: Floats
    kept: Ints
    actual: Floats
    predicted: Floats
    part: Ints
    error: Floats
    last_error: Floats


def train(values: Floats, *, season: int, seed: int, start: Sequence[Parameters | None] | None = None) -> Trained:
    """Train one network for each series; of long ones the last 1,024 steps or eight seasons count.

    :param values: [n, T] right-aligned, NaN = missing.
    :param season: steps, 1 = none.
    :param start: parameters of one volume each, which go on being trained in a quarter of the epochs; None, or parameters of
        another season, code or order of size than the series now has, begin anew.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    begin: Sequence[Parameters | None] = start if start is not None else [None] * len(values)
    if len(begin) != len(values):
        raise InputError(f"As many parameters to start from as series are needed; seen: {len(begin)} for {len(values)} series.")
    if not len(values):
        return _train(values, season, seed, begin)
    found = [_train(values[rows], season, seed, begin[rows]) for rows in _blocks(values, season)]
    parameters = {name: np.concatenate([item.parameters[name] for item in found]) for name in found[0].parameters}
    width = max(item.curve.shape[1] for item in found)
    curves = [np.pad(item.curve, ((0, 0), (0, width - item.curve.shape[1]), (0, 0)), constant_values=np.nan) for item in found]
    rest = [np.concatenate([item[column] for item in found]) for column in range(2, len(Trained._fields))]
    return Trained(parameters, np.concatenate(curves), *rest)


def forecast(parameters: Parameters, values: Floats, *, horizon: int, season: int, seed: int, gap: int = 0) -> Distribution:
    """Return the forecast distribution of each series, corrected by its own network.

    :param parameters: of as many volumes as there are series (`Trained.parameters`, or `stacked`).
    :param values: [n, T] right-aligned, NaN = missing, the last column known; with all that has come since the training.
    :param season: that of the training.
    :param gap: steps that have passed since the last known value, as in `distribution`.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    wanted = {name: (len(values), *shape) for name, shape in _shapes(season).items()}
    found = {name: np.shape(parameters[name]) if name in parameters else None for name in wanted}
    if found != wanted:
        raise InputError(f"Parameters of another network, number of series or season (seen: {found}; needed: {wanted}).")
    past = look_back(values, season=season, horizon=gap + horizon, seed=seed, dense=DENSE_STARTS)
    own = distribution(Empirical(past), horizon=horizon, gap=gap)
    if not len(values):
        return own
    answers = [
        _answers({name: array[rows] for name, array in parameters.items()}, values[rows], season)[:, -1] for rows in _blocks(values, season)
    ]
    return _corrected(own, past.last, Scaler(parameters["shift"], parameters["scale"]), np.concatenate(answers), season, gap)


def hindsight(parameters: Parameters, values: Floats, *, season: int) -> tuple[Floats, Ints]:
    """Return what trained networks say of values one step before, and the part of each value [n, T], as `Trained` has them.

    :param parameters, values, season: as of `forecast`.
    """
    values = np.where(np.isfinite(values), values, np.nan)
    found = [
        _hindsight({name: array[rows] for name, array in parameters.items()}, values[rows], season) for rows in _blocks(values, season)
    ]
    return np.concatenate([predicted for predicted, _part in found]), np.concatenate([part for _predicted, part in found])


def fits(parameters: Parameters, season: int) -> bool:
    """Return whether these are whole parameters of one volume for this network and season."""
    if any(name not in parameters or np.shape(parameters[name]) != shape for name, shape in _shapes(season).items()):
        return False
    return all(bool(np.isfinite(parameters[name]).all()) for name in _shapes(season))


def rescaled(parameters: Parameters, exponent: int) -> Parameters:
    """Return parameters for values that are 2 ** exponent times those they were for."""
    return {**parameters, **{name: np.ldexp(parameters[name], exponent) for name in SCALER}}


def stacked(parameters: Sequence[Parameters]) -> Parameters:
    """Return the parameters of single volumes as those of a batch."""
    return {name: np.stack([item[name] for item in parameters]) for name in parameters[0]}


def one_of(parameters: Parameters, row: int) -> Parameters:
    """Return the parameters of one volume of a batch."""
    return {name: array[row].copy() for name, array in parameters.items()}


def _train(values: Floats, season: int, seed: int, start: Sequence[Parameters | None]) -> Trained:
    recent = values[:, -_kept_steps(season) :]
    part = seen.parts(recent)
    own = seen.scaler_of(recent, part)
    warm = [item if item is not None and _goes_on(item, row, own, season) else None for row, item in enumerate(start)]
    scaler = _scaler(own, warm)
    fresh = network.beginning(seen.input_count(season), len(seen.anchors(season)), seed)
    begin = np.stack([fresh if item is None else _flat(item, ()) for item in warm]) if warm else np.zeros((0, len(fresh)), np.float32)
    inputs, started = seen.inputs(recent, scaler, season), seen.carried(recent)[1]
    targets, belongs = seen.targets(recent, scaler, season), seen.part_of_targets(part, season)
    usual = seen.usual(targets, belongs == seen.TRAIN, network.LEVELS, season)
    moves = (scaler.scale > 0)[:, None, None]
    lessons = network.Lessons(inputs, started, targets, usual, moves & (belongs == seen.TRAIN), moves & (belongs == seen.VALIDATION))
    epochs = np.array([network.EPOCHS if item is None else network.WARM_EPOCHS for item in warm], dtype=np.int64)
    learned = network.learn(lessons, begin, epochs)
    parameters: Parameters = {"shift": scaler.shift, "scale": scaler.scale, **_named(learned.flat, season)}
    predicted, parts = _whole(values, _one_step(parameters, recent, season, usual[:, :, 0, 0, network.LEVELS.index(0.5)]), part)
    error, last_error = _measured(values, predicted, parts)
    return Trained(parameters, learned.curve, learned.kept, values, predicted, parts, error, last_error)


def _hindsight(parameters: Parameters, values: Floats, season: int) -> tuple[Floats, Ints]:
    recent = values[:, -_kept_steps(season) :]
    part = seen.parts(recent)
    targets = seen.targets(recent, Scaler(parameters["shift"], parameters["scale"]), season)
    usual = seen.usual(targets, seen.part_of_targets(part, season) == seen.TRAIN, network.LEVELS, season)
    return _whole(values, _one_step(parameters, recent, season, usual[:, :, 0, 0, network.LEVELS.index(0.5)]), part)


def _whole(values: Floats, predicted: Floats, part: Ints) -> tuple[Floats, Ints]:
    """Return both for all steps of the values: nothing is said of those before the ones that count."""
    missing = ((0, 0), (values.shape[1] - predicted.shape[1], 0))
    return np.pad(predicted, missing, constant_values=np.nan), np.pad(part, missing)


def _one_step(parameters: Parameters, values: Floats, season: int, usual: Floats32) -> Floats:
    """Return what was said of each value one step before [n, T], with the usual changes of the training part [n, phases]."""
    ages = values.shape[1] - 1 - np.arange(values.shape[1])
    answer = _answers(parameters, values, season)[:, :, 0, 0].astype(np.float64)
    middle = usual[:, ages % season, None].astype(np.float64)
    change = network.corrected(middle, middle, answer)[:, :, 0] * parameters["scale"][:, None] + parameters["shift"][:, None]
    found = np.full(values.shape, np.nan)
    found[:, 1:] = (values + change)[:, :-1]
    return np.where(np.isnan(values), np.nan, found)


def _measured(values: Floats, predicted: Floats, part: Ints) -> tuple[Floats, Floats]:
    before = np.full(values.shape, np.nan)
    before[:, 1:] = values[:, :-1]
    wrong = np.abs(np.stack([values - predicted, values - before]))
    counted = (part == seen.TEST) & ~np.isnan(wrong).any(axis=0)
    count = counted.sum(axis=1)
    mean = np.where(counted, wrong, 0.0).sum(axis=2) / np.maximum(count, 1)
    error, last_error = np.where(count > 0, mean, np.nan)
    return error, last_error


def _answers(parameters: Parameters, values: Floats, season: int) -> Floats32:
    """Return what the networks say at every step [n, T, a, 2, 3]."""
    recent = values[:, -_kept_steps(season) :]
    inputs = seen.inputs(recent, Scaler(parameters["shift"], parameters["scale"]), season)
    return network.said(_flat(parameters, (len(values),)), inputs, seen.carried(recent)[1], len(seen.anchors(season)))


def _corrected(own: Distribution, last: Floats, scaler: Scaler, answers: Floats32, season: int, gap: int) -> Distribution:
    """Return a distribution with the answers at the anchors [n, a, 2, 3] applied at its steps, linear in log steps between."""
    ahead = own.steps + gap
    near = np.log(seen.anchors(season))
    place = np.interp(np.log(ahead), near, np.arange(len(near)))
    low = np.floor(place).astype(np.int64)
    share = (place - low)[None, :, None, None]
    above = answers[:, np.minimum(low + 1, len(near) - 1)].astype(np.float64)
    answer = answers[:, low] + share * (above - answers[:, low])
    size = scaler.scale[:, None, None] * np.sqrt(ahead)[None, :, None]
    unit = np.where(size > 0, size, 1.0)
    middle = int(np.searchsorted(own.levels, 0.5))
    found = []
    for head, quantiles in enumerate((own.values, own.highest)):
        change = (np.moveaxis(quantiles, 1, 2) - last[:, None, None]) / unit
        moved = network.corrected(change, change[:, :, middle, None], answer[:, :, head]) - change
        found.append(quantiles + np.moveaxis(moved * size, 1, 2))
    values, highest = found
    highest = np.maximum.accumulate(np.maximum(highest, values), axis=2)
    return Distribution(own.steps, own.levels, *(np.maximum.accumulate(item, axis=1) for item in (values, highest)))


def _goes_on(item: Parameters, row: int, own: Scaler, season: int) -> bool:
    """Return whether the parameters of one volume can go on being trained: of this network, and for changes of this size."""
    if not fits(item, season):
        return False
    scale, now = float(item["scale"]), float(own.scale[row])
    return scale > 0 and now > 0 and 1.0 / _SAME_SCALE <= now / scale <= _SAME_SCALE


def _scaler(own: Scaler, warm: Sequence[Parameters | None]) -> Scaler:
    """Return the scaler of each series: that of its parameters where they go on, for they were trained with it."""
    shift, scale = own.shift.copy(), own.scale.copy()
    for row, item in enumerate(warm):
        if item is not None:
            shift[row], scale[row] = item["shift"], item["scale"]
    return Scaler(shift, scale)


def _shapes(season: int) -> dict[str, tuple[int, ...]]:
    return {"shift": (), "scale": (), **network.shapes(seen.input_count(season), len(seen.anchors(season)))}


def _flat(parameters: Parameters, lead: tuple[int, ...]) -> Floats32:
    # By name: what comes from a file has another order.
    rows = [parameters[name].reshape(*lead, math.prod(parameters[name].shape[len(lead) :])) for name in network.NAMES]
    return np.concatenate(rows, axis=len(lead)).astype(np.float32)


def _named(flat: Floats32, season: int) -> Parameters:
    wanted = network.shapes(seen.input_count(season), len(seen.anchors(season)))
    ends = np.cumsum([int(np.prod(shape)) for shape in wanted.values()])
    pieces = np.split(flat, ends[:-1], axis=1)
    return {name: np.ascontiguousarray(piece).reshape(-1, *shape) for (name, shape), piece in zip(wanted.items(), pieces, strict=True)}


def _kept_steps(season: int) -> int:
    return max(_MAX_STEPS, _MAX_SEASONS * season)


def _blocks(values: Floats, season: int) -> Iterator[slice]:
    """Yield parts of the series that are computed at once: as many as the caches of a processor hold."""
    size = max(1, _BLOCK_VALUES // max(1, min(values.shape[1], _kept_steps(season))))
    for begin in range(0, len(values), size):
        yield slice(begin, begin + size)
