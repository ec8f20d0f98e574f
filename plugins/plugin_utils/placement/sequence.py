# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An order of single migrations in which each has room, with a stop on a parking node where there is none without.

Moves into a node that has room for all that will come to it can be made at once: they only make room elsewhere. What is left falls into parts that
share no wanted node. Each is tried the short way first; where that leads into a dead end, a search with backtracking looks for an order of a small
part, then again with guests that may be parked, the cheapest first. What is stuck of a large part falls into smaller ones.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.journey import Hop, Journey, moved
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import URGENT, Move
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.rooms import Rooms

# How many guests a part has that is searched with backtracking.
SMALL = 40
# What one search, those of one part, and those of all parts may look at beyond the first way down; what the search of a short list as a whole may, and
# what making way may. Counted, not timed: equal input gives equal output.
LOOKS, PART_LOOKS, ALL_LOOKS, WHOLE_LOOKS, WAY_LOOKS = 10_000, 60_000, 200_000, 20_000, 200_000
# How many guests, and pairs of them, are tried as the only ones that may be parked, before any may.
SINGLES, PAIRS = 24, 60

Rank = tuple[float, ...]


def find_sequence(rooms: Rooms, moves: Sequence[Move], cost: Sequence[float]) -> list[Hop]:
    """Return the hops of all moves for which an order was found, in that order; rooms is left as it is after them.

    :param moves: one for each guest, with targets where it may be.
    :param cost: of parking a guest, by guest.
    """
    moves = _hopeful(rooms, moves)
    journey = Journey(rooms, moves)
    journey.settle(sorted({move.target for move in moves}))
    finder = _Finder(journey, cost)
    for part in sorted(journey.parts(journey.moves), key=len):
        finder.resolve(part)
    if journey.left(journey.moves) and len(moves) <= SMALL:
        finder.start_over()
    return journey.hops


def _hopeful(rooms: Rooms, moves: Sequence[Move]) -> list[Move]:
    """Leave out moves that have no room even when all that leave their targets have left."""
    leaving: dict[int, list[int]] = {}
    for move in moves:
        leaving.setdefault(move.source, []).append(move.guest)
    hopeful = list(moves)
    while True:
        kept = [move for move in hopeful if rooms.fits(move.guest, move.target) or _fits_without(rooms, move, leaving.get(move.target, ()))]
        if len(kept) == len(hopeful):
            return kept
        for move in set(hopeful).difference(kept):
            leaving[move.source].remove(move.guest)
        hopeful = kept


def _fits_without(rooms: Rooms, move: Move, others: Sequence[int]) -> bool:
    for other in others:
        rooms.go(other, move.target)
    found = rooms.fits(move.guest, move.target)
    for other in others:
        rooms.come(other, move.target)
    return found


