# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a synthetic cluster is to be like, read from the options of the lookup; and the numbers that are drawn for it."""

from __future__ import annotations

import dataclasses
import math
import random
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import LARGEST, Fields

GIB = 2**30
CLASSIC = (768.0, 656.0, *(384.0,) * 6, *(240.0,) * 4, 192.0)
SIZES = ((2.0, 20.0), (4.0, 30.0), (8.0, 25.0), (16.0, 15.0), (32.0, 7.0), (64.0, 3.0))
MOST_NODES, MOST_GUESTS = 20_000, 2_000_000
# An EiB; and of what things are divided by, less than anybody wants.
MOST_GIB, LEAST = 2.0**30, 0.001
_KNOWN = (
    "seed", "name", "nodes", "node_sizes", "memory_per_core", "guests_per_node", "guest_sizes", "load", "distribution", "cpu_load", "correlation",
    "more", "grouped", "group_size", "apart", "bound", "pinned", "pinned_nodes", "broken", "soft", "maintenance", "offline", "immovable", "stopped",
    "local_disks", "reserve", "overhead", "link_bytes_per_second", "observed_at",
)  # fmt: skip

T = t.TypeVar("T")
Span = tuple[float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Extra:
    """A resource besides cpu and memory: what each node has of it, how loaded it is, and how that goes with the load of memory."""

    name: str
    capacity: float
    load: Span
    correlation: float


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """nodes: GiB of each; guest_sizes: (GiB, weight); shares and loads as fractions; spans with both ends."""

    seed: int
    name: str
    nodes: tuple[float, ...]
    memory_per_core: float
    guests_per_node: float | None
    guest_sizes: tuple[tuple[float, float], ...]
    load: Span
    skewed: bool
    cpu_load: Span
    correlation: float
    more: tuple[Extra, ...]
    grouped: float
    group_size: Span
    apart: float
    bound: float
    pinned: float
    pinned_nodes: Span
    broken: float
    soft: float
    maintenance: int
    offline: int
    immovable: float
    stopped: float
    local_disks: float
    reserve: float
    overhead: float
    link: float | None
    observed_at: int | None


class Draw:
    """A sequence of random numbers of its own for one subject."""

    def __init__(self, seed: int, subject: str) -> None:
        self._next = random.Random(f"{seed}/{subject}").random

    def between(self, span: Span) -> float:
        """Return a number of a span."""
        return span[0] + (span[1] - span[0]) * self._next()

    def below(self, count: int) -> int:
        """Return a whole number from 0 to count − 1."""
        return min(int(self._next() * count), count - 1)

    def chance(self, probability: float) -> bool:
        """Return true as often as the probability says."""
        return self._next() < probability

    def count(self, span: Span) -> int:
        """Return a whole number of a span."""
        return int(span[0]) + self.below(int(span[1]) - int(span[0]) + 1)

    def shuffled(self, things: Collection[T]) -> list[T]:
        """Return the things in a random order."""
        found = list(things)
        for last in range(len(found) - 1, 0, -1):
            other = self.below(last + 1)
            found[last], found[other] = found[other], found[last]
        return found

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """Return one of the choices, each as often as its weight says."""
        left = self._next() * math.fsum(weight for _choice, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]


def read_options(options: Mapping[str, t.Any]) -> Options:
    """Return the options, with defaults for what is not told.

    :raises InputError: for what is not known or means nothing.
    """
    # What a lookup is not given is null.
    fields = Fields({key: value for key, value in options.items() if value is not None}, "The synthetic cluster", "synthetic_cluster")
    fields.only(_KNOWN)
    nodes = _nodes(fields)
    load = _span(fields, "load", (0.1, 0.9), most=1.0)
    choice = fields.choice("distribution", ("uniform", "skewed"), "uniform")
    maintenance, offline = fields.count("maintenance", 0), fields.count("offline", 0)
    if maintenance + offline >= len(nodes):
        raise InputError(
            f"{maintenance} nodes in maintenance and {offline} offline of {len(nodes)} leave none for guests; needed is at least one "
            "(O(maintenance), O(offline), O(nodes))."
        )
    return Options(
        seed=fields.count("seed", 0),
        name=fields.optional_text("name") or "synthetic",
        nodes=nodes,
        memory_per_core=_divisor(fields, "memory_per_core") if fields.has("memory_per_core") else 8.0,
        guests_per_node=_divisor(fields, "guests_per_node") if fields.has("guests_per_node") else None,
        guest_sizes=_sizes(fields),
        load=load,
        skewed=choice == "skewed",
        cpu_load=_span(fields, "cpu_load", load, most=1.0),
        correlation=_correlation(fields, 1.0),
        more=_more(fields, load),
        grouped=fields.number("grouped", 0.0, most=1.0),
        group_size=_span(fields, "group_size", (2, 5), least=2, whole=True),
        apart=fields.number("apart", 0.5, most=1.0),
        bound=fields.number("bound", 0.0, most=1.0),
        pinned=fields.number("pinned", 0.0, most=1.0),
        pinned_nodes=_span(fields, "pinned_nodes", (1, 4), least=1, whole=True),
        broken=fields.number("broken", 0.1, most=1.0),
        soft=fields.number("soft", 0.0, most=1.0),
        maintenance=maintenance,
        offline=offline,
        immovable=fields.number("immovable", 0.0, most=1.0),
        stopped=fields.number("stopped", 0.0, most=1.0),
        local_disks=fields.number("local_disks", 0.0, most=1.0),
        reserve=fields.number("reserve", 0.0, most=0.9),
        overhead=fields.number("overhead", 0.0, most=0.9),
        link=fields.number("link_bytes_per_second", above=0) if fields.has("link_bytes_per_second") else None,
        observed_at=int(fields.moment("observed_at")) if fields.has("observed_at") else None,
    )


def _nodes(fields: Fields) -> tuple[float, ...]:
    told = fields.document.get("nodes", "classic")
    if told == "classic":
        return CLASSIC
    if isinstance(told, list):
        return _gibs(fields, "nodes", told)
    try:
        count = int(told)
    except (TypeError, ValueError, OverflowError):
        count = 0
    if isinstance(told, (bool, float)) or not 1 <= count <= MOST_NODES:
        raise fields.wrong("nodes", told, f"a number from 1 to {MOST_NODES}, a list of GiB, or classic")
    sizes = _gibs(fields, "node_sizes", fields.items("node_sizes")) if fields.has("node_sizes") else CLASSIC
    return tuple(sizes[number % len(sizes)] for number in range(count))


def _gibs(fields: Fields, key: str, told: Sequence[t.Any]) -> tuple[float, ...]:
    for value in told:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MOST_GIB:
            raise fields.wrong(key, value, f"a list of numbers of GiB, each above 0 and at most {MOST_GIB:.0f}")
    if not 1 <= len(told) <= MOST_NODES:
        raise fields.wrong(key, told, f"a list of 1 to {MOST_NODES} numbers of GiB")
    return tuple(float(value) for value in told)


def _sizes(fields: Fields) -> tuple[tuple[float, float], ...]:
    if not fields.has("guest_sizes"):
        return SIZES
    found = []
    for number, item in enumerate(fields.items("guest_sizes")):
        size = Fields(item, f"Guest size {number}", f"guest_sizes[{number}]")
        size.only(("gib", "weight"))
        found.append((float(_divisor(size, "gib", most=MOST_GIB)), float(size.number("weight", 1.0, above=0))))
    if not found:
        raise fields.wrong("guest_sizes", [], "a list with at least one size")
    return tuple(found)


def _more(fields: Fields, load: Span) -> tuple[Extra, ...]:
    inner = fields.inner("more")
    if inner is None:
        return ()
    found = []
    for name, told in sorted(inner.document.items(), key=_as_text):
        extra = Fields(told, f"more.{name}", f"more.{name}")
        extra.only(("capacity", "load", "correlation"))
        if name in ("cpu", "memory") or not isinstance(name, str):
            raise fields.wrong("more", name, "the name of another resource than cpu and memory, as a text")
        found.append(Extra(name, extra.number("capacity", above=0), _span(extra, "load", load, most=1.0), _correlation(extra, 0.0)))
    return tuple(found)


def _as_text(item: tuple[t.Any, t.Any]) -> str:
    return str(item[0])


def _divisor(fields: Fields, key: str, most: float = LARGEST) -> float:
    value = fields.number(key, above=0, most=most)
    if value < LEAST:
        raise fields.wrong(key, value, f"a number of {LEAST:g} or more")
    return value


def _correlation(fields: Fields, default: float) -> float:
    value = fields.document.get("correlation")
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1 <= value <= 1:
        raise fields.wrong("correlation", value, "a number from -1 (who has much of the one has little of the other) to 1")
    return float(value)


def _span(fields: Fields, key: str, default: Span, *, least: float = 0.0, most: float = math.inf, whole: bool = False) -> Span:
    told = fields.items(key) if fields.has(key) else list(default)
    for value in told:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not least <= value <= most:
            told = []
    if len(told) != 2 or told[0] > told[1]:
        limits = f"of {least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"
        kind = "whole numbers" if whole else "numbers"
        raise fields.wrong(key, fields.document.get(key), f"a list of two {kind} {limits}, the smaller one first")
    return told[0], told[1]
