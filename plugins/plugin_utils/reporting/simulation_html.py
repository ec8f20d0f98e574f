# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a simulation: one HTML file with everything in it, no network, no other file."""

from __future__ import annotations

import json
import os
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.html import script_safe
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
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Attempt, failures, tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import (
    effort,
    gains,
    node_label,
    others_label,
    resource_name,
    violations,
    waves_text,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import BALANCE, FREED, OPEN, PlacementView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import counted, moment, plural
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import jinja2, plotly_offline

_TEMPLATE = "simulation.html.j2"
ROWS_SHOWN = 500


def render_simulation(document: Mapping[str, t.Any], attempts: Sequence[Attempt], notes: Sequence[str], *, mark: str, bars: int) -> str:
    """Return the page.

    :param mark: what it shows; :param bars: up to how many nodes each has a bar.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(bytes=format_bytes, moment=moment, plural=plural, counted=counted)
    views = [attempt.view for attempt in attempts if attempt.view is not None]
    data = {"colours": COLOURS, "light": LIGHT, "stays": STAYS, "charts": [chart_data(view, bars) for view in views]}
    return str(
        environment.get_template(_TEMPLATE).render(
            document=document,
            attempts=attempts,
            views=views,
            notes=[*notes, *failures(attempts)],
            mark=mark,
            headline=headline(views),
            tables=tables(attempts),
            most=ROWS_SHOWN,
            effort=effort,
            gains=gains,
            violations=violations,
            closed=[node for node in views[0].nodes if node.state not in (OPEN, FREED)],
            large=len(views[0].nodes) > bars,
            data=script_safe(json.dumps(to_native(data), separators=(",", ":"))),
            plotly=plotly_offline.get_plotlyjs(),
        )
    )


def headline(views: Sequence[PlacementView]) -> str:
    """Return the page in one or two sentences."""
    if len(views) == 1:
        how = views[0].strategy if views[0].goal == BALANCE else views[0].goal.replace("_", " ")
        return f"{how}: {effort(views[0])}; {gains(views[0])}; {violations(views[0])}."
    return f"{len(views)} strategies on {counted(len(views[0].nodes), 'node')} with {counted(len(views[0].demand), 'guest')}"


def chart_data(view: PlacementView, bars: int) -> dict[str, t.Any]:
    """Return what the page's script draws of one placement: shares of usable capacity, rows from top to bottom."""
    picture = picture_of(view, bars=bars)
    labels = [node_label(node, picture.before[0].resource) for node in picture.rows]
    shown = dict.fromkeys(
        piece.guest
        for panel in (*picture.before, *picture.after)
        for stack in panel.bars
        for piece in stack.pieces
        if piece.guest != OVERHEAD
    )
    order = {guest: number for number, guest in enumerate(shown)}
    rows = {node.name: number for number, node in enumerate(picture.rows)}
    return {
        "labels": [*labels, *([others_label(picture.others)] if picture.others else [])],
        "closed": [rows[node.name] for node in picture.rows if node.state not in (OPEN, FREED)],
        "guests": [guest if view.names[guest] == guest else f"{guest} ({view.names[guest]})" for guest in shown],
        "widest": round(picture.widest, 5),
        "panels": [_panel(picture, panel, order) for panel in (*picture.before, *picture.after)],
        "moves": [_arrow(arrow) for arrow in picture.arrows],
        "spans": [[span.wave, span.begin, span.end] for span in picture.spans],
        "tally": [list(pair) for pair in picture.tally],
        "waves": waves_text(view),
        "shown": f"moves of the nodes shown: {picture.shown_moves:,}" if picture.others else "moves",
        "curves": [_curves(one) for one in curves_of(view)] if picture.others else [],
    }


def _arrow(arrow: Arrow) -> dict[str, t.Any]:
    move = arrow.move
    told = f"{move.guest}: {move.source} → {move.target}, wave {move.wave}, {format_bytes(move.size)}; {move.kind}: {move.reason}"
    return {"place": arrow.place, "source": arrow.source, "target": arrow.target, "tone": arrow.tone, "kind": move.kind, "text": told}


def _panel(picture: Picture, panel: Panel, order: Mapping[str, int]) -> dict[str, t.Any]:
    """Return one panel; a piece is [row, start, width, guest (−1 = overhead of the node), moves, tone, broken]."""
    resource = panel.resource
    return {
        "title": f"{'after' if panel.after else 'before'}: {resource_name(resource)}",
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
