# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The moves of a placement in its PNG figure: an arrow each in the order of the waves, or how many leave and come where there are too many."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import AMBER, BLUE, GREY, INK, plain
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import COLOURS, Picture
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import waves_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import PlacementView

MARKERS = {"balance": "o", "consolidate": "o", "repair": "D", "evacuate": "s", "park": "P"}
KINDS = {"o": "balance or consolidate", "D": "repair", "s": "evacuate", "P": "park"}


def draw_moves(axes: t.Any, picture: Picture, view: PlacementView, wide: float) -> None:
    """Draw the moves between the rows.

    :param wide: the axes, in inches.
    """
    rows = picture.lines
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.hlines(range(rows), 0.0, 1.0, transform=axes.get_yaxis_transform(), color=GREY, alpha=0.25, linewidth=0.8, zorder=0.5)
    axes.set_title(f"moves{f' of the nodes shown: {picture.shown_moves:,}' if picture.others else ''}", fontsize=9, loc="left", color=INK)
    if picture.tally:
        _tally(axes, picture)
    elif not picture.arrows:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "no moves", transform=axes.transAxes, ha="center", va="center", fontsize=10, color=GREY)
    else:
        _arrows(axes, picture, wide)
        axes.set_xlabel(waves_text(view), fontsize=7)


def _arrows(axes: t.Any, picture: Picture, wide: float) -> None:
    end = picture.spans[-1].end
    slot = wide / (end + 1.0)
    size = min(4.5, max(2.4, 30 * slot))
    for number, span in enumerate(picture.spans):
        if number % 2 == 0:
            axes.axvspan(span.begin - 0.5, span.end + 0.5, facecolor="#eef2f5", linewidth=0, zorder=0)
    for arrow in picture.arrows:
        colour = COLOURS[arrow.tone]
        down = arrow.target > arrow.source
        axes.plot(
            [arrow.place] * 2, [arrow.source, arrow.target], color=colour, linewidth=min(1.8, max(0.9, 9 * slot)), solid_capstyle="butt"
        )
        axes.plot([arrow.place], [arrow.source], MARKERS.get(arrow.move.kind, "o"), color=colour, markersize=size)
        axes.plot([arrow.place], [arrow.target], "v" if down else "^", color=colour, markersize=size * 1.5)
        if slot > 0.24:
            axes.text(
                arrow.place + 0.2, (arrow.source + arrow.target) / 2, plain(arrow.move.guest), rotation=90, va="center", ha="left", fontsize=6, color=INK,
            )  # fmt: skip
    axes.set_xlim(-0.5, end + 0.5)
    centres = [((span.begin + span.end) / 2, str(span.wave)) for span in picture.spans]
    shown, last = list[tuple[float, str]](), -1e9
    for place, name in centres:
        if (place - last) * slot >= 0.09 * len(name) + 0.08:
            shown.append((place, name))
            last = place
    axes.set_xticks([place for place, _name in shown], [name for _place, name in shown], fontsize=7)


def _tally(axes: t.Any, picture: Picture) -> None:
    """Draw how many guests leave each node and how many come, where there are too many moves for an arrow each."""
    for row, (leave, come) in enumerate(picture.tally):
        axes.barh(row, -leave, color=AMBER, height=0.6)
        axes.barh(row, come, color=BLUE, height=0.6)
    most = max((max(pair) for pair in picture.tally), default=1) or 1
    axes.set_xlim(-most * 1.05, most * 1.05)
    axes.axvline(0.0, color=INK, linewidth=0.8)
    axes.xaxis.set_major_formatter(lambda value, _position: f"{abs(value):.0f}")
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel("guests that leave (left) and that come (right): too many moves for an arrow each", fontsize=7)
