# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classic recipe, for comparison only: per volume an LSTM over the last six values that says the next one.

Scaled to −1 … 1 by the minimum and maximum of all data, smooth L1 loss, Adam with a learning rate of 1e-3, applied to its own
answers for further steps; it knows no spread. The sources leave the rest open; taken here is what is usual: one layer of 50 units
and a linear one, 100 epochs, windows in their order, 32 at a time. Each volume has its own weights; that all of them are computed
together changes the time and nothing else. Runs in workers of the engine only (torch).
"""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_inputs import carried
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_network import device, one_thread, run
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, torch

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats

    Tensor = torch.Tensor

LOOKBACK, HIDDEN, EPOCHS, WINDOWS = 6, 50, 100, 32
BATCH_SERIES = 25
_LEARNING_RATE, _FIRST_MOMENT, _SECOND_MOMENT = 1e-3, 0.9, 0.999
_SHAPES = {"input": (1, 4 * HIDDEN), "recurrent": (HIDDEN, 4 * HIDDEN), "bias": (1, 4 * HIDDEN), "output": (HIDDEN, 1), "shift": (1, 1)}


class Model(t.NamedTuple):
    """flat float32 [n, P]: the weights; low, high [n]: what is scaled to −1 and 1; trained bool [n]: seven values or more were there."""

    flat: NDArray[np.float32]
    low: Floats
    high: Floats
    trained: Bools


class Lesson(t.NamedTuple):
    """Series to learn from: values [n, T] as of `train`."""

    values: Floats
    seed: int


def train_batch(lesson: Lesson) -> Model:
    """Train the networks of a batch: what a worker of the engine computes."""
    return train(lesson.values, seed=lesson.seed, epochs=EPOCHS)


@one_thread()
def train(values: Floats, *, seed: int, epochs: int) -> Model:
    """Train one network for each series.

    :param values: [n, T] right-aligned, NaN = missing: the last value before it stands in.
    """
    filled, started = carried(values)
    low = np.where(started, filled, np.inf).min(axis=1, initial=np.inf)
    high = np.where(started, filled, -np.inf).max(axis=1, initial=-np.inf)
    generator = np.random.default_rng(seed)
    begin = generator.uniform(-1.0, 1.0, _size()) / np.sqrt(HIDDEN)
    model = Model(np.tile(begin.astype(np.float32), (len(values), 1)), low, high, started.sum(axis=1) > LOOKBACK)
    if values.shape[1] <= LOOKBACK or not model.trained.any():
        return model
    windows = np.lib.stride_tricks.sliding_window_view(np.where(started, _scaled(model, filled), 0.0), LOOKBACK + 1, axis=1)
    flat = _fit(model.flat, windows.astype(np.float32), started[:, : windows.shape[1]], epochs)
    return model._replace(flat=flat)


@one_thread()
def predict(model: Model, values: Floats, *, horizon: int) -> Floats:
    """Return the point forecast [n, horizon], each step from the answers before it; the last value where nothing could be learned.

    One step needs nothing but the last six values: hand over no more of a long history when only that is asked for, often.

    :param model: of `train`, perhaps of an earlier time; its scale stays that of the training.
    :param values: [n, T] as there.
    """
    filled, started = carried(values)
    found = np.repeat(filled[:, -1:], horizon, axis=1)
    rows = model.trained & (started.sum(axis=1) >= LOOKBACK) & (model.high > model.low)
    if rows.any():
        part = Model(*(item[rows] for item in model))
        with torch.no_grad():
            layers = _layers(torch.from_numpy(part.flat).to(device()))
            window = torch.from_numpy(_scaled(part, filled[rows, -LOOKBACK:]).astype(np.float32)).to(device())
            for _step in range(horizon):
                window = torch.cat([window, _answer(layers, window[:, None, -LOOKBACK:])], dim=1)
        answer = window[:, LOOKBACK:].cpu().numpy().astype(np.float64)
        found[rows] = part.low[:, None] + (answer + 1.0) / 2.0 * (part.high - part.low)[:, None]
    return np.where(started[:, -1:], found, np.nan)


def rescaled(model: Model, exponent: int) -> Model:
    """Return a model for values that are 2 ** exponent times those it was for."""
    return model._replace(low=np.ldexp(model.low, exponent), high=np.ldexp(model.high, exponent))


def stacked(models: Sequence[Model]) -> Model:
    """Return the models of single series as that of all of them."""
    flat, low, high, trained = (np.concatenate(items) for items in zip(*models, strict=True))
    return Model(flat, low, high, trained)


def one_of(model: Model, row: int) -> Model:
    """Return the model of one series."""
    one = slice(row, row + 1)
    return Model(model.flat[one].copy(), model.low[one].copy(), model.high[one].copy(), model.trained[one].copy())


def model_of(weights: t.Any, low: float, high: float) -> Model | None:
    """Return the model of one series out of what was kept of it; None where that is not whole."""
    flat = np.asarray(weights, dtype=np.float32)
    if flat.shape != (_size(),) or not (np.isfinite(flat).all() and np.isfinite([low, high]).all()):
        return None
    return Model(flat[None], np.array([low]), np.array([high]), np.array([True]))


def _size() -> int:
    return sum(int(np.prod(shape)) for shape in _SHAPES.values())


def _fit(begin: NDArray[np.float32], windows: NDArray[np.float32], whole: Bools, epochs: int) -> NDArray[np.float32]:
    """Return the weights after training.

    :param windows: [n, W, 7]: six values and the next one.
    :param whole: bool [n, W], those that do not begin before the series. A volume without any in a batch takes no step there.
    """
    flat = torch.from_numpy(begin.copy()).to(device()).requires_grad_()
    first, second = torch.zeros_like(flat), torch.zeros_like(flat)
    taken = torch.zeros((len(flat), 1), device=flat.device)
    seen = torch.from_numpy(windows.copy()).to(device())
    weight = torch.from_numpy(whole.copy()).to(device()).float()
    count = seen.shape[1]
    # Counted from the end, so that the batches of a series do not depend on how long the others are.
    cuts = [slice(max(0, end - WINDOWS), end) for end in range(count, 0, -WINDOWS)][::-1]
    for _epoch in range(epochs):
        for cut in cuts:
            share = weight[:, cut] / weight[:, cut].sum(dim=1, keepdim=True).clamp(min=1.0)
            answer = _answer(_layers(flat), seen[:, cut, :LOOKBACK])
            loss = torch.nn.functional.smooth_l1_loss(answer, seen[:, cut, LOOKBACK], reduction="none")
            (gradient,) = torch.autograd.grad((loss * share).sum(), flat)
            some = share.sum(dim=1, keepdim=True) > 0
            with torch.no_grad():
                taken += some
                first = torch.where(some, first.lerp(gradient, 1.0 - _FIRST_MOMENT), first)
                second = torch.where(some, second.lerp(gradient * gradient, 1.0 - _SECOND_MOMENT), second)
                mean = first / (1.0 - _FIRST_MOMENT ** taken.clamp(min=1.0))
                size = (second / (1.0 - _SECOND_MOMENT ** taken.clamp(min=1.0))).sqrt() + 1e-8
                flat -= _LEARNING_RATE * mean / size * some
    return flat.detach().cpu().numpy()


def _layers(flat: Tensor) -> list[Tensor]:
    pieces = torch.split(flat, [int(np.prod(shape)) for shape in _SHAPES.values()], dim=1)
    return [piece.reshape(len(flat), *shape) for piece, shape in zip(pieces, _SHAPES.values(), strict=True)]


def _answer(layers: list[Tensor], windows: Tensor) -> Tensor:
    """Return the next values [n, w] after windows [n, w, 6]."""
    weight, recurrent, bias, output, shift = layers
    gates = windows[..., None] * weight[:, :, None, :] + bias[:, :, None, :]
    state = torch.zeros((2, *windows.shape[:2], HIDDEN), device=windows.device)
    _hidden, ended = run(gates, state, recurrent)
    return torch.baddbmm(shift, ended[0], output)[..., 0]


def _scaled(model: Model, values: Floats) -> Floats:
    width = model.high - model.low
    return (values - model.low[:, None]) / np.where(width > 0, width, 1.0)[:, None] * 2.0 - 1.0
