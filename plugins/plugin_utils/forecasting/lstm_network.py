# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many small LSTMs as one computation: row i of every tensor belongs to volume i, and no row ever touches another.

The network of a volume says how the changes to come differ from its usual ones: by how much the median is moved, and by what
factors the spread below and above it is (Hochreiter & Schmidhuber 1997 for the cell, Koenker 2005 for the loss). Its last layer
begins with zeros, so it begins with the usual changes. Needs torch; runs in workers of the engine only.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np, torch

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm_inputs import Floats32
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Bools, Floats, Ints

    Tensor = torch.Tensor

HIDDEN = 16
CHUNK = 48
EPOCHS, WARM_EPOCHS, PATIENCE = 80, 20, 12
LEARNING_RATE, FIRST_MOMENT, SECOND_MOMENT, MAX_NORM = 1e-2, 0.9, 0.99, 1.0
# A gain over n values of the validation part that is smaller than this / √n is luck: the best of all epochs always shows one.
LUCK = 0.25
LEVELS = (0.1, 0.5, 0.9)
SAYS = 3
_WIDEST, _FARTHEST = 2.0, 8.0
_SHUT = -1e3
NAMES = ("input_weight", "recurrent_weight", "bias", "output_weight", "output_bias")


class Lessons(t.NamedTuple):
    """What the volumes of one batch learn from.

    inputs [n, T, f]; started bool [n, T]; targets [n, T, a, 2] and usual [n, m, a, 2, l] (its quantiles at LEVELS by phase);
    train, validation bool [n, T, a].
    """

    inputs: Floats32
    started: Bools
    targets: Floats32
    usual: Floats32
    train: Bools
    validation: Bools


class Learned(t.NamedTuple):
    """flat float32 [n, P]; curve [n, e, 2]: loss of the training and of the validation part by epoch; kept [n]: the epoch, -1 = no correction."""

    flat: Floats32
    curve: Floats
    kept: Ints


def device() -> t.Any:
    """Return where networks are computed: the GPU if torch sees one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: these tensors are small, and threads that wait for one another cost up to ten times the work itself."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def shapes(inputs: int, steps: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of one volume."""
    outputs = steps * 2 * SAYS
    found = ((inputs, 4 * HIDDEN), (HIDDEN, 4 * HIDDEN), (1, 4 * HIDDEN), (HIDDEN, outputs), (1, outputs))
    return dict(zip(NAMES, found, strict=True))


def beginning(inputs: int, steps: int, seed: int) -> Floats32:
    """Return the parameters [P] that every volume begins with; the last layer is nothing."""
    generator = np.random.default_rng(seed)
    found = []
    for name, shape in shapes(inputs, steps).items():
        size = int(np.prod(shape))
        weight = generator.uniform(-1.0, 1.0, size) / np.sqrt(HIDDEN) if name.endswith("t_weight") else np.zeros(size)
        if name == "bias":
            weight[HIDDEN : 2 * HIDDEN] = 1.0  # remember at first (Jozefowicz et al. 2015)
        found.append(np.zeros(size) if name.startswith("output") else weight)
    return np.concatenate(found).astype(np.float32)


@one_thread()
def said(flat: Floats32, inputs: Floats32, started: Bools, steps: int) -> Floats32:
    """Return what the networks say at every step [n, T, a, 2, 3], their state carried through the whole history."""
    with torch.no_grad():
        layers = _layers(torch.from_numpy(flat).to(device()), inputs.shape[2], steps)
        gates = _gates(layers, torch.from_numpy(inputs).to(device()), torch.from_numpy(started).to(device()))
        state = torch.zeros((2, len(flat), 1, HIDDEN), device=device())
        hidden, _state = run(gates[:, None], state, layers[1])
        return _outputs(hidden[:, 0], layers, steps).cpu().numpy()


@one_thread()
def learn(lessons: Lessons, begin: Floats32, epochs: Ints) -> Learned:
    """Train all networks together; each keeps its own parameters of the epoch that served its own validation part best.

    Truncated back-propagation: the history is cut from its end into chunks that are computed side by side, each from the state in
    which the chunk before it ended one epoch ago. A network that has not improved for some epochs is left out from then on.

    :param begin: [n, P].
    :param epochs: [n], how many each may take.
    """
    where = device()
    rows, longest = len(begin), int(epochs.max(initial=0))
    curve = np.full((rows, longest, 2), np.nan)
    steps = lessons.targets.shape[2]
    work = _Work(lessons, begin, epochs, where)
    none = torch.from_numpy(_without_correction(begin, lessons.inputs.shape[2], steps)).to(where)
    kept, enough = none.clone(), work.worth_it()
    least = torch.full((rows,), torch.inf, device=where)
    best_epoch = torch.full((rows,), -1, device=where)
    for epoch in range(longest):
        train, validation = work.forward()
        alive = work.alive
        curve[work.rows[alive].cpu().numpy(), epoch] = torch.stack([train, validation], dim=1)[alive].cpu().numpy()
        better = alive & (validation < least[work.rows])
        chosen = work.rows[better]
        kept[chosen], least[chosen], best_epoch[chosen] = work.flat.detach()[better], validation[better], epoch
        work.stop((epoch - best_epoch[work.rows] >= PATIENCE) | (epoch + 1 >= work.epochs) | torch.isnan(validation))
        if not work.alive.any():
            break
        work.step(epoch)
        work.compact()
    worth = least < enough
    kept, best_epoch = torch.where(worth[:, None], kept, none), torch.where(worth, best_epoch, -1)
    return Learned(kept.cpu().numpy(), curve, best_epoch.cpu().numpy())


