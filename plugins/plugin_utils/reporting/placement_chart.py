# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the script of a page draws of placements, and what stands around each of them."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.page import script_json
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_curves import BINS, Curves, curves_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import (
    COLOURS,
    LIGHT,
    OVERHEAD,
    STAYS,
    Arrow,
    Panel,
    Picture,
    picture_of,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Table
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import (
    node_label,
    others_label,
    panel_title,
    resource_name,
    waves_text,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import FREED, OPEN, PlacementView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes


class Placed(t.NamedTuple):
    """One placement on a page. large: curves tell of nodes that have no bar; states: how far each move has come, none where none was planned."""

    title: str
    told: str
    view: PlacementView
    large: bool
    tags: Sequence[str] = ()
    remark: str = ""
    table: Table | None = None
    states: Sequence[Progress] = ()


def charts_json(views: Sequence[PlacementView], bars: int) -> str:
    """Return what the page's script draws, as JSON for its script element."""
    return script_json({"colours": COLOURS, "light": LIGHT, "stays": STAYS, "charts": [chart_data(view, bars) for view in views]})


def chart_data(view: PlacementView, bars: int) -> dict[str, t.Any]:
    """Return what the page's script draws of one placement: shares of usable capacity, rows from top to bottom."""
    picture = picture_of(view, bars=bars)
    panels = [*picture.before, *picture.after]
    labels = [node_label(node, picture.before[0].resource) for node in picture.rows]
    shown = dict.fromkeys(piece.guest for panel in panels for stack in panel.bars for piece in stack.pieces if piece.guest != OVERHEAD)
    order = {guest: number for number, guest in enumerate(shown)}
    rows = {node.name: number for number, node in enumerate(picture.rows)}
    return {
        "labels": [*labels, *([others_label(picture.others)] if picture.others else [])],
        "closed": [rows[node.name] for node in picture.rows if node.state not in (OPEN, FREED)],
        "guests": [guest if view.names[guest] == guest else f"{guest} ({view.names[guest]})" for guest in shown],
        "widest": round(picture.widest, 5),
        "panels": [_panel(picture, panel, order, panel_title(view, panel)) for panel in panels],
        "moves": [_arrow(arrow) for arrow in picture.arrows],
        "spans": [[span.wave, span.begin, span.end] for span in picture.spans],
        "tally": [list(pair) for pair in picture.tally],
        "waves": waves_text(view),
        "still": not view.is_answer,
        "shown": f"moves of the nodes shown: {picture.shown_moves:,}" if picture.others else "moves",
        "curves": [_curves(one) for one in curves_of(view)] if picture.others else [],
    }


def _arrow(arrow: Arrow) -> dict[str, t.Any]:
    move = arrow.move
    told = f"{move.guest}: {move.source} → {move.target}, wave {move.wave}, {format_bytes(move.size)}; {move.kind}: {move.reason}"
    return {"place": arrow.place, "source": arrow.source, "target": arrow.target, "tone": arrow.tone, "kind": move.kind, "text": told}


def _panel(picture: Picture, panel: Panel, order: Mapping[str, int], title: str) -> dict[str, t.Any]:
    """Return one panel; a piece is [row, start, width, guest (−1 = overhead of the node), moves, tone, broken]."""
    resource = panel.resource
    return {
        "title": title,
        "unit": resource.unit,
        "usable": [round(node.usable(resource.name) / resource.divisor, 4) for node in picture.rows],
        "pieces": [
            [
                row,
                round(piece.start, 5),
                round(piece.width, 5),
                -1 if piece.guest == OVERHEAD else order[piece.guest],
                int(piece.moves),
                piece.tone,
                int(piece.broken),
            ]
            for row, stack in enumerate(panel.bars)
            for piece in stack.pieces
        ],
        "shares": [None if stack.share is None else round(stack.share, 5) for stack in panel.bars],
        "reserve": [round(stack.reserve, 5) for stack in panel.bars],
        "breaches": [stack.breaches for stack in panel.bars],
    }


def _curves(curves: Curves) -> dict[str, t.Any]:
    return {
        "name": resource_name(curves.resource),
        "before": [round(share, 4) for share in curves.before],
        "after": [round(share, 4) for share in curves.after],
        "edges": [round(curves.end * place / BINS, 5) for place in range(BINS + 1)],
        "bins_before": curves.bins_before,
        "bins_after": curves.bins_after,
    }
