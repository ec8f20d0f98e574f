# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which move may begin: wave after wave, never more at once than the limits allow, and none after too many went wrong."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move


class Limits(t.NamedTuple):
    """Moves at once: of all, into a node, out of a node; and how many may go wrong before no other begins."""

    total: int
    per_node_in: int
    per_node_out: int
    max_failures: int


class Schedule:
    """The moves of a run in their order. It knows no clock but the time that it is told, and calls nothing."""

    def __init__(self, moves: t.Sequence[Move], limits: Limits) -> None:
        self._limits = limits
        self._waiting = list(moves)
        self._running: t.List[Move] = []
        self._not_before: t.Dict[str, int] = {}
        self._wrong: t.List[Move] = []
        self._lost: t.Set[str] = set()
        self._blocked: t.Set[str] = set()

    @property
    def waiting(self) -> t.Tuple[Move, ...]:
        """Those that have not begun."""
        return tuple(self._waiting)

    @property
    def stopped_by(self) -> t.Optional[Move]:
        """The move that went wrong for which no other begins."""
        if len(self._wrong) > self._limits.max_failures:
            return self._wrong[-1]
        wave = self._wave()
        return next((move for move in self._wrong if wave is not None and move.wave < wave), None)

    def begin(self, now: int) -> t.List[Move]:
        """Those that begin now."""
        begun: t.List[Move] = []
        wave = self._wave()
        if wave is None or self.stopped_by is not None:
            return begun
        for move in [one for one in self._waiting if one.wave == wave]:
            if self._may(move, now):
                self._waiting.remove(move)
                self._running.append(move)
                begun.append(move)
        return begun

    def end(self, move: Move, *, well: bool) -> None:
        """A move has ended."""
        self._running.remove(move)
        self._blocked.clear()
        if not well:
            self._wrong.append(move)
            self._lost.add(move.id)

    def put_back(self, move: Move, at: t.Optional[int]) -> None:
        """A move that cannot begin now: from a time on, or when another has ended."""
        self._running.remove(move)
        self._waiting.insert(sum(one.wave < move.wave for one in self._waiting), move)
        if at is None:
            self._blocked.add(move.id)
        else:
            self._not_before[move.id] = at

    def opens(self) -> t.Optional[int]:
        """When the first of the wave that waits for a time may begin."""
        wave = self._wave()
        times = [self._not_before[move.id] for move in self._waiting if move.wave == wave and move.id in self._not_before]
        return min(times) if times and self.stopped_by is None else None

    def _wave(self) -> t.Optional[int]:
        """The wave that is at work: the first with a move that has not ended."""
        return min((move.wave for move in (*self._running, *self._waiting)), default=None)

    def _may(self, move: Move, now: int) -> bool:
        limits = self._limits
        open_ = {one.id for one in (*self._running, *self._waiting)} | self._lost
        return (
            self._not_before.get(move.id, now) <= now
            and not (self._running and move.id in self._blocked)
            and not open_.intersection(move.after)
            and len(self._running) < limits.total
            and sum(one.target == move.target for one in self._running) < limits.per_node_in
            and sum(one.source == move.source for one in self._running) < limits.per_node_out
        )
