# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier of what `migration_waves` returns: waves that can be executed one after the other."""

from __future__ import annotations

import collections
import re
import typing as t
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Document, Facts

DAY = 86400
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def verify_waves(cluster: Document, moves: Sequence[Document], waves: Sequence[Document], limits: Document | None) -> list[str]:
    """Return a line for everything that is wrong with an order of moves; an empty list means that all is well.

    Every guest goes from the first source to the last target that `moves` has for it, once, with a stop only where its first hops are called park.
    A guest counts on both nodes, with all its demand and its disks, for the whole wave in which it moves; no node that takes one is over a limit then.
    A wave begins when the one before is done, no earlier than `now` and its own `not_before`. A move of a kind that windows name runs inside one of
    these, from the beginning of its wave to the end, as far as that is known. A kind is that of the move, the type of the guest (lxc, qemu) or the
    mode of its migration.

    :param cluster: the cluster document before the first wave.
    :param moves: the list that was to be ordered.
    :param waves: the answer.
    :param limits: global, per_node_in, per_node_out, bandwidth_bytes_per_second, now, windows, overcommit; what is absent or null does not limit.
    """
    limits = limits or {}
    facts = Facts(cluster, overcommit=limits.get("overcommit"))
    at = dict(facts.home)
    wrong: list[str] = []
    hops: dict[str, list[Document]] = {}
    for place, wave in enumerate(waves):
        name = f"Wave {wave.get('wave', place)}"
        known = [move for move in wave.get("moves") or [] if _is_known(facts, move)]
        wrong += [f"{name}: {move!r:.80} names an unknown guest or node." for move in wave.get("moves") or [] if not _is_known(facts, move)]
        wrong += [f"{name}: {what}" for what in (*_wave(facts, at, known), *_counts(known, limits), *_seconds(wave, known, limits))]
        for move in known:
            at[move["guest"]] = move["to"]
            hops.setdefault(move["guest"], []).append(move)
    numbers = [wave.get("wave") for wave in waves]
    counted = [number for number in numbers if isinstance(number, int)]
    if counted != numbers or counted != sorted(set(counted)):
        wrong.append(f"The waves are not numbered in their order: {numbers!r:.80}.")
    return [*wrong, *_journeys(moves, hops), *_times(facts, waves, limits)]


def _is_known(facts: Facts, move: Document) -> bool:
    return move.get("guest") in facts.guests and move.get("from") in facts.nodes and move.get("to") in facts.nodes


def _wave(facts: Facts, at: Mapping[str, str], moves: Sequence[Document]) -> Iterator[str]:
    """What is wrong with the moves of a wave, and with the nodes while it runs."""
    seen = collections.Counter(move["guest"] for move in moves)
    yield from (f"{guest} moves {count} times." for guest, count in seen.items() if count > 1)
    for move in moves:
        guest, source, target = move["guest"], move["from"], move["to"]
        if at[guest] != source:
            yield f"{guest} is to leave {source}, but is on {at[guest]}."
        if source == target:
            yield f"{guest} goes nowhere."
        if facts.guests[guest].get("movable") is False:
            yield f"{guest} must not move."
        if source in facts.offline:
            yield f"{guest} is to leave {source}, which is offline."
        barred = facts.barred(guest, target)
        if barred:
            yield f"{guest} must not arrive on {target}: {barred}."
        if facts.unreachable(facts.guests[guest], target):
            yield f"{guest} is to arrive on {target}, which lacks a storage of its disks."
    entered = {move["to"] for move in moves}
    copies = [(move["guest"], move["to"]) for move in moves if at[move["guest"]] != move["to"]]
    before = facts.used(at, nodes=entered)
    for limit, used in facts.used(at, copies, entered).items():
        if limit.exceeded_by(used) and used > before[limit]:
            yield f"{limit} holds {used:g} of {limit.most:g} while both copies exist."


