# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrations that run at the same time: an order of single ones, packed into few waves.

Each wave takes what the most loaded node or the longest chain of dependent moves cannot wait with (list scheduling by critical path; without
dependencies this is the edge colouring of a bipartite multigraph, which needs no more colours than the busiest node). A migration comes before its
turn only if those that stay behind it still have room in their order.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections import Counter
from collections.abc import Collection, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.journey import Hop
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.limits import Limits
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.rooms import Rooms
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.transfers import Durations


@dataclasses.dataclass(frozen=True, slots=True)
class Wave:
    """hops: positions in the order; not_before: UTC seconds of the window that it waits for; seconds: None = not known."""

    hops: tuple[int, ...]
    not_before: int | None
    seconds: float | None


class Packer:
    """Packs the hops of a sequence.

    :param rooms: as they are before the first hop; used up.
    :param urgent: by hop, whether it goes before others where that costs no wave.
    :param modes: of migration, by guest.
    """

    def __init__(
        self, rooms: Rooms, hops: Sequence[Hop], limits: Limits, urgent: Sequence[bool], modes: Sequence[str], durations: Durations
    ) -> None:
        self._rooms, self._hops, self._limits, self._urgent = rooms, hops, limits, urgent
        self._modes, self._durations = modes, durations
        self._left: dict[int, None] = dict.fromkeys(range(len(hops)))
        self._at: dict[int, list[int]] = {}
        self._second: dict[int, int] = {}
        first: dict[int, int] = {}
        for number, hop in enumerate(hops):
            for node in (hop.source, hop.target):
                self._at.setdefault(node, []).append(number)
            if hop.guest in first:
                self._second[number] = first[hop.guest]
            first[hop.guest] = number
        self._tail = self._tails()

    def waves(self) -> list[Wave]:
        """Return all waves."""
        found: list[Wave] = []
        moment, not_before = float(self._limits.now or 0), None
        while self._left:
            chosen, seconds = self._wave(moment)
            if not chosen:
                not_before = self._limits.opens(sorted({self._modes[self._hops[number].guest] for number in self._left}), moment)
                moment = float(not_before)
                continue
            self._carry_out(chosen)
            known = [one for one in seconds if one is not None]
            longest = max(known, default=0.0)
            found.append(Wave(tuple(sorted(chosen)), not_before, longest if len(known) == len(seconds) else None))
            moment += longest
        return found

    def _wave(self, moment: float) -> tuple[list[int], list[float | None]]:
        """Return the next wave and the seconds of its hops; nothing where no window is open, or not long enough."""
        ends = {mode: self._limits.closes(mode, moment) for mode in set(self._modes)}
        shut = {number for number in self._left if ends[self._modes[self._hops[number].guest]] is None}
        ranked = self._ranked()
        while True:
            chosen = self._choose(ranked, shut)
            seconds = self._durations.of([self._hops[number] for number in chosen])
            late = [
                number
                for number, one in zip(chosen, seconds, strict=True)
                if one is not None and moment + one > t.cast("float", ends[self._modes[self._hops[number].guest]])
            ]
            if not late:
                return chosen, seconds
            # With fewer at a time each has more of its links.
            shut.update(late[len(late) // 2 :])

    def _ranked(self) -> list[int]:
        """Return what is left, first what more waves than any other must follow, then what is urgent."""
        limits, hops = self._limits, self._hops
        out_of, into = Counter(hops[number].source for number in self._left), Counter(hops[number].target for number in self._left)
        least: dict[int, int] = {}
        for number in self._left:
            hop = hops[number]
            least[number] = max(self._tail[number] + 1, -(-out_of[hop.source] // limits.out_of), -(-into[hop.target] // limits.into))
        most = max([*least.values(), -(-len(self._left) // limits.at_once)])

        def rank(number: int) -> tuple[bool, bool, int, int, int]:
            hop = hops[number]
            return least[number] < most, not self._urgent[number], -least[number], -out_of[hop.source] - into[hop.target], number

        return sorted(self._left, key=rank)

    def _choose(self, ranked: Sequence[int], shut: Collection[int]) -> list[int]:
        limits, chosen = self._limits, dict[int, None]()
        out_of, into = Counter[int](), Counter[int]()
        come: dict[int, list[int]] = {}
        roomy: dict[int, bool] = {}
        for number in ranked:
            if len(chosen) == limits.at_once:
                break
            hop = self._hops[number]
            if number in shut or out_of[hop.source] == limits.out_of or into[hop.target] == limits.into:
                continue
            # The second half of a move waits until the first is done.
            if self._second.get(number) in self._left:
                continue
            if hop.target not in roomy:
                roomy[hop.target] = self._is_roomy(hop.target)
            if not roomy[hop.target] and not self._can_come(number, come.get(hop.target, []), chosen):
                continue
            chosen[number] = None
            come.setdefault(hop.target, []).append(number)
            out_of[hop.source] += 1
            into[hop.target] += 1
        return list(chosen)

    def _is_roomy(self, node: int) -> bool:
        """Return whether all that is still to come to a node has room there beside all that is there."""
        rooms, more = self._rooms, Counter[int]()
        for number in self._at[node]:
            if number in self._left and self._hops[number].target == node:
                guest = self._hops[number].guest
                if rooms.groups[guest]:
                    return False
                for column, amount in rooms.amounts[guest]:
                    more[column] += amount  # type: ignore[assignment]
        return all(rooms.load[node][column] + amount <= rooms.limit[node][column] for column, amount in more.items())

    def _can_come(self, number: int, come: Sequence[int], chosen: Collection[int]) -> bool:
        """Return whether a hop has room in this wave, and leaves room for all that stay behind it."""
        rooms, hop = self._rooms, self._hops[number]
        node, guests = hop.target, [self._hops[one].guest for one in come]
        here: list[tuple[int, bool]] = []
        for guest in guests:
            rooms.come(guest, node)
            here.append((guest, True))
        fits = rooms.fits(hop.guest, node)
        if fits:
            rooms.come(hop.guest, node)
            here.append((hop.guest, True))
            for one in self._at[node]:
                if one in chosen and self._hops[one].source == node:
                    rooms.go(self._hops[one].guest, node)
                    here.append((self._hops[one].guest, False))
            for one in self._at[node]:
                if one not in self._left or one in chosen or one == number:
                    continue
                guest, comes = self._hops[one].guest, self._hops[one].target == node
                if comes and not rooms.fits(guest, node):
                    fits = False
                    break
                (rooms.come if comes else rooms.go)(guest, node)
                here.append((guest, comes))
        for guest, came in reversed(here):
            (rooms.go if came else rooms.come)(guest, node)
        return fits

    def _carry_out(self, chosen: Sequence[int]) -> None:
        for number in chosen:
            hop = self._hops[number]
            self._rooms.come(hop.guest, hop.target)
            self._rooms.go(hop.guest, hop.source)
            del self._left[number]

    def _tails(self) -> list[int]:
        """Return how many waves must follow each hop as far as its own node tells: of those that wait for its room only so many can come at once."""
        tails = [0] * len(self._hops)
        waiting = self._waiting()
        for number in reversed(range(len(self._hops))):
            after = sorted((tails[one] for one in waiting.get(number, ())), reverse=True)
            tails[number] = max((tail + place // self._limits.into + 1 for place, tail in enumerate(after)), default=0)
            if number in self._second:
                first = self._second[number]
                waiting.setdefault(first, []).append(number)
        return tails

    def _waiting(self) -> dict[int, list[int]]:
        """Return for each hop those that cannot come before it has left: there is no room without, or a rule keeps them apart."""
        rooms, found = self._rooms, dict[int, list[int]]()
        for node, numbers in self._at.items():
            needed, gone = list(rooms.load[node]), list[int]()
            for number in numbers:
                guest = self._hops[number].guest
                if self._hops[number].source == node:
                    gone.append(number)
                    continue
                for column, amount in rooms.amounts[guest]:
                    needed[column] += amount
                lacking = {column: needed[column] - rooms.limit[node][column] for column, _amount in rooms.amounts[guest]}
                for one in gone:
                    other = self._hops[one].guest
                    if max(lacking.values(), default=0.0) > 0:
                        for column, amount in rooms.amounts[other]:
                            if column in lacking:
                                lacking[column] -= amount
                    elif not set(rooms.groups[guest]).intersection(rooms.groups[other]):
                        continue
                    found.setdefault(one, []).append(number)
        return found
