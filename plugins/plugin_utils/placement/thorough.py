# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All placements of a small problem, as far as they could still be better than the best that is known.

Item after item is placed, the largest first, in all partial placements at once (arrays). What can no longer be better is dropped, and of those
with the same loads all but the cheapest. Where more remain than there are steps for, only the most promising go on: then what is found may be
better than what was known, but nothing is proven.
"""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.choices import ALONE, Choice, Choices, concerned
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.problem import ROUNDING
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# Items × open nodes up to which it is worth the while.
LARGEST = 240
# Numbers that are worked on in one go over all items: few, where nothing good is known yet, and many.
FEW, MANY = 400_000, 8_000_000
# What counts as the same spread; loads that differ by less than this part of a capacity are the same.
SAME, GRAIN = 1e-7, 1e-8


class Aims(t.NamedTuple):
    """What counts, the first before the second and so on; excess: spread above the target, weighted."""

    violations: int
    excess: float
    moves: int
    bytes: float

    def better(self, other: Aims) -> bool:
        """Return whether these are better than others."""
        if self.violations != other.violations:
            return self.violations < other.violations
        if abs(self.excess - other.excess) > SAME:
            return self.excess < other.excess
        return (self.moves, self.bytes) < (other.moves, other.bytes * (1.0 - ROUNDING))


NONE = Aims(2**31, float("inf"), 2**31, float("inf"))


class Partial(t.NamedTuple):
    """s placements of some items. chosen: [s, i] place of each; load: [s, n, w]; taken: [s, g, n]; violations (those of places), moves, bytes: [s]."""

    chosen: Ints
    load: Floats
    taken: Ints
    violations: Ints
    moves: Ints
    bytes: Floats

    def of(self, rows: t.Any) -> Partial:
        """Return some of them."""
        return Partial(*(array[rows] for array in self))


def is_small(state: State, free: Bools) -> bool:
    """Return whether a problem is small enough to be looked through."""
    nodes = int(state.problem.open.sum())
    return int((free & state.problem.movable).sum()) * nodes <= LARGEST and 0 < len(concerned(state, free)) * nodes <= LARGEST


class Thorough:
    """Looks for the best placement that the search has not found.

    :param state: the state that nothing hard may be worse than; it is not changed.
    :param free: [m] items that may be moved for balance.
    :param moves, size (bytes): the most that may be moved; None = no limit.
    :param spread: whether balance is an aim.
    """

    def __init__(self, state: State, free: Bools, *, moves: int | None = None, size: float | None = None, spread: bool = True) -> None:
        problem = self._problem = state.problem
        self.table = Choices(state, free)
        self.nodes: Ints = np.flatnonzero(problem.open)
        self._most_moves = np.inf if moves is None else moves
        self._most_bytes = np.inf if size is None else size
        weights = problem.weights / problem.weights.mean()
        # Of each resource that is balanced: its column, the open nodes that have any of it, what these have, target and weight.
        self._resources = []
        for number, column in enumerate(problem.resources.tolist() if spread else ()):
            nodes = self.nodes[problem.capacity[self.nodes, column] > 0]
            if len(nodes) > 1:
                capacity = problem.capacity[nodes, column]
                self._resources.append(
                    (int(self.table.balanced[number]), nodes, capacity, float(problem.target[number]), float(weights[number]))
                )
        highest = np.where(np.isfinite(self.table.limit), self.table.limit, 0.0).max(axis=0) + self.table.load.max(axis=0)
        highest += sum((choice.load.max(axis=(0, 1)) for choice in self.table.choices), np.zeros(highest.shape))
        self._grain = GRAIN * np.where(highest > 0, highest, 1.0)
        random = np.random.default_rng(0)
        self._mix, self._mix_taken = (random.integers(-(2**62), 2**62, shape) for shape in (self.table.load.shape, self.table.taken.shape))

    def aims(self, at: Ints) -> Aims | None:
        """Return what a placement [m] is worth; None where it is none of those that are looked through."""
        found = self._start()
        for choice in self.table.choices:
            places = np.flatnonzero(choice.nodes == at[choice.item])
            if not len(places):
                return None
            found = self._placed(found, choice, int(places[0]))
        return self._aims(found, 0) if self._possible(found).all() else None

    def better(self, at: Ints, other: Ints) -> bool:
        """Return whether a placement is better than another."""
        return (self.aims(at) or NONE).better(self.aims(other) or NONE)

    def best(self, steps: int, known: Ints) -> tuple[Ints, bool]:
        """Return the best placement [m] that is found, the known one if there is none better, and whether it is proven to be the best."""
        found, proven = self._pass(self.aims(known) or NONE, steps)
        at = known.copy()
        for choice, place in zip(self.table.choices, () if found is None else found.tolist(), strict=found is not None):
            at[choice.item] = choice.nodes[place]
        return at, proven

    def _pass(self, known: Aims, steps: int) -> tuple[Ints | None, bool]:
        """Return the place of each item in the best placement that is better than what is known, if any, and whether none can be better."""
        choices, proven = self._narrowed(known), True
        rest = self._rest(choices)
        cells = max(1, self.table.load.size + self.table.taken.size) * max(1, sum(len(choice.nodes) for choice in choices))
        width = max(50, steps // cells)
        partial = self._start()
        for number, choice in enumerate(choices):
            parts = []
            for place in range(len(choice.nodes)):
                one = self._placed(partial, choice, place)
                one = one.of(self._possible(one))
                bound, keep = self._bound(one, rest[number + 1], known)
                parts.append((one.of(keep), bound[keep]))
            partial = Partial(*(np.concatenate(arrays) for arrays in zip(*(one for one, _bound in parts), strict=True)))
            bounds = np.concatenate([bound for _one, bound in parts])
            rows = self._different(partial)
            if len(rows) > width:
                proven = False
                promise = self._promise(partial.of(rows), bounds[rows], rest[number + 1])
                rows = np.sort(rows[np.argpartition(promise, width)[:width]])
            partial = partial.of(rows)
        if not len(partial.moves):
            return None, proven
        row = self._first(partial)
        best = self._aims(partial, row)
        if not best.better(known):
            return None, proven
        kept = {choice.item: choice for choice in choices}
        chosen = [
            int(np.flatnonzero(whole.nodes == kept[whole.item].nodes[partial.chosen[row, number]])[0])
            for number, whole in enumerate(self.table.choices)
        ]
        return np.array(chosen, dtype=np.int64), proven

    def _narrowed(self, known: Aims) -> list[Choice]:
        """Return the choices without the places that alone make it worse than what is known."""
        least = sum(int(choice.violations.min()) for choice in self.table.choices)
        return [
            choice.only(least - choice.violations.min() + choice.violations <= known.violations) for choice in self.table.choices
        ]  # fmt: skip

    def _rest(self, choices: list[Choice]) -> list[Rest]:
        """Return what is still to come after each number of choices."""
        table, problem = self.table, self._problem
        none, nowhere = np.zeros(table.load.shape[1]), np.zeros(table.load.shape)
        # What a node without any of a resource holds is in nobody's share.
        counts = problem.open[:, None] & (table.limit > 2 * ROUNDING)
        found = [Rest(0, 0, 0.0, none, none, nowhere, nowhere)]
        for choice in reversed(choices):
            last = found[-1]
            inside = np.where(counts, choice.load, 0.0).sum(axis=1)
            found.append(
                Rest(
                    last.violations + int(choice.violations.min()),
                    last.moves + int(choice.moves.min()),
                    last.bytes + float(choice.bytes.min()),
                    last.least + inside.min(axis=0),
                    last.most + inside.max(axis=0),
                    last.there + choice.load.max(axis=0),
                    last.stay + choice.load[int(np.argmin(choice.moves))],
                )
            )
        return found[::-1]

    def _start(self) -> Partial:
        none = np.zeros(1, dtype=np.int64)
        return Partial(np.zeros((1, 0), dtype=np.int8), self.table.load[None], self.table.taken[None], none, none, np.zeros(1))

    def _placed(self, partial: Partial, choice: Choice, place: int) -> Partial:
        """Return the placements with one more item, at a place."""
        chosen = np.full((len(partial.moves), 1), place, dtype=np.int8)
        return Partial(
            np.concatenate([partial.chosen, chosen], axis=1),
            partial.load + choice.load[place],
            partial.taken + choice.taken[place],
            partial.violations + choice.violations[place],
            partial.moves + choice.moves[place],
            partial.bytes + choice.bytes[place],
        )

    def _possible(self, partial: Partial) -> Bools:
        """Return which placements break nothing that was not broken [s]."""
        found = (partial.load <= self.table.most).all(axis=(1, 2)) & (partial.taken <= ALONE).all(axis=(1, 2))
        return found & (partial.moves <= self._most_moves) & (partial.bytes <= self._most_bytes)

    def _violations(self, partial: Partial) -> Ints:
        """Return the violations there are already [s]."""
        table = self.table
        taken = partial.taken[:, table.strict]
        crowded = ((taken > 1) & (taken < ALONE)).any(axis=2).sum(axis=1)
        return t.cast("Ints", partial.violations + ((partial.load > table.limit) & table.broken).sum(axis=(1, 2)) + crowded)

    def _excess(self, load: Floats, rest: Rest | None = None) -> Floats:
        """Return what the spread is above the target at the least [s], once the rest is placed: the fullest node is as full as it is, or as the mean;
        the emptiest is no fuller than if the rest were poured over the nodes, nor than with all of the rest that may come to it."""
        found = np.zeros(len(load))
        for column, nodes, capacity, target, weight in self._resources:
            shares = load[:, nodes, column] / capacity
            top, bottom = shares.max(axis=1), shares.min(axis=1)
            if rest is not None:
                top = np.maximum(top, (load[:, nodes, column].sum(axis=1) + rest.least[column]) / capacity.sum())
                order = np.argsort(shares, axis=1)
                sums = np.take_along_axis(load[:, nodes, column], order, axis=1).cumsum(axis=1)
                poured = ((sums + rest.most[column]) / capacity[order].cumsum(axis=1)).min(axis=1)
                bottom = np.minimum(poured, (shares + rest.there[nodes, column] / capacity).min(axis=1))
            over = top - bottom - target
            found += weight * np.where(over > ROUNDING, over, 0.0)
        return found

    def _bound(self, partial: Partial, rest: Rest, known: Aims) -> tuple[Floats, Bools]:
        """Return one number that says how bad each placement will be at the least [s], and whether it can still be better than what is known."""
        violations = self._violations(partial) + rest.violations
        excess = self._excess(partial.load, rest)
        moves, size = partial.moves + rest.moves, partial.bytes + rest.bytes
        cheaper = (moves < known.moves) | ((moves == known.moves) & (size < known.bytes * (1.0 - ROUNDING)))
        nearer = (excess < known.excess - SAME) | ((excess <= known.excess + SAME) & cheaper)
        can = (violations < known.violations) | ((violations == known.violations) & nearer)
        return 1e6 * violations + 1e2 * np.round(excess, 3) + moves, can

    def _promise(self, partial: Partial, bounds: Floats, rest: Rest) -> Floats:
        """Return how little each placement promises [s]: its bound, and how uneven the nodes are as long as the rest stays where it is."""
        found = bounds.copy()
        for column, nodes, capacity, _target, weight in self._resources:
            shares = (partial.load[:, nodes, column] + rest.stay[nodes, column]) / capacity
            found += 10.0 * weight * shares.std(axis=1)
        return found

    def _different(self, partial: Partial) -> Ints:
        """Return the cheapest placements of those with the same loads."""
        if len(partial.moves) < 2:
            return np.arange(len(partial.moves))
        grains = np.rint(partial.load / self._grain).astype(np.int64)
        key = (grains * self._mix).sum(axis=(1, 2)) + (partial.taken * self._mix_taken).sum(axis=(1, 2))
        price = 1e6 * partial.violations + partial.moves + 0.5 * partial.bytes / max(float(partial.bytes.max()), 1.0)
        order = np.lexsort((price, key))
        first = np.ones(len(order), dtype=bool)
        first[1:] = key[order[1:]] != key[order[:-1]]
        return t.cast("Ints", np.sort(order[first]))

    def _first(self, partial: Partial) -> int:
        """Return the best of whole placements."""
        violations, excess = self._violations(partial), self._excess(partial.load)
        rows = np.flatnonzero(violations == violations.min())
        rows = rows[excess[rows] <= excess[rows].min() + SAME]
        return int(rows[np.lexsort((partial.bytes[rows], partial.moves[rows]))[0]])

    def _aims(self, partial: Partial, row: int) -> Aims:
        one = partial.of(slice(row, row + 1))
        return Aims(int(self._violations(one)[0]), float(self._excess(one.load)[0]), int(one.moves[0]), float(one.bytes[0]))


class Rest(t.NamedTuple):
    """What items that are not yet placed add at the least: violations, moves, bytes; at the least and at the most to all open nodes together [w], and
    to each node at the most [n, w]; stay: [n, w] where they are without a move."""

    violations: int
    moves: int
    bytes: float
    least: Floats
    most: Floats
    there: Floats
    stay: Floats
