# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture of a placement is made of: rows of nodes, bars stacked by guest, and the moves between them. Pure; both PNG and page draw this."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import (
    FREED,
    OPEN,
    MoveView,
    NodeView,
    PlacementView,
    ResourceView,
    Side,
)

# A node each is drawn up to so many; of more, those that change most.
BARS, DETAIL = 60, 24
# Up to so many moves each have an arrow of their own; of more, bars tell how many leave a node and how many come.
ARROWS = 160
RESOURCES = 3
# Tol's "muted" palette: told apart by people who see fewer colours. Guests that move take them in turn.
COLOURS = ("#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499")
# Those of them on which dark letters are read.
LIGHT = (2, 4, 6, 7)
STAYS = ("#c3ccd4", "#d8dfe5")
OVERHEAD = "overhead"


class Piece(t.NamedTuple):
    """One part of a bar, in shares of the usable capacity; guest: its id, or `overhead`; tone: of COLOURS where it moves, else of STAYS."""

    guest: str
    start: float
    width: float
    moves: bool
    tone: int
    broken: bool


@dataclasses.dataclass(frozen=True)
class Bar:
    """One node in one panel: its pieces from the left, load and reserve as shares of its usable capacity (None = it has none), and its breaches."""

    pieces: Sequence[Piece]
    share: float | None
    reserve: float
    breaches: int


@dataclasses.dataclass(frozen=True)
class Panel:
    """One resource before or after, a bar for each row."""

    resource: ResourceView
    after: bool
    bars: Sequence[Bar]


class Arrow(t.NamedTuple):
    """One move: its place on the horizontal axis, and the rows it goes from and to; the row behind the last one stands for all other nodes."""

    place: float
    source: int
    target: int
    tone: int
    move: MoveView


class Span(t.NamedTuple):
    """Where on the horizontal axis the moves of a wave are."""

    wave: int
    begin: float
    end: float


@dataclasses.dataclass(frozen=True)
class Picture:
    """rows: the nodes from top to bottom; others: how many nodes have no row; after: nothing where nobody was asked what to move; arrows: none
    where there are too many moves (`tally`: how many leave each row, and how many come).
    """

    rows: Sequence[NodeView]
    others: int
    before: Sequence[Panel]
    after: Sequence[Panel]
    arrows: Sequence[Arrow]
    spans: Sequence[Span]
    tally: Sequence[tuple[int, int]]
    shown_moves: int

    @property
    def lines(self) -> int:
        """Return how many rows are drawn: one more where it stands for the nodes that have none."""
        return len(self.rows) + (self.others > 0)

    @property
    def widest(self) -> float:
        """Return the end of the longest bar or reserve, at least 1."""
        bars = [stack for panel in (*self.before, *self.after) for stack in panel.bars]
        return max([1.0, *(max(stack.share or 0.0, 1.0 + stack.reserve) for stack in bars)])


def picture_of(view: PlacementView, *, bars: int = BARS) -> Picture:
    """Return the picture of a placement.

    :param bars: up to how many nodes each gets a row; of more, those that change most.
    """
    rows = rows_of(view, bars)
    tones = tones_of(view)
    row_of = {node.name: number for number, node in enumerate(rows)}
    others = len(view.nodes) - len(rows)
    shown = [move for move in view.moves if move.source in row_of or move.target in row_of]
    many = len(shown) > ARROWS
    arrows, spans = ([], []) if many else _arrows(shown, row_of, tones, len(rows))
    drawn = view.resources[:RESOURCES]
    return Picture(
        rows=rows,
        others=others,
        before=[_panel(view, view.before, resource, rows, tones, after=False) for resource in drawn],
        after=[_panel(view, view.after, resource, rows, tones, after=True) for resource in drawn if view.is_answer],
        arrows=arrows,
        spans=spans,
        tally=_tally(shown, rows) if many else [],
        shown_moves=len(shown),
    )


def tones_of(view: PlacementView) -> dict[str, int]:
    """Return the colour of each guest that moves, the same on both sides: neighbours in the order of the moves differ."""
    found: dict[str, int] = {}
    for move in view.moves:
        found.setdefault(move.guest, len(found) % len(COLOURS))
    return found


