# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The global model: one small network that corrects what each series' own past says, learned from all series together.

A row is one step ahead of one window. Its answer is a change of each quantile of the series' own past changes, of the value and
of the running maximum, on a logarithmic scale: quantiles survive a monotone transformation (Koenker 2005), and small series count
as much as large ones. It begins with no correction at all, so that where there is little to learn little is changed. Training
needs torch and runs in workers of the engine only; answers are plain numpy.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import Rows
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, torch

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import Floats32

import os
THR = float(os.environ.get('THR','0'))
HEADS = 2
HIDDEN = 64
BATCH_ROWS = 2048
LEARNING_RATE, WEIGHT_DECAY, AVERAGED = 3e-3, 1e-3, 0.99
_UNIT, _FAR, _CLIP = 0.1, 12.0, 5.0

Parameters = dict[str, "Floats32"]


def answer(parameters: Mapping[str, Floats32], rows: Rows) -> tuple[Floats, Floats]:
    """Return the corrected quantiles of the value and of the running maximum [w, l, g] at LEVELS.

    :param parameters: of `train`.
    """
    features = np.clip((rows.features - parameters["mean"]) / parameters["deviation"], -_CLIP, _CLIP)
    for layer in ("first", "second"):
        hidden = features @ parameters[f"{layer}_weight"].T + parameters[f"{layer}_bias"]
        features = hidden / (1.0 + np.exp(-np.clip(hidden, -30.0, 30.0)))
    change = features @ parameters["last_weight"].T + parameters["last_bias"]
    windows, steps, _size = change.shape
    change = np.moveaxis(change.reshape(windows, steps, HEADS, len(LEVELS)), 2, 1)
    found = np.sort(_inner(rows.own) + change, axis=3)
    found = np.sign(found) * np.maximum(np.abs(found) - THR, 0.0)
    values, highest = np.moveaxis(_outer(found) * rows.scale[:, None, None, None] + rows.last[:, None, None, None], (1, 3), (0, 2))
    return values, np.maximum.accumulate(np.maximum(highest, values), axis=2)


def train(
    rows: Rows, targets: Floats, *, steps: Sequence[int], seed: int, begin: Mapping[str, Floats32] | None = None
) -> dict[int, Parameters]:
    """Return the network's parameters after each of some numbers of training steps, by that number.

    Each is the running average of the parameters until then, which a constant learning rate needs.

    :param targets: [w, 2, g] what came: the changes of the value and of the running maximum in units of `rows.scale`; NaN = not known.
    :param steps: ascending.
    :param begin: go on from these parameters instead of from no correction.
    """
    generator = torch.Generator().manual_seed(seed)
    features = torch.from_numpy(rows.features.reshape(-1, rows.features.shape[2]))
    own = torch.from_numpy(np.moveaxis(_inner(rows.own), 1, 2).astype(np.float32)).reshape(-1, HEADS, len(LEVELS))
    wanted = torch.from_numpy(np.moveaxis(_inner(targets), 1, 2).astype(np.float32)).reshape(-1, HEADS)
    mean, deviation = (begin["mean"], begin["deviation"]) if begin else _standard(rows.features)
    shift, width = torch.from_numpy(mean), torch.from_numpy(deviation)
    layers = _layers(features.shape[1], begin, generator)
    optimiser = torch.optim.AdamW([part for layer in layers for part in layer], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    level = torch.tensor(LEVELS, dtype=torch.float32)
    averaged = [[part.detach().clone() for part in layer] for layer in layers]
    found: dict[int, Parameters] = {}
    for step in range(1, steps[-1] + 1):
        chosen = torch.randint(0, len(features), (min(BATCH_ROWS, len(features)),), generator=generator)
        said = own[chosen] + _forward(layers, ((features[chosen] - shift) / width).clamp(-_CLIP, _CLIP))
        wrong = wanted[chosen][:, :, None] - said
        known = ~torch.isnan(wrong)
        wrong = torch.where(known, wrong, torch.zeros(()))
        loss = torch.maximum(level * wrong, (level - 1.0) * wrong).sum() / known.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([part for layer in layers for part in layer], 1.0)
        optimiser.step()
        keep = min(AVERAGED, step / (step + 10.0))
        with torch.no_grad():
            for kept, layer in zip(averaged, layers, strict=True):
                for old, new in zip(kept, layer, strict=True):
                    old.mul_(keep).add_(new, alpha=1.0 - keep)
        if step in steps:
            found[step] = _parameters(averaged, mean, deviation)
    return found


def _inner(values: Floats) -> Floats:
    """Return changes in units of the series' usual ones on the scale on which the network works."""
    return np.sign(values) * np.log1p(np.abs(values) / _UNIT)


def _outer(values: Floats) -> Floats:
    return np.sign(values) * np.expm1(np.minimum(np.abs(values), _FAR)) * _UNIT


def _standard(features: Floats32) -> tuple[Floats32, Floats32]:
    flat = features.reshape(-1, features.shape[2])
    return flat.mean(axis=0), flat.std(axis=0) + np.float32(1e-2)


_NAMES = ("first", "second", "last")


def _layers(size: int, begin: Mapping[str, Floats32] | None, generator: t.Any) -> list[list[t.Any]]:
    """Return weight and bias of each layer; the last one begins with nothing."""
    sizes = (size, HIDDEN, HIDDEN, HEADS * len(LEVELS))
    layers = []
    for name, inputs, outputs in zip(_NAMES, sizes, sizes[1:], strict=False):
        if begin:
            weight, bias = (torch.from_numpy(begin[f"{name}_{part}"].copy()) for part in ("weight", "bias"))
        else:
            weight, bias = torch.zeros(outputs, inputs), torch.zeros(outputs)
            if name != "last":
                bound = float(inputs) ** -0.5
                weight.uniform_(-bound, bound, generator=generator)
        layers.append([weight.requires_grad_(), bias.requires_grad_()])
    return layers


def _forward(layers: list[list[t.Any]], features: t.Any) -> t.Any:
    for weight, bias in layers[:-1]:
        features = torch.nn.functional.silu(features @ weight.T + bias)
    weight, bias = layers[-1]
    return (features @ weight.T + bias).reshape(-1, HEADS, len(LEVELS))


def _parameters(layers: list[list[t.Any]], mean: Floats32, deviation: Floats32) -> Parameters:
    found: Parameters = {"mean": mean, "deviation": deviation}
    for name, (weight, bias) in zip(_NAMES, layers, strict=True):
        found[f"{name}_weight"], found[f"{name}_bias"] = weight.numpy().copy(), bias.numpy().copy()
    return found
