# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PNG figure of a placement: bars of the nodes before, the moves in their waves, and the bars after, on the same rows."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import AMBER, GREY, INK, RED, plain, png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_arrows import KINDS, MARKERS, draw_moves
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_curves import draw_curves
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import (
    COLOURS,
    LIGHT,
    OVERHEAD,
    STAYS,
    Bar,
    Panel,
    Picture,
    Piece,
    picture_of,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import (
    node_label,
    notes,
    others_label,
    panel_title,
    title,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import FREED, OPEN, PlacementView
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import (
    matplotlib_backend,
    matplotlib_collections,
    matplotlib_figure,
    matplotlib_lines,
    matplotlib_patches,
)

SOFTWARE = "foresight.capacity simulate"
# Inches.
# A panel beside moves, and one without them.
_PANEL, _ALONE, _MOVES, _HEAD, _FOOT = 3.1, 5.2, 4.6, 1.0, 1.25
# A letter of a node's label, and one of the figures right of a bar.
_NAME, _FIGURE = 0.068, 0.066
_TALL, _LOW, _ROWS_HEIGHT = 0.5, 0.2, 2.2
_CURVES = 2.9
_LETTER = 0.062
_DPI = 110
_HEIGHT = 0.76
_CLOSED, _CLOSED_EDGE = "#fff4dd", "#e3b666"


def placement_png(view: PlacementView, mark: str = "", *, bars: int, software: str = SOFTWARE) -> bytes:
    """Return the figure of a placement.

    :param mark: what it was drawn of; :param software: what wrote it.
    :param bars: see `placement_figure`.
    """
    return png(placement_figure(view, bars=bars), software, mark)


def placement_figure(view: PlacementView, *, bars: int) -> t.Any:
    """Return the figure before it is a picture.

    :param bars: up to how many nodes each has a bar; of more, curves tell of all, and bars of those that change most.
    """
    picture = picture_of(view, bars=bars)
    panels = len(picture.before)
    rows = picture.lines
    high = min(_TALL, max(_LOW, _ROWS_HEIGHT / max(rows, 1)))
    names = [node_label(node, picture.before[0].resource) for node in picture.rows] + [others_label(picture.others)] * (picture.others > 0)
    labels = max(0.8, 0.3 + _NAME * max(len(name) for name in names))
    wide = _PANEL if view.is_answer else _ALONE
    parts = [labels + wide, *[wide] * (panels - 1), *([_MOVES, *[wide] * panels] if view.is_answer else [])]
    told = notes(view, wide=int(sum(parts) / _LETTER))
    curves = _CURVES if picture.others else 0.0
    foot = _FOOT + 0.16 * len(told)
    height = _HEAD + curves + 0.55 * bool(curves) + high * rows + foot
    figure = matplotlib_figure.Figure(figsize=(sum(parts), height), dpi=_DPI)
    matplotlib_backend.FigureCanvasAgg(figure)
    grid = _Grid(figure, sum(parts), height)
    figure.text(0.12 / sum(parts), 1.0 - 0.14 / height, plain(title(view)), fontsize=11, va="top", color=INK, linespacing=1.5)
    if curves:
        draw_curves(view, grid.spot(0.75, height - _HEAD - curves + 0.45, sum(parts) - 1.0, curves - 0.55))
    bottom = foot
    inch = (wide - 0.15 - _figures_width(picture)) / (picture.widest + 0.02)
    left = labels
    for panel in picture.before:
        names_here = names if panel is picture.before[0] else ()
        _bars(grid.spot(left, bottom, wide - 0.15, high * rows), panel, picture, view, names=names_here, inch=inch, high=high)
        left += wide
    if view.is_answer:
        draw_moves(grid.spot(left + 0.1, bottom, _MOVES - 0.35, high * rows), picture, view, _MOVES - 0.35)
        left += _MOVES
    for panel in picture.after:
        _bars(grid.spot(left, bottom, wide - 0.15, high * rows), panel, picture, view, names=(), inch=inch, high=high)
        left += wide
    _key(figure, picture, view, foot / height, told, height)
    return figure


class _Grid:
    """Places axes by inches from the lower left corner."""

    def __init__(self, figure: t.Any, width: float, height: float) -> None:
        self._figure, self._width, self._height = figure, width, height

    def spot(self, left: float, bottom: float, width: float, height: float) -> t.Any:
        axes = self._figure.add_axes((left / self._width, bottom / self._height, width / self._width, height / self._height))
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_axisbelow(True)
        return axes


def _bars(axes: t.Any, panel: Panel, picture: Picture, view: PlacementView, *, names: Sequence[str], inch: float, high: float) -> None:
    """Draw one panel.

    :param names: of the rows; none where another panel tells them.
    :param inch: how wide the whole usable capacity is drawn; high: how high a row is.
    """
    rows, widest = picture.lines, picture.widest
    boxes: dict[_Style, list[list[tuple[float, float]]]] = {}
    for number, (node, stack) in enumerate(zip(picture.rows, panel.bars, strict=True)):
        if node.state not in (OPEN, FREED):
            axes.axhspan(number - 0.5, number + 0.5, facecolor=_CLOSED, edgecolor=_CLOSED_EDGE, hatch="///", linewidth=0.0, zorder=0)
        if stack.reserve > 0:
            boxes.setdefault(_RESERVE, []).append(_box(number, 1.0, stack.reserve))
        for piece in stack.pieces:
            boxes.setdefault(_style(piece, inch), []).append(_box(number, piece.start, piece.width))
            _piece_label(axes, number, piece, inch)
        _row_figure(axes, number, stack, widest)
    for style, places in boxes.items():
        axes.add_collection(
            matplotlib_collections.PolyCollection(
                places, facecolors=style.face, edgecolors=style.edge, hatch=style.hatch, linewidths=style.line, zorder=style.order
            )
        )
    axes.axvline(1.0, color=INK, linewidth=1.2, zorder=4)
    axes.set_xlim(0.0, widest + 0.02 + _figures_width(picture) / inch)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100 %"], fontsize=7)
    axes.grid(axis="x", alpha=0.25)
    axes.set_yticks(range(len(names)), [plain(name) for name in names], fontsize=7 if high < 0.3 else 8)
    axes.tick_params(axis="y", length=0)
    for label, node in zip(axes.get_yticklabels(), picture.rows, strict=False):
        label.set_color(INK if node.state in (OPEN, FREED) else AMBER)
    axes.set_title(plain(panel_title(view, panel)), fontsize=9, loc="left", color=INK)
    axes.set_xlabel("load / usable capacity", fontsize=7)


class _Style(t.NamedTuple):
    face: str
    edge: str
    hatch: str | None
    line: float
    order: int


_RESERVE = _Style("white", GREY, "\\\\\\\\", 0.4, 2)
_OWN = _Style("#5d6b7a", "none", None, 0.0, 2)


def _style(piece: Piece, inch: float) -> _Style:
    if piece.guest == OVERHEAD:
        return _OWN
    face = (COLOURS if piece.moves else STAYS)[piece.tone]
    if piece.broken:
        return _Style(face, RED, "xx" if piece.width * inch > 0.15 else None, 1.0, 3)
    # An edge would hide what is hardly wider than it.
    return _Style(face, "white", None, 0.4, 2) if piece.width * inch > 0.03 else _Style(face, "none", None, 0.0, 2)


def _box(row: int, start: float, width: float) -> list[tuple[float, float]]:
    low, top, end = row - _HEIGHT / 2, row + _HEIGHT / 2, start + width
    return [(start, low), (end, low), (end, top), (start, top)]


def _piece_label(axes: t.Any, row: int, piece: Piece, inch: float) -> None:
    if piece.guest == OVERHEAD or piece.broken or piece.width * inch < _LETTER * (len(piece.guest) + 1):
        return
    ink = "white" if piece.moves and piece.tone not in LIGHT else INK
    axes.text(piece.start + piece.width / 2, row, plain(piece.guest), ha="center", va="center", fontsize=6, color=ink, zorder=5)


def _row_figure(axes: t.Any, row: int, stack: Bar, widest: float) -> None:
    bad = _over(stack) or stack.breaches > 0
    weight = "bold" if bad else "normal"
    axes.text(widest + 0.02, row, _figure_text(stack), va="center", fontsize=7, color=RED if bad else INK, fontweight=weight)


def _figure_text(stack: Bar) -> str:
    told = "–" if stack.share is None else f"{100 * stack.share:.0f} %{' over' if _over(stack) else ''}"
    return told + (f"  ✖ {stack.breaches}" if stack.breaches else "")


def _over(stack: Bar) -> bool:
    return stack.share is not None and stack.share > 1.0 + 1e-9


def _figures_width(picture: Picture) -> float:
    """Return how many inches the figures right of the bars take."""
    return 0.1 + _FIGURE * max(len(_figure_text(stack)) for panel in (*picture.before, *picture.after) for stack in panel.bars)


def _key(figure: t.Any, picture: Picture, view: PlacementView, top: float, told: Sequence[str], height: float) -> None:
    patch, line = matplotlib_patches.Patch, matplotlib_lines.Line2D
    handles: list[t.Any] = [patch(facecolor=STAYS[0], edgecolor="white", label="guests that stay" if view.is_answer else "guests")]
    if view.moves:
        handles += [patch(facecolor=COLOURS[1], edgecolor="white", label="guests that move, each in its colour on both sides")]
    handles += [line([], [], color=INK, linewidth=1.2, label="usable capacity")]
    if any(value > 0 for node in picture.rows for value in node.reserve.values()):
        handles += [patch(facecolor=_RESERVE.face, edgecolor=_RESERVE.edge, hatch=_RESERVE.hatch, label="reserve")]
    if any(value > 0 for node in picture.rows for value in node.overhead.values()):
        handles += [patch(facecolor=_OWN.face, edgecolor="white", label="overhead of the node")]
    if any(node.state not in (OPEN, FREED) for node in picture.rows):
        handles += [patch(facecolor=_CLOSED, edgecolor=_CLOSED_EDGE, hatch="///", label="closed: maintenance, offline, to be emptied")]
    if view.before.breaches or view.after.breaches:
        handles += [patch(facecolor="white", edgecolor=RED, hatch="xx", label="✖ breaks a rule")]
    kinds = {MARKERS.get(arrow.move.kind, "o") for arrow in picture.arrows}
    handles += [
        line([], [], color=INK, marker=mark, linestyle="", markersize=4, label=name) for mark, name in KINDS.items() if mark in kinds
    ]
    if handles:
        figure.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, top - 0.5 / height), fontsize=8, frameon=False, ncols=5)
    figure.text(
        0.12 / figure.get_figwidth(),
        0.1 / height,
        "\n".join(plain(one) for one in told),
        fontsize=7,
        va="bottom",
        color=INK,
        linespacing=1.4,
    )
