# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Placements in words, for figures and pages."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import Panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import (
    BALANCE,
    OBSERVED,
    OPEN,
    NodeView,
    PlacementView,
    ResourceView,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import counted, moment
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

# Sentences of one kind in a figure; the page has them all.
_TOLD = 3
NONE = "–"


def percent(value: float | None) -> str:
    """Return a share with one decimal."""
    return NONE if value is None else f"{100.0 * value:.1f} %"


def title(view: PlacementView) -> str:
    """Return a figure's title: whose, what it takes, and what it brings."""
    name = f"Cluster {view.cluster}{' (synthetic data)' if view.synthetic else ''}"
    if not view.is_answer:
        return f"{name}, as it was observed\n{gains(view)}; {violations(view)}"
    how = f"strategy {view.strategy}" if view.goal == BALANCE else f"goal {view.goal.replace('_', ' ')}"
    return f"{name}, {how}: {effort(view)}\n{gains(view)}; {violations(view)}; {view.verdict.replace('_', ' ')}"


def told_of(view: PlacementView) -> str:
    """Return a placement in one line: what it takes, and what it brings."""
    return "; ".join([*([effort(view)] if view.is_answer else []), gains(view), violations(view)])


def effort(view: PlacementView) -> str:
    """Return what the moves take: `16 moves, 537 GiB in 4 waves`."""
    if not view.moves:
        return "no moves"
    return f"{counted(len(view.moves), 'move')}, {format_bytes(view.size)} in {counted(len(view.waves), 'wave')}"


def gains(view: PlacementView) -> str:
    """Return the spread of each balanced resource before and after; for other goals than balance what is said of them."""
    if view.goal not in (BALANCE, OBSERVED):
        return view.why
    return ", ".join(f"spread of {resource_name(resource)} {_change(view, resource.name)}" for resource in view.balanced)


def _change(view: PlacementView, resource: str) -> str:
    before, after = (percent(side.figures[resource].spread) for side in (view.before, view.after))
    return f"{before} → {after}" if view.is_answer else before


def violations(view: PlacementView) -> str:
    """Return how many limits are broken before and after."""
    before, after = view.before.violations, view.after.violations
    if not before and not after:
        return "no limit broken"
    return f"limits broken {before} → {after}" if view.is_answer else f"{counted(before, 'limit')} broken"


def waves_text(view: PlacementView) -> str:
    """Return what is known of the time of the waves."""
    told = "wave"
    if view.wall_seconds is not None:
        told += f" (all of them: about {format_duration(view.wall_seconds)})"
    starts = [wave.not_before for wave in view.waves if wave.not_before is not None]
    if starts:
        told += f"; the last waits until {moment(max(starts))}"
    return told


def resource_name(resource: ResourceView) -> str:
    """Return what a resource is called in a heading."""
    return "CPU" if resource.name == "cpu" else resource.name


def panel_title(view: PlacementView, panel: Panel) -> str:
    """Return what stands above the bars of one resource."""
    side = "after" if panel.after else "before" if view.is_answer else "now"
    return f"{side}: {resource_name(panel.resource)}"


def node_label(node: NodeView, resource: ResourceView) -> str:
    """Return a node's name, its size, and what it is if it is not open."""
    size = resource.amount(node.capacity[resource.name])
    return f"{node.name}  {size}" if node.state == OPEN else f"{node.name}  {size}, {node.state}"


def others_label(count: int) -> str:
    """Return what stands for the nodes that are not shown."""
    return f"({counted(count, 'other node')})"


def notes(view: PlacementView, *, wide: int) -> list[str]:
    """Return the lines below a figure: what is broken before and after, and what was refused.

    :param wide: how many letters a line has.
    """
    told = [
        *_some("Found", view.found),
        *_some("Broken before" if view.is_answer else "Broken", [one.what for one in view.before.breaches]),
        *_some("Broken after", [one.what for one in view.after.breaches if view.is_answer]),
        *_some("Refused", view.refused),
    ]
    if view.observed_at is not None:
        told.append(f"Observed {moment(view.observed_at)}.")
    if view.basis == "predicted_peak":
        told.append("The load of a guest is its predicted peak.")
    return [line for one in told for line in textwrap.wrap(one, wide, subsequent_indent="    ", max_lines=2, placeholder=" …")]


def _some(what: str, sentences: Sequence[str]) -> list[str]:
    if not sentences:
        return []
    more = f"; and {len(sentences) - _TOLD:,} more" if len(sentences) > _TOLD else ""
    return [f"{what} ({len(sentences):,}): {'; '.join(sentences[:_TOLD])}{more}"]