class _Finder:
    def __init__(self, journey: Journey, cost: Sequence[float]) -> None:
        self._journey, self._cost = journey, cost
        self._looks, self._way_looks = ALL_LOOKS, WAY_LOOKS

    def resolve(self, guests: list[int]) -> None:
        """Make the moves of one part, or as many of them as an order was found for."""
        journey, start, ways = self._journey, len(self._journey.hops), list[list[Hop]]()
        for rank in (self._by_use, self._by_size, self._by_smallness):
            self._descend(guests, rank)
            ways.append(journey.hops[start:])
            if not journey.left(guests):
                return
            journey.back(start)
        if len(guests) > SMALL:
            best = max(ways, key=self._worth)
            journey.replay(start, best)
        for part in sorted(journey.parts(guests), key=len):
            if len(part) <= SMALL:
                self._search_all(part)
            self._make_way(part)

    def start_over(self) -> None:
        """Search a short list as a whole: what was done at once may have taken the room in which another guest could have waited."""
        journey, before = self._journey, self._journey.hops[:]
        journey.back(0)
        self._looks = WHOLE_LOOKS
        self._search_all(sorted(journey.moves), thorough=True)
        if self._worth(journey.hops) <= self._worth(before):
            journey.replay(0, before)

    def _worth(self, hops: Collection[Hop]) -> tuple[int, int]:
        """Return how many urgent moves the hops make, and how many in all."""
        guests = {hop.guest for hop in hops}
        return sum(self._journey.moves[guest].kind in URGENT for guest in guests), len(guests)

    def _descend(self, guests: Sequence[int], rank: Callable[[int], Rank]) -> None:
        """Make one move after the other that has room now, the first by rank, until there is none."""
        journey = self._journey
        heap = [(rank(guest), guest) for guest in journey.left(guests)]
        heapq.heapify(heap)
        mine = set(guests)
        while heap:
            _rank, guest = heapq.heappop(heap)
            target = journey.moves[guest].target
            if journey.where[guest] == target or not journey.rooms.fits(guest, target):
                continue
            for node in journey.settle([journey.go(guest, target)]):
                for other in sorted(mine.intersection(journey.waiting.get(node, ()))):
                    heapq.heappush(heap, (rank(other), other))

    def _by_use(self, guest: int) -> Rank:
        """Rank guests first that make room where it is wanted, and the large ones: they find room last."""
        return float(not self._journey.waiting.get(self._journey.where[guest])), -self._journey.share(guest)

    def _by_size(self, guest: int) -> Rank:
        return (-self._journey.share(guest),)

    def _by_smallness(self, guest: int) -> Rank:
        return (self._journey.share(guest),)

    def _search_all(self, guests: Sequence[int], *, thorough: bool = False) -> None:
        """Make the moves of a small part, with as little parking as is found; thorough: take nothing for granted."""
        journey, start, best = self._journey, len(self._journey.hops), list[Hop]()
        enough = self._looks - PART_LOOKS
        for parkable in self._tries(guests, thorough):
            best = max(best, self._search(guests, parkable, start, thorough), key=self._worth)
            if moved(best) == len(guests) or self._looks <= max(0, enough):
                break
        journey.replay(start, self._without_needless(start, best))
        # A search that was cut short may have left something that has room.
        self._descend(guests, self._by_use)

    def _tries(self, guests: Sequence[int], thorough: bool) -> Iterator[tuple[int, ...]]:
        yield ()
        homes = [guest for guest in guests if thorough or self._journey.waiting.get(self._journey.moves[guest].source)]
        cheap = sorted(homes, key=lambda guest: (self._cost[guest], guest))
        for guest in cheap[:SINGLES]:
            yield (guest,)
        pairs = itertools.combinations(cheap[:SINGLES], 2)
        yield from sorted(pairs, key=lambda pair: (sum(self._cost[guest] for guest in pair), pair))[:PAIRS]
        if len(cheap) > 2:
            yield tuple(cheap)

    def _search(self, guests: Sequence[int], parkable: Collection[int], start: int, thorough: bool) -> list[Hop]:
        """Return the longest order found, all guests at home or at their targets; nothing is changed."""
        journey, best, seen, looks, turned = self._journey, list[Hop](), set[tuple[int, ...]](), 0, False
        stack = [(start, self._choices(guests, parkable, thorough))]
        while stack and not (turned and (looks > LOOKS or self._looks <= 0)):
            mark, choices = stack[-1]
            journey.back(mark)
            hop = next(choices, None)
            if hop is None:
                turned = True
                stack.pop()
                continue
            left = journey.go(hop.guest, hop.target)
            if not thorough:
                journey.settle([left])
            looks += len(guests)
            self._looks -= len(guests)
            state = tuple(journey.where[guest] for guest in guests)
            if state in seen:
                continue
            seen.add(state)
            if not any(journey.away(guest) for guest in parkable):
                best = max(best, journey.hops[start:], key=self._worth)
                if moved(best) == len(guests):
                    break
            stack.append((len(journey.hops), self._choices(guests, parkable, thorough)))
        journey.back(start)
        return best

    def _choices(self, guests: Sequence[int], parkable: Collection[int], thorough: bool) -> Iterator[Hop]:
        """Yield what can be done next, parking last."""
        journey = self._journey
        ready = [guest for guest in journey.left(guests) if journey.rooms.fits(guest, journey.moves[guest].target)]
        ready.sort(key=lambda guest: (self._by_use(guest), guest))
        yield from [Hop(guest, journey.where[guest], journey.moves[guest].target) for guest in ready]
        for guest in parkable:
            if journey.blocks(guest) or (thorough and journey.where[guest] == journey.moves[guest].source):
                yield from [Hop(guest, journey.where[guest], node) for node in journey.parking(guest, all_places=thorough)]

    def _without_needless(self, start: int, hops: list[Hop]) -> list[Hop]:
        """Leave out parking that another one has made needless, the dearest first."""
        moves = self._journey.moves
        parked = {hop.guest for hop in hops if hop.target != moves[hop.guest].target}
        for guest in sorted(parked, key=lambda one: (-self._cost[one], one)):
            halves = [number for number, hop in enumerate(hops) if hop.guest == guest]
            # The direct move takes the place of the first half, or of the second.
            for kept, dropped in (halves, halves[::-1]):
                direct = Hop(guest, moves[guest].source, moves[guest].target)
                shorter = [direct if number == kept else hop for number, hop in enumerate(hops) if number != dropped]
                if self._journey.replay(start, shorter):
                    hops = shorter
                    break
        return hops

    def _make_way(self, guests: Sequence[int]) -> None:
        """Make the moves of a part that cannot be searched through: whenever all are stuck, park the cheapest guest that lets another one move."""
        journey, start = self._journey, len(self._journey.hops)
        banned, marks = set[int](), dict[int, int]()
        while left := journey.left(guests):
            hop = self._cheapest(left, banned) if self._way_looks > 0 else None
            if hop:
                marks[hop.guest] = len(journey.hops)
                journey.settle([journey.go(hop.guest, hop.target)])
            else:
                stranded = [guest for guest in left if journey.away(guest)]
                if not stranded:
                    break
                # What would never come to its target must not leave.
                banned.add(max(stranded, key=lambda guest: marks[guest]))
                journey.back(max(marks[guest] for guest in stranded))
            self._descend(guests, self._by_use)
        journey.replay(start, self._without_needless(start, journey.hops[start:]))

    def _cheapest(self, guests: Sequence[int], banned: Collection[int]) -> Hop | None:
        journey = self._journey
        for guest in sorted(guests, key=lambda one: (self._cost[one], one)):
            self._way_looks -= 1
            if guest not in banned and journey.blocks(guest) and self._helps(guest):
                for node in journey.parking(guest):
                    return Hop(guest, journey.where[guest], node)
        return None

    def _helps(self, guest: int) -> bool:
        """Return whether something that waits for a guest's node fits there without it."""
        journey = self._journey
        return any(_fits_without(journey.rooms, journey.moves[other], [guest]) for other in journey.waiting[journey.where[guest]])
