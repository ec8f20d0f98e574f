# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Some groups of nodes and the items on them, side by side in arrays, so that all groups can be planned anew at the same time.

No node is in two groups and no item leaves its group, so what one group does is no concern of another: one step of all of them costs hardly more
than one step of one.
"""

from __future__ import annotations

import random
import typing as t
from collections.abc import Iterator

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.window import REACHED, Window
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools, Floats, Ints

# How often a group grows along a move rather than by chance.
ALONG = 0.8
# How many numbers an array of all groups × nodes × items has at most; with more of them the groups are taken in parts.
CELLS = 2_000_000


class Board:
    """g groups of q nodes each, with at most k free items.

    nodes: [g, q]; items: [g, k]; real: [g, k], the others fill up; at: [g, k] place of its node in its group (filling: −1); home: the same, −1 =
    outside the group; moves, bytes: [g, q, k] what it costs to have an item on a node; may: [g, q, k].
    """

    def __init__(self, state: State, free: Bools, nodes: Ints) -> None:
        problem = state.problem
        count, size = nodes.shape
        group, place = (np.full(len(problem.capacity), -1) for _array in range(2))
        group[nodes], place[nodes] = np.arange(count)[:, None], np.arange(size)
        found = np.flatnonzero(free & (state.at >= 0))
        found = found[group[state.at[found]] >= 0]
        of = group[state.at[found]]
        order = np.argsort(of, kind="stable")
        found, of = found[order], of[order]
        counts = np.bincount(of, minlength=count)
        column = np.arange(len(found)) - (np.cumsum(counts) - counts)[of]
        self.nodes, self.items = nodes, np.zeros((count, int(counts.max(initial=1))), dtype=np.int64)
        self.real = np.zeros(self.items.shape, dtype=bool)
        self.items[of, column], self.real[of, column] = found, True
        self.at: Ints = np.where(self.real, place[state.at[self.items]], -1)
        home = problem.home[self.items]
        inside = self.real & (home >= 0) & (group[home] == np.arange(count)[:, None])
        self.home: Ints = np.where(inside, place[home], -1)
        self.moves: Ints = ((home[:, None, :] != nodes[:, :, None]) & self.real[:, None, :]).astype(np.int64)
        self.bytes: Floats = self.moves * problem.bytes[self.items][:, None, :]
        for row, one in zip(*np.nonzero(self.real & problem.particular[self.items]), strict=True):
            for number, node in enumerate(nodes[row].tolist()):
                self.moves[row, number, one], self.bytes[row, number, one] = problem.cost(int(self.items[row, one]), node)
        self.may: Bools = problem.may[self.items[:, None, :], nodes[:, :, None]] & self.real[:, None, :]

    def demand(self, of: Floats) -> list[Floats]:
        """Return what items take, [m, w], by column: w × [g, k]."""
        return [np.where(self.real, of[self.items, column], 0.0) for column in range(of.shape[1])]

    def cost(self, at: Ints) -> tuple[Ints, Floats]:
        """Return the moves and the bytes of each group [g] when its items are at [g, k]."""
        there = np.maximum(at, 0)[:, None, :]
        return (
            np.take_along_axis(self.moves, there, axis=1).sum(axis=(1, 2)),
            np.take_along_axis(self.bytes, there, axis=1).sum(axis=(1, 2)),
        )

    def changes(self, at: Ints, group: int) -> list[tuple[int, int]]:
        """Return the items of a group that are elsewhere when all are at [g, k], and the nodes where they are then."""
        where = np.flatnonzero(self.real[group] & (at[group] != self.at[group]))
        return [(int(self.items[group, one]), int(self.nodes[group, at[group, one]])) for one in where]


def boards(state: State, free: Bools, nodes: Ints) -> Iterator[Board]:
    """Return boards of these groups [g, q], so many groups on each as memory likes; the groups with few items first."""
    if not nodes.size:
        return
    counts = np.bincount(state.at[free & (state.at >= 0)], minlength=len(state.problem.capacity))[nodes].sum(axis=1)
    nodes = nodes[np.argsort(counts, kind="stable")]
    counts = np.sort(counts, kind="stable")
    begin = 0
    for end in range(1, len(nodes) + 1):
        if end == len(nodes) or (end + 1 - begin) * nodes.shape[1] * counts[end] > CELLS:
            yield Board(state, free, nodes[begin:end])
            begin = end


def tied(state: State, window: Window, size: int, chance: random.Random, *, astray: bool = False) -> Ints:
    """Return groups of open nodes [g, size] that are tied by moves, as far as there are some; no node is in two of them.

    Each has a node that has moves, or is outside the window. With fewer nodes than `size`, all are one group.

    :param astray: only groups that have a node outside the window.
    """
    problem = state.problem
    open_ = np.flatnonzero(problem.open)
    if len(open_) <= size:
        return open_[None, :]
    ends: list[list[int]] = [[] for _node in range(len(problem.capacity))]
    for item in state.moved:
        here, home = int(state.at[item]), int(problem.home[item])
        if home >= 0 and problem.open[home]:
            ends[home].append(here)
            ends[here].append(home)
    outside = set(open_[window.outside(window.scaled(state, open_), open_) > REACHED].tolist())
    order = open_.tolist()
    chance.shuffle(order)
    taken, groups = set[int](), list[list[int]]()
    for seed in order:
        if seed in taken or not ((ends[seed] and not astray) or seed in outside):
            continue
        group = _grown(seed, ends, order, taken, size, chance)
        taken.update(group)
        if len(group) == size:
            groups.append(sorted(group))
    return np.array(groups, dtype=np.int64).reshape(-1, size)


def _grown(seed: int, ends: list[list[int]], order: list[int], taken: set[int], size: int, chance: random.Random) -> list[int]:
    """Return a group that begins with a node and grows by nodes that are not taken: mostly the other ends of moves."""
    group = [seed]
    for _try in range(4 * size):
        if len(group) == size:
            return group
        near = ends[group[int(chance.random() * len(group))]]
        from_ = near if near and chance.random() < ALONG else order
        node = from_[int(chance.random() * len(from_))]
        if node not in taken and node not in group:
            group.append(node)
    free = (node for node in order if node not in taken and node not in group)
    return group + [node for node, _place in zip(free, range(size - len(group)), strict=False)]