class _Work:
    """The volumes that are still being trained, on the device: parameters with their moments, lessons in chunks, states."""

    def __init__(self, lessons: Lessons, begin: Floats32, epochs: Ints, where: t.Any) -> None:
        rows, length, self._size = lessons.inputs.shape
        missing = -length % CHUNK
        chunks = (length + missing) // CHUNK
        targets = torch.from_numpy(lessons.targets).to(where)
        known = ~torch.isnan(targets)
        phases = (length - 1 - np.arange(length)) % lessons.usual.shape[1]
        usual = torch.from_numpy(np.moveaxis(lessons.usual[:, phases], 4, 0).copy()).to(where)
        pad = (0, 0, missing, 0)
        self._tensors: dict[str, Tensor] = {
            "inputs": torch.nn.functional.pad(torch.from_numpy(lessons.inputs).to(where), pad),
            "started": torch.nn.functional.pad(torch.from_numpy(lessons.started).to(where), (missing, 0)),
            "wanted": torch.asinh(torch.nan_to_num(targets)),
            "middle": usual[1],
            "below": usual[0] - usual[1],
            "above": usual[2] - usual[1],
            "train": _share(lessons.train, known),
            "validation": _share(lessons.validation, known),
            "state": torch.zeros((rows, 2, chunks, HIDDEN), device=where),
            "first": torch.zeros((rows, begin.shape[1]), device=where),
            "second": torch.zeros((rows, begin.shape[1]), device=where),
        }
        self.flat = torch.from_numpy(begin.copy()).to(where).requires_grad_()
        self.rows = torch.arange(rows, device=where)
        self.epochs = torch.from_numpy(epochs).to(where)
        self.alive = torch.ones(rows, dtype=torch.bool, device=where)

    def worth_it(self) -> Tensor:
        """Return the loss [n] over the validation part from which on a correction is better than none."""
        wanted, share = self._tensors["wanted"], self._tensors["validation"]
        without = self._losses(torch.zeros((*wanted.shape, SAYS), device=wanted.device))[1]
        return (1.0 - LUCK * (share[:, :, 0, 0] > 0).sum(dim=1).clamp(min=1).float().rsqrt()) * without

    def forward(self) -> tuple[Tensor, Tensor]:
        """Return the losses [n] of the training and of the validation part."""
        held = self._tensors
        count = held["wanted"].shape[2]
        layers = _layers(self.flat, self._size, count)
        gates = _gates(layers, held["inputs"], held["started"])
        gates = gates.reshape(len(gates), -1, CHUNK, gates.shape[2])
        hidden, ended = run(gates, held["state"].transpose(0, 1), layers[1])
        held["state"] = torch.cat([torch.zeros_like(ended[:, :, :1]), ended[:, :, :-1]], dim=2).detach().transpose(0, 1)
        hidden = hidden.reshape(len(hidden), -1, HIDDEN)[:, -held["wanted"].shape[1] :]
        self._answer = _outputs(hidden, layers, count)
        train, validation, self._slope = self._losses(self._answer.detach())
        return train, validation

    def _losses(self, answer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the mean quantile losses [n] of both parts, and the slope of the first with the answers [n, T, a, 2, 3].

        The slope is written out: tracking these tensors, the largest of all, would take more time than the networks themselves.
        """
        held = self._tensors
        near = answer[..., 0].clamp(-_FARTHEST, _FARTHEST)
        bent = torch.tanh(answer[..., 1:] / _WIDEST)
        wide = torch.exp(_WIDEST * bent)
        middle = held["middle"] + torch.sinh(near)
        low, high = held["below"] * wide[..., 0], held["above"] * wide[..., 1]
        slope = torch.zeros_like(answer)
        total = torch.zeros_like(middle)
        for level, quantile, column, inner in zip(LEVELS, (middle + low, middle, middle + high), (1, 0, 2), (low, None, high), strict=True):
            wrong = held["wanted"] - torch.asinh(quantile)
            total += torch.maximum(level * wrong, (level - 1.0) * wrong)
            pull = torch.where(wrong < 0, 1.0 - level, -level) * torch.rsqrt(1.0 + quantile * quantile)
            slope[..., 0] += pull
            if inner is not None:
                slope[..., column] = pull * inner * (1.0 - bent[..., column - 1] ** 2)
        slope[..., 0] *= torch.cosh(near) * (near == answer[..., 0])
        slope *= held["train"][..., None]
        train, validation = ((total * held[name]).sum(dim=(1, 2, 3)) for name in ("train", "validation"))
        return train, validation, slope

    def stop(self, which: Tensor) -> None:
        self.alive = self.alive & ~which

    def step(self, epoch: int) -> None:
        """Take one step of Adam (Kingma & Ba 2015), the gradient of each volume cut to length by itself."""
        held = self._tensors
        (gradient,) = torch.autograd.grad(self._answer, self.flat, self._slope)
        with torch.no_grad():
            gradient *= (MAX_NORM / gradient.norm(dim=1, keepdim=True).clamp(min=1e-12)).clamp(max=1.0)
            held["first"].mul_(FIRST_MOMENT).add_(gradient, alpha=1.0 - FIRST_MOMENT)
            held["second"].mul_(SECOND_MOMENT).addcmul_(gradient, gradient, value=1.0 - SECOND_MOMENT)
            mean = held["first"] / (1.0 - FIRST_MOMENT ** (epoch + 1))
            size = (held["second"] / (1.0 - SECOND_MOMENT ** (epoch + 1))).sqrt_().add_(1e-8)
            self.flat.addcdiv_(mean, size, value=-LEARNING_RATE)

    def compact(self) -> None:
        """Leave out those that have stopped, as soon as that is worth the copy."""
        alive = self.alive
        if int(alive.sum()) > 0.7 * len(alive):
            return
        self._tensors = {name: tensor[alive] for name, tensor in self._tensors.items()}
        self.flat = self.flat.detach()[alive].requires_grad_()
        self.rows, self.epochs, self.alive = self.rows[alive], self.epochs[alive], alive[alive]


def _share(part: Bools, known: Tensor) -> Tensor:
    """Return the weight of each target in the mean loss of a part [n, T, a, 2]; NaN where it has none, so that such a loss is NaN."""
    counted = torch.from_numpy(part).to(known.device)[..., None] & known
    return counted / counted.sum(dim=(1, 2, 3), keepdim=True).float()


def corrected(quantiles: Floats, middle: Floats, answer: Floats) -> Floats:
    """Return quantiles [..., l] moved and widened as the networks say, in units of the scale: the same that is trained, in numpy.

    :param middle: [..., 1] the median of the quantiles.
    :param answer: [..., 3].
    """
    gap = quantiles - middle
    wide = np.exp(_WIDEST * np.tanh(answer[..., 1:] / _WIDEST))
    # The change of the quantiles is added to them, so that no correction leaves them as they are, to the last digit.
    moved = np.sinh(np.clip(answer[..., :1], -_FARTHEST, _FARTHEST))
    return quantiles + (moved + gap * (np.where(gap < 0, wide[..., :1], wide[..., 1:]) - 1.0))


def _without_correction(flat: Floats32, inputs: int, steps: int) -> Floats32:
    found = flat.copy()
    found[:, sum(int(np.prod(shape)) for name, shape in shapes(inputs, steps).items() if not name.startswith("output")) :] = 0.0
    return found


def _layers(flat: Tensor, inputs: int, steps: int) -> list[Tensor]:
    found = shapes(inputs, steps).values()
    pieces = torch.split(flat, [int(np.prod(shape)) for shape in found], dim=1)
    return [piece.reshape(len(flat), *shape) for piece, shape in zip(pieces, found, strict=True)]


def _gates(layers: list[Tensor], inputs: Tensor, started: Tensor) -> Tensor:
    """Return what the inputs give to the gates [n, T, 4 H]. Before its first value a series lets nothing in: its state stays nothing."""
    gates = torch.baddbmm(layers[2], inputs, layers[0])
    shut = torch.zeros(4 * HIDDEN, device=gates.device)
    shut[:HIDDEN] = _SHUT
    return gates + torch.where(started, 0.0, 1.0)[:, :, None] * shut


def run(gates: Tensor, state: Tensor, recurrent: Tensor) -> tuple[Tensor, Tensor]:
    """Return the hidden states [n, chunks, T, H] and where each chunk ended [2, n, chunks, H]. Gates: input, forget, output, cell."""
    hidden, cell = state[0], state[1]
    size = hidden.shape[-1]
    found = []
    for gate in gates.unbind(dim=2):
        total = torch.baddbmm(gate, hidden, recurrent)
        let_in, keep, show = torch.sigmoid(total[..., : 3 * size]).chunk(3, dim=-1)
        cell = keep * cell + let_in * torch.tanh(total[..., 3 * size :])
        hidden = show * torch.tanh(cell)
        found.append(hidden)
    return torch.stack(found, dim=2), torch.stack([hidden, cell])


def _outputs(hidden: Tensor, layers: list[Tensor], steps: int) -> Tensor:
    return torch.baddbmm(layers[4], hidden, layers[3]).reshape(*hidden.shape[:2], steps, 2, SAYS)
