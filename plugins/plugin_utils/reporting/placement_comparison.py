# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The PNG figure of several strategies side by side."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import AMBER, BLUE, GREEN, GREY, INK, RED, plain, png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_images import SOFTWARE
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import percent, resource_name
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import PlacementView
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import matplotlib_backend, matplotlib_figure

_WIDE, _LABELS, _ROW, _HEAD, _FOOT = 2.6, 1.4, 0.32, 1.0, 0.5


def comparison_png(views: Sequence[PlacementView], mark: str) -> bytes:
    """Return the figure of several strategies.

    :param mark: what it was drawn of.
    """
    return png(comparison_figure(views), SOFTWARE, mark)


def comparison_figure(views: Sequence[PlacementView]) -> t.Any:
    """Return a figure with a row for each strategy: spread of each balanced resource, violations, moves, bytes and waves.

    :param views: of the same cluster, each of another strategy.
    """
    first = views[0]
    columns: list[tuple[str, str, Callable[[PlacementView], float], Callable[[float], str], float | None]] = [
        (
            f"spread of {resource_name(resource)} after",
            BLUE,
            lambda view, name=resource.name: view.after.figures[name].spread,  # type: ignore[misc]
            percent,
            first.before.figures[resource.name].spread,
        )
        for resource in first.balanced
    ]
    columns += [
        (
            "limits broken after",
            RED,
            lambda view: float(view.after.violations),
            lambda value: f"{value:.0f}",
            float(first.before.violations),
        ),
        ("moves", AMBER, lambda view: float(len(view.moves)), lambda value: f"{value:,.0f}", None),
        ("bytes moved", GREEN, lambda view: view.size, format_bytes, None),
        ("waves", GREY, lambda view: float(len(view.waves)), lambda value: f"{value:,.0f}", None),
    ]
    width, height = _LABELS + _WIDE * len(columns), _HEAD + _ROW * len(views) + _FOOT
    figure = matplotlib_figure.Figure(figsize=(width, height), dpi=110)
    matplotlib_backend.FigureCanvasAgg(figure)
    data = " (synthetic data)" if first.synthetic else ""
    figure.text(
        0.1 / width, 1.0 - 0.12 / height, plain(f"Cluster {first.cluster}{data}: strategies side by side"), fontsize=11, va="top", color=INK
    )
    for number, (title, colour, value, told, before) in enumerate(columns):
        left = _LABELS + _WIDE * number
        axes = figure.add_axes((left / width, _FOOT / height, (_WIDE - 0.25) / width, _ROW * len(views) / height))
        axes.spines[["top", "right", "bottom"]].set_visible(False)
        values = [value(view) for view in views]
        # Room for the number right of the longest bar.
        end = max([*values, before or 0.0]) or 1.0
        axes.barh(range(len(views)), values, color=colour, height=0.68)
        for row, one in enumerate(values):
            axes.text(
                one + 0.02 * end,
                row,
                told(one),
                va="center",
                fontsize=8,
                color=INK,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
        if before:
            axes.axvline(before, color=INK, linestyle="--", linewidth=1.0, zorder=0)
            axes.text(before, len(views) - 0.35, f"now {told(before)}", ha="right", va="top", fontsize=7, color=INK)
        axes.set_xlim(0.0, end * 1.42)
        axes.set_ylim(len(views) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks(range(len(views)), [view.strategy for view in views] if number == 0 else [""] * len(views), fontsize=8)
        axes.tick_params(axis="y", length=0)
        axes.set_title(plain(title), fontsize=9, loc="left", color=INK)
    return figure
