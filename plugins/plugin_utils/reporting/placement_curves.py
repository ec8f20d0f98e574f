# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All nodes of a large cluster at once: their loads in order, before and after, and how many nodes have which load."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import BLUE, INK, plain
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import RESOURCES
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import resource_name
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import PlacementView, ResourceView

BINS = 40
BEFORE = "#C8622B"


class Curves(t.NamedTuple):
    """One resource over the nodes that count: shares in falling order, and how many nodes lie in each of the bins from 0 to `end`."""

    resource: ResourceView
    before: list[float]
    after: list[float]
    bins_before: list[int]
    bins_after: list[int]
    end: float


def curves_of(view: PlacementView) -> list[Curves]:
    """Return the curves of each resource that is drawn."""
    found = []
    for resource in view.resources[:RESOURCES]:
        before, after = (
            sorted(
                (
                    share
                    for node in view.nodes
                    if node.name in side.counted and (share := view.share(side, node, resource.name)) is not None
                ),
                reverse=True,
            )
            for side in (view.before, view.after)
        )  # fmt: skip
        end = max([1.0, *before[:1], *after[:1]])
        found.append(Curves(resource, before, after, _bins(before, end), _bins(after, end), end))
    return found


def _bins(shares: list[float], end: float) -> list[int]:
    counts = [0] * BINS
    for share in shares:
        counts[min(BINS - 1, int(share / end * BINS))] += 1
    return counts


def draw_curves(view: PlacementView, frame: t.Any) -> None:
    """Draw for each resource the loads of all nodes in order, and beside them their distribution.

    :param frame: axes whose place is divided among them.
    """
    found = curves_of(view)
    frame.set_axis_off()
    wide = 1.0 / (2 * len(found))
    for number, one in enumerate(found):
        name = plain(resource_name(one.resource))
        order = frame.inset_axes((2 * number * wide, 0.0, wide - 0.04, 1.0))
        spread = frame.inset_axes(((2 * number + 1) * wide, 0.0, wide - 0.04, 1.0))
        for axes in (order, spread):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(alpha=0.25)
            axes.tick_params(labelsize=7)
        if view.is_answer:
            order.plot(range(1, len(one.before) + 1), one.before, color=BEFORE, linestyle="--", linewidth=1.5, label="before")
        order.plot(range(1, len(one.after) + 1), one.after, color=BLUE, linewidth=1.8, label="after" if view.is_answer else "now")
        order.axhline(1.0, color=INK, linewidth=1.0)
        order.set_ylim(0.0, one.end * 1.03)
        order.yaxis.set_major_formatter(lambda value, _position: f"{value:.0%}")
        order.set_title(f"{name}: all nodes, the fullest first", fontsize=9, loc="left", color=INK)
        order.set_xlabel("nodes in the order of their load", fontsize=7)
        order.set_ylabel("load / usable capacity", fontsize=7)
        edges = [one.end * place / BINS for place in range(BINS + 1)]
        if view.is_answer:
            spread.stairs(one.bins_before, edges, color=BEFORE, linestyle="--", linewidth=1.5)
        spread.stairs(one.bins_after, edges, color=BLUE, fill=True, alpha=0.3)
        spread.stairs(one.bins_after, edges, color=BLUE, linewidth=1.8)
        spread.xaxis.set_major_formatter(lambda value, _position: f"{value:.0%}")
        spread.set_title(f"{name}: how many nodes have which load", fontsize=9, loc="left", color=INK)
        spread.set_xlabel("load / usable capacity", fontsize=7)
        spread.set_ylabel("nodes", fontsize=7)
        order.legend(fontsize=7, frameon=False, loc="upper right")
