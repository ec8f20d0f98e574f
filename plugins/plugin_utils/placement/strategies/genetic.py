# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`genetic`: a population of placements, crossed by node and repaired."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.mover import Mover
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import NOTHING, Shares
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

# How many placements live, how many are born, and how many moves are tried for all of them together.
POPULATION, CHILDREN, STEPS = 12, 120, 30_000
# How many of the fullest and emptiest nodes, and of the best moves between two, chance takes its pick from.
NODES, MOVES = 4, 3
# Which part of its moves a child loses.
LOST = 0.1

# Moves from where the items are at the beginning, in the order in which they are made: {item: node}.
Placement = dict[int, int]
# Spread above the target, then moves, then bytes: the less, the fitter.
Fitness = tuple[float, int, float]


def genetic(state: State, terms: Terms) -> None:
    """Breed placements: a child has the moves to some nodes from one parent and those to the others from the other, as far as they fit together;
    it loses a few by chance, and is then completed by moves from full to empty nodes. Fitness is the spread, then the moves.

    The population begins with the current placement and some that were reached from it. Genetic algorithms for packing cross by bin rather than
    by item (Falkenauer, A hybrid grouping genetic algorithm for bin packing, 1996).

    Its habits, and what goes wrong with them: much work is done many times over, placement by placement, and chance keeps more moves than are needed;
    with thousands of guests the steps end with the first generation.
    """
    breed = _Breed(state, terms)
    if not breed.fitness()[0] or len(breed.shares.nodes) < 2 or not len(breed.mover.items):
        return
    breed.live()


class _Breed:
    def __init__(self, state: State, terms: Terms) -> None:
        self.mover, self.shares, self._random = Mover(state, terms), Shares(state), terms.random()
        self._steps = 0

    def fitness(self) -> Fitness:
        return self.shares.excess(self.shares.of(self.mover.state)), self.mover.moves, self.mover.bytes

    def live(self) -> None:
        """Let generations pass and leave the state as the fittest placement."""
        population: list[tuple[Fitness, Placement]] = [(self.fitness(), {})]
        while len(population) < POPULATION and self._steps < STEPS:
            population.append(self._grown({}))
        for _child in range(CHILDREN):
            if self._steps >= STEPS:
                break
            child = self._grown(self._crossed(self._parent(population), self._parent(population)))
            worst = max(range(len(population)), key=lambda one: population[one][0])
            if child[0] < population[worst][0] and child[0] not in [fitness for fitness, _placement in population]:
                population[worst] = child
        self._place(min(population, key=lambda one: one[0])[1])

    def _parent(self, population: list[tuple[Fitness, Placement]]) -> Placement:
        """Return the fitter of two that chance picks."""
        return min((population[one] for one in self._random.integers(len(population), size=2).tolist()), key=lambda one: one[0])[1]

    def _crossed(self, one: Placement, other: Placement) -> Placement:
        """Return the moves of one parent to half of the nodes, and of the other to the rest; an item of both goes where the first wants it."""
        mine = self._random.random(len(self.mover.state.problem.capacity)) < 0.5
        child = {item: node for item, node in one.items() if mine[node]}
        child.update({item: node for item, node in other.items() if not mine[node] and item not in child})
        lost = self._random.random(len(child)) < LOST
        return {item: node for (item, node), gone in zip(child.items(), lost.tolist(), strict=True) if not gone}

    def _grown(self, child: Placement) -> tuple[Fitness, Placement]:
        """Return a child that was repaired and completed, and its fitness; the state is as before."""
        mark = self.mover.mark()
        made = self._place(child)
        self._complete(made)
        fitness = self.fitness()
        self.mover.back(mark)
        return fitness, made

    def _place(self, child: Placement) -> Placement:
        """Make the moves that fit; what does not at first is tried again when the others have made room."""
        made: Placement = {}
        for _turn in range(2):
            for item, node in child.items():
                if item not in made:
                    self._steps += 1
                    if self.mover.moved(item, node):
                        made[item] = node
        return made

    def _complete(self, made: Placement) -> None:
        """Add moves from full to empty nodes until the spread is within the target, or none that chance picks helps any more."""
        mover, shares, failed = self.mover, self.shares, 0
        while failed < NODES**2 and self._steps < STEPS:
            now = shares.of(mover.state)
            if not shares.excess(now):
                return
            order = shares.nodes[np.argsort(shares.level(now), kind="stable")]
            source, target = order[-1 - self._any(NODES, order)], order[[self._any(NODES, order)]]
            items = mover.on([int(source)])
            self._steps += 1
            failed += 1
            if not len(items):
                continue
            gains = np.where(mover.may(items, target), shares.gains(mover.state, items, target), -np.inf)[:, 0]
            best = np.argsort(-gains, kind="stable")
            row = int(best[self._any(MOVES, best)])
            if gains[row] > NOTHING:
                mover.move(int(items[row]), int(target[0]))
                made.pop(int(items[row]), None)
                made[int(items[row])] = int(target[0])
                failed = 0

    def _any(self, most: int, what: t.Any) -> int:
        return int(self._random.integers(min(most, len(what))))