def rows_of(view: PlacementView, most: int) -> list[NodeView]:
    """Return the nodes that are shown: open ones first, the fullest at the top, so that before is a slope and after is even."""
    nodes = [node for node in view.nodes if view.detailed is None or node.name in view.detailed]
    if len(nodes) > most:
        nodes = sorted(nodes, key=lambda node: (-_change(view, node), -_highest(view, view.before, node), node.name))[: min(DETAIL, most)]
    return sorted(nodes, key=lambda node: (node.state not in (OPEN, FREED), -_highest(view, view.before, node), node.name))


def _highest(view: PlacementView, side: Side, node: NodeView) -> float:
    return max((view.share(side, node, resource.name) or 0.0 for resource in view.balanced), default=0.0)


def _change(view: PlacementView, node: NodeView) -> float:
    return max(
        (
            abs((view.share(view.after, node, one.name) or 0.0) - (view.share(view.before, node, one.name) or 0.0))
            for one in view.balanced
        ),
        default=0.0,
    )  # fmt: skip


def _panel(
    view: PlacementView, side: Side, resource: ResourceView, rows: Sequence[NodeView], tones: Mapping[str, int], *, after: bool
) -> Panel:
    guests: dict[str, list[str]] = {node.name: [] for node in rows}
    for guest, place in side.at.items():
        if place in guests:
            guests[place].append(guest)
    broken = {guest for breach in side.breaches for guest in breach.guests}
    breaches = {name: sum(name in breach.nodes for breach in side.breaches) for name in guests}
    bars = []
    for node in rows:
        usable = node.usable(resource.name)
        share = view.share(side, node, resource.name)
        pieces = _pieces(view, node, guests[node.name], resource.name, tones, broken) if share is not None else []
        reserve = node.reserve[resource.name] / usable if usable > 0 else 0.0
        bars.append(Bar(pieces, share, reserve, breaches[node.name]))
    return Panel(resource, after, bars)


def _pieces(
    view: PlacementView, node: NodeView, guests: Sequence[str], resource: str, tones: Mapping[str, int], broken: set[str]
) -> list[Piece]:
    """Return overhead, then what stays (the largest first), then what leaves or has come: it lies at the tip of the bar."""
    usable, left = node.usable(resource), 0.0
    found = []
    if node.overhead[resource] > 0:
        left = node.overhead[resource] / usable
        found.append(Piece(OVERHEAD, 0.0, left, False, 0, False))
    stay = sorted((guest for guest in guests if guest not in tones), key=lambda guest: (-view.demand[guest][resource], guest))
    move = sorted((guest for guest in guests if guest in tones), key=lambda guest: (-view.demand[guest][resource], guest))
    for number, guest in enumerate([*stay, *move]):
        width = view.demand[guest][resource] / usable
        if width > 0:
            found.append(Piece(guest, left, width, guest in tones, tones.get(guest, number % len(STAYS)), guest in broken))
            left += width
    return found


def _arrows(moves: Sequence[MoveView], row_of: Mapping[str, int], tones: Mapping[str, int], other: int) -> tuple[list[Arrow], list[Span]]:
    """Return a place of its own for each move, the waves one after the other with a gap between them."""
    arrows, spans = list[Arrow](), list[Span]()
    place = 0.0
    for number in sorted({move.wave for move in moves}):
        inside = [move for move in moves if move.wave == number]
        inside.sort(key=lambda move: (row_of.get(move.source, other), row_of.get(move.target, other), move.guest))
        spans.append(Span(number, place, place + len(inside)))
        for move in inside:
            ends = row_of.get(move.source, other), row_of.get(move.target, other)
            arrows.append(Arrow(place + 0.5, *ends, tones[move.guest], move))
            place += 1.0
        place += 1.0
    return arrows, spans


def _tally(moves: Sequence[MoveView], rows: Sequence[NodeView]) -> list[tuple[int, int]]:
    return [(sum(move.source == node.name for move in moves), sum(move.target == node.name for move in moves)) for node in rows]
