# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the race in Markdown. Results: by family, way and seed, the figures of race_bench; of pairs the second is of exhausted VGs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from race_world import EXHAUSTED, WITH_ROOM

GIB = 2**30
MOST_EXCESS = 0.7
Results = Mapping[str, Mapping[str, Mapping[str, Mapping]]]


def medians(results: Results, names: Mapping[str, str]) -> str:
    """Return a line for each family and way: median over the seeds and 90 % interval."""
    head = (
        "family", "way", "volume-ticks at 100 %", "above 95 %", "unserved, GiB", "TiB-hours above need", "resizes",
        "VG-ticks exhausted", "in them: volume-ticks at 100 %", "above 95 %", "unserved, GiB",
    )  # fmt: skip
    lines = []
    for family, by_way in results.items():
        for way, by_seed in by_way.items():
            of = [by_seed[seed] for seed in by_seed]
            lines.append([family, names[way], *(_spread(_column(of, name, part, unit)) for name, part, unit in _COLUMNS)])
    return "Sums over the VGs of one seed: median over the seeds [5 %, 95 %].\n\n" + _table(head, lines)


_COLUMNS = (
    ("full", WITH_ROOM, 1), ("above", WITH_ROOM, 1), ("unserved", WITH_ROOM, GIB), ("excess", None, 1024 * GIB), ("resizes", None, 1),
    ("exhausted", None, 1), ("full", EXHAUSTED, 1), ("above", EXHAUSTED, 1), ("unserved", EXHAUSTED, GIB),
)  # fmt: skip


def goals(results: Results) -> str:
    """Return a line for each family and one for all: whether (c) is best or equal at 100 % and above 95 %, with at most 70 % of the
    byte-hours of (a) and no more resizes. Sums over all seeds; best or equal holds when it does both with and without exhausted VGs."""
    others = [way for way in ("a", "b") if all(way in by_way for by_way in results.values())]
    ways = [*others, "c"]
    shown = " / ".join(f"({way})" for way in ways)
    head = ("family", f"at 100 %: {shown}", f"above 95 %: {shown}", "byte-hours above need, (c) of (a)", "resizes: (a) / (c)", "goal")
    whole = {way: [one for by_way in results.values() for one in by_way[way].values()] for way in ways}
    rows = [(family, {way: list(by_way[way].values()) for way in ways}) for family, by_way in results.items()]
    lines = [[family, *_goal(of)] for family, of in [*rows, ("**all**", whole)]]
    return (
        "The goal: (c) best or equal in volume-ticks at 100 % and above 95 %, at no more than 70 % of (a)'s byte-hours above need, with no more "
        "resizes than (a). Sums over all seeds, those in exhausted VGs behind the +; byte-hours: median over the seeds of (c) ÷ (a) [5 %, 95 %].\n\n"
        + _table(head, lines)
    )


def _goal(of: Mapping[str, Sequence[Mapping]]) -> list[str]:
    ticks, missed = [], []
    for name, title in (("full", "100 %"), ("above", "95 %")):
        sums = {way: (sum(one[name][WITH_ROOM] for one in found), sum(one[name][EXHAUSTED] for one in found)) for way, found in of.items()}
        ticks.append(" / ".join(f"{room:,.0f} + {exhausted:,.0f}" for room, exhausted in sums.values()))
        ours = sums["c"]
        if any(ours[0] > one[0] or sum(ours) > sum(one) for one in sums.values()):
            missed.append(title)
    pairs = zip(of["a"], of["c"], strict=True)
    parts = [ours["excess"] / theirs["excess"] for theirs, ours in pairs if theirs["excess"] > 0]
    resizes = {way: sum(one["resizes"] for one in found) for way, found in of.items()}
    if not parts or np.median(parts) > MOST_EXCESS:
        missed.append("byte-hours")
    if resizes["c"] > resizes["a"]:
        missed.append("resizes")
    excess = f"{np.median(parts):.0%} [{_quantile(parts, 0.05):.0%}, {_quantile(parts, 0.95):.0%}]" if parts else "–"
    return [*ticks, excess, f"{resizes['a']:,.0f} / {resizes['c']:,.0f}", f"missed: {', '.join(missed)}" if missed else "met"]


def seeds_table(results: Results, ways: Sequence[str]) -> str:
    """Return a line for each family and seed, all ways in each cell."""
    shown = " / ".join(f"({way})" for way in ways)
    head = ("family", "seed", "at 100 %", "above 95 %", "unserved, GiB", "TiB-hours above need", "resizes", "VG-ticks exhausted")
    lines = []
    for family, by_way in results.items():
        for seed in by_way[ways[0]]:
            of = [by_way[way][seed] for way in ways]
            cells = [
                " / ".join("{:,.0f} + {:,.0f}".format(*(value / unit for value in one[name])) for one in of)
                for name, unit in (("full", 1), ("above", 1), ("unserved", GIB))
            ]
            cells.append(" / ".join(f"{one['excess'] / 1024 / GIB:,.1f}" for one in of))
            cells += [" / ".join(f"{one[name]:,.0f}" for one in of) for name in ("resizes", "exhausted")]
            lines.append([family, seed, *cells])
    return f"Every seed, as {shown}; what happened in exhausted VGs behind the +.\n\n" + _table(head, lines)


def _column(of: Sequence[Mapping], name: str, part: int | None, unit: float) -> list[float]:
    return [(one[name] if part is None else one[name][part]) / unit for one in of]


def _spread(values: Sequence[float]) -> str:
    middle, low, high = float(np.median(values)), _quantile(values, 0.05), _quantile(values, 0.95)
    return f"{_number(middle)} [{_number(low)}, {_number(high)}]"


def _quantile(values: Sequence[float], level: float) -> float:
    return float(np.quantile(values, level))


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.1f}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(head)
    return "\n".join([f"| {' | '.join(head)} |", rule, *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"