def _counts(moves: Sequence[Document], limits: Document) -> Iterator[str]:
    most = limits.get("global")
    if most is not None and len(moves) > most:
        yield f"{len(moves)} moves at once; global is {most}."
    for option, key in (("per_node_in", "to"), ("per_node_out", "from")):
        most = limits.get(option)
        for node, count in collections.Counter(move[key] for move in moves).items():
            if most is not None and count > most:
                yield f"{count} moves at once {'into' if key == 'to' else 'out of'} {node}; {option} is {most}."


def _seconds(wave: Document, moves: Sequence[Document], limits: Document) -> Iterator[str]:
    """No wave is shorter than one of its moves, as predicted or as the bandwidth allows; that of a wave is told if that of all its moves is."""
    bandwidth, seconds = limits.get("bandwidth_bytes_per_second"), wave.get("seconds")
    known = True
    for move in moves:
        cost = move.get("cost") or {}
        needed = cost.get("seconds")
        if needed is None and bandwidth and cost.get("bytes") is not None:
            needed = cost["bytes"] / bandwidth
        known = known and needed is not None
        if needed is not None and seconds is not None and seconds < needed * (1.0 - 1e-6) - 1e-3:
            yield f"{move['guest']} takes {needed:g} s, the wave {seconds} s."
    if moves and known and seconds is None:
        yield "how long each move takes is known, the wave takes None s."


def _journeys(moves: Iterable[Document], hops: Mapping[str, Sequence[Document]]) -> Iterator[str]:
    """What is wrong with the way of each guest over all waves."""
    wanted: dict[str, tuple[str, str]] = {}
    for move in moves:
        wanted[move["guest"]] = (wanted.get(move["guest"], (move["from"], ""))[0], move["to"])
    for guest, (source, target) in wanted.items():
        way = hops.get(guest, [])
        if source == target and not way:
            continue
        if not way:
            yield f"{guest} is never moved from {source} to {target}."
        elif (way[0]["from"], way[-1]["to"]) != (source, target):
            yield f"{guest} goes from {way[0]['from']} to {way[-1]['to']}, wanted was from {source} to {target}."
        if any(hop.get("kind") != "park" for hop in way[:-1]):
            yield f"{guest} moves {len(way)} times, and not to park it."
    yield from (f"{guest} was not to be moved." for guest in hops if guest not in wanted)


def _times(facts: Facts, waves: Iterable[Document], limits: Document) -> Iterator[str]:
    windows = limits.get("windows") or []
    clock = limits.get("now")
    for place, wave in enumerate(waves):
        name, begin = f"Wave {wave.get('wave', place)}", wave.get("not_before")
        begin = max((time for time in (begin, clock) if time is not None), default=None)
        end = None if begin is None else begin + (wave.get("seconds") or 0)
        for move in wave.get("moves") or []:
            kinds = _kinds(facts, move)
            mine = [window for window in windows if not window.get("kinds") or kinds & set(window["kinds"])]
            if mine and (begin is None or end is None or not any(_inside(begin, end, window) for window in mine)):
                yield f"{name}: {move.get('guest')} runs from {begin} to {end}, outside of the windows of its kind."
        clock = end if end is not None else clock


def _kinds(facts: Facts, move: Document) -> set[t.Any]:
    guest = facts.guests.get(move.get("guest", "")) or {}
    return {move.get("kind"), str(move.get("guest")).partition("/")[0], (guest.get("migration") or {}).get("mode")}


def _inside(begin: float, end: float, window: Document) -> bool:
    """Return whether a span of time lies in a window: times of day in UTC (HH:MM), or seconds since 1970."""
    first, last = window.get("from"), window.get("to")
    if not isinstance(first, str) or not isinstance(last, str):
        return t.cast("float", first) <= begin and end <= t.cast("float", last)
    start, length = _of_day(first), (_of_day(last) - _of_day(first)) % DAY or DAY
    since = (begin - start) % DAY
    return since < length and since + (end - begin) <= length


def _of_day(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    if not match:
        raise InputError(f"A window is limited by {text!r:.40}; needed is a time of day (HH:MM) in UTC (O(limits.windows)).")
    return int(match[1]) * 3600 + int(match[2]) * 60
