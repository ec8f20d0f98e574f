# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small network that corrects what a series' own past says: one row is a window at one step ahead.

It works on the logarithm of changes: quantiles survive a monotone transformation (Koenker 2005), and series that hardly move count
as much as restless ones. For each quantile, of the value and of the running maximum, it says what share of the own past's quantile
stays and what is added to it; before it has learned anything, nearly all stays and nothing is added. Training needs torch and runs in
workers of the engine only; answers are plain numpy.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_network import one_thread
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, torch

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import Floats32

Parameters = dict[str, "Floats32"]
Tensor = t.Any

HEADS, HIDDEN, BATCH_ROWS = 2, 64, 2048
LEARNING_RATE, WARM_LEARNING_RATE, WEIGHT_DECAY, MAX_NORM = 3e-3, 1e-3, 1e-3, 1.0
_CLIP = 5.0
# The logistic of this share stays when nothing has been learned.
_OPEN = 2.0
_LAYERS = ("first", "second", "last")
NAMES = ("mean", "deviation", *(f"{layer}_{part}" for layer in _LAYERS for part in ("weight", "bias")))


def answer(parameters: Mapping[str, Floats32], features: Floats32, own: Floats32) -> Floats32:
    """Return quantiles [m, 2, l] at LEVELS of the value and of the running maximum, not decreasing in l.

    :param features: [m, f].
    :param own: [m, 2, l] quantiles of the series' own past changes.
    """
    found = np.clip((features - parameters["mean"]) / parameters["deviation"], -_CLIP, _CLIP)
    for layer in _LAYERS[:-1]:
        hidden = found @ parameters[f"{layer}_weight"].T + parameters[f"{layer}_bias"]
        found = hidden * _logistic(hidden)
    said = (found @ parameters["last_weight"].T + parameters["last_bias"]).reshape(len(own), HEADS, -1)
    return np.sort(_logistic(said[:, :, : len(LEVELS)] + _OPEN) * own + said[:, :, len(LEVELS) :], axis=2)


@one_thread()
def train(
    features: Floats32,
    own: Floats32,
    wanted: Floats32,
    *,
    steps: int,
    seed: int,
    begin: Mapping[str, Floats32] | None = None,
) -> Parameters:
    """Return the parameters that fit some rows.

    :param features: [m, f].
    :param own: [m, 2, l] quantiles of the series' own past changes, on the scale of `wanted`.
    :param wanted: [m, 2] what came: value and running maximum; NaN = not known.
    :param begin: go on from these parameters; None = begin anew.
    """
    generator = torch.Generator().manual_seed(seed)
    mean, deviation = (begin["mean"], begin["deviation"]) if begin else (features.mean(axis=0), features.std(axis=0) + np.float32(1e-2))
    seen = torch.from_numpy(np.clip((features - mean) / deviation, -_CLIP, _CLIP))
    past, target = torch.from_numpy(np.ascontiguousarray(own)), torch.from_numpy(np.ascontiguousarray(wanted))
    layers = _layers(features.shape[1], begin, generator)
    flat = [part for layer in layers for part in layer]
    rate = WARM_LEARNING_RATE if begin else LEARNING_RATE
    optimiser = torch.optim.AdamW(flat, lr=rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    level = torch.tensor(LEVELS, dtype=torch.float32)
    for _step in range(steps):
        chosen = torch.randint(0, len(seen), (min(BATCH_ROWS, len(seen)),), generator=generator)
        wrong = target[chosen][:, :, None] - _forward(layers, seen[chosen], past[chosen])
        known = ~torch.isnan(wrong)
        wrong = torch.where(known, wrong, torch.zeros(()))
        loss = torch.maximum(level * wrong, (level - 1.0) * wrong).sum() / known.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(flat, MAX_NORM)
        optimiser.step()
        schedule.step()
    return dict(zip(NAMES, (mean, deviation, *(part.detach().numpy().copy() for part in flat)), strict=True))


def shapes(features: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each of the parameters."""
    sizes = _sizes(features)
    found: dict[str, tuple[int, ...]] = {"mean": (features,), "deviation": (features,)}
    for layer, inputs, count in zip(_LAYERS, sizes, sizes[1:], strict=False):
        found[f"{layer}_weight"], found[f"{layer}_bias"] = (count, inputs), (count,)
    return found


def _sizes(features: int) -> tuple[int, ...]:
    return features, HIDDEN, HIDDEN, 2 * HEADS * len(LEVELS)


def _logistic(values: Floats32) -> Floats32:
    return (1.0 / (1.0 + np.exp(-np.clip(values, -30.0, 30.0)))).astype(np.float32)


def _layers(size: int, begin: Mapping[str, Floats32] | None, generator: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return weight and bias of each layer; the last one begins with nothing."""
    sizes = _sizes(size)
    layers = []
    for name, inputs, count in zip(_LAYERS, sizes, sizes[1:], strict=False):
        if begin:
            weight, bias = (torch.from_numpy(begin[f"{name}_{part}"].copy()) for part in ("weight", "bias"))
        else:
            bound = float(inputs) ** -0.5 if name != "last" else 0.0
            weight, bias = (torch.empty(shape).uniform_(-bound, bound, generator=generator) for shape in ((count, inputs), (count,)))
        layers.append((weight.requires_grad_(), bias.requires_grad_()))
    return layers


def _forward(layers: list[tuple[Tensor, Tensor]], seen: Tensor, own: Tensor) -> Tensor:
    """Return what `answer` does, of standardised features and unsorted, as torch can follow it back."""
    for weight, bias in layers[:-1]:
        seen = torch.nn.functional.silu(seen @ weight.T + bias)
    weight, bias = layers[-1]
    said = (seen @ weight.T + bias).reshape(len(own), HEADS, -1)
    return torch.sigmoid(said[:, :, : len(LEVELS)] + _OPEN) * own + said[:, :, len(LEVELS) :]
