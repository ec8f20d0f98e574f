# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PNG figures of a report: one per volume, and one of the volume groups."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import (
    AMBER,
    BLUE,
    DAY,
    GREEN,
    INK,
    RED,
    mark_synthetic,
    new_figure,
    origin,
    plain,
    png,
    tidy,
    time_axis,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.groups import GroupView, Part
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import axis_unit
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import Points, VolumeView, runway_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

# Written into every figure, so that a later report knows its own files from others.
SOFTWARE = "foresight.capacity report"
GROUPS_DRAWN = 30
_VOLUMES, _FREE, _EDGE = ("#5d6b7a", "#7b8896"), "#eef2f5", "#9aa7b4"
# Narrower parts of a bar carry no name, as shares of the bar: per letter, and at least.
_LETTER, _LEAST = 0.012, 0.03


def volume_png(volume: VolumeView, now: int) -> bytes:
    """Return the figure of one volume: use, size of the file system now and after the plan, forecast band, earliest time of being full.

    :raises ValueError: if it has no history to draw.
    """
    history = volume.history
    if history is None:
        raise ValueError(f"{volume.entity} has no history to draw")
    unit, divisor = axis_unit([*history.used, *history.limit, *volume.forecast.get("0.9", []), volume.holds_after])
    figure, axes = _figure(4.4)
    grid = (history.start + history.step * np.arange(len(history.used))) / DAY
    end = grid[-1]
    axes.plot(grid, _scaled(history.used, divisor), color=INK, label="used")
    axes.step(grid, _scaled(history.limit, divisor), where="post", color=RED, linewidth=1.2, label="full (size of the file system)")
    if volume.issued_at is not None and "0.5" in volume.forecast:
        ahead = (volume.issued_at + volume.forecast_step * (1 + np.arange(len(volume.forecast["0.5"])))) / DAY
        low, middle, high = (_scaled(volume.forecast.get(key, volume.forecast["0.5"]), divisor) for key in ("0.1", "0.5", "0.9"))
        axes.fill_between(ahead, low, high, color=BLUE, alpha=0.22, linewidth=0, label="8 of 10 cases (10 % to 90 %)")
        axes.plot(ahead, middle, color=BLUE, linestyle=":", label="forecast (median)")
        end = max(end, ahead[-1])
    if volume.holds:
        axes.plot([grid[-1], end], [volume.holds / divisor] * 2, color=RED, linewidth=1.2, linestyle="--")
    if volume.holds_after:
        axes.plot([grid[-1], end], [volume.holds_after / divisor] * 2, color=GREEN, linewidth=1.6, label=volume.verdict)
    if volume.earliest is not None:
        axes.axvline(volume.earliest / DAY, color=AMBER, linestyle="--", linewidth=1.2, label="full at the earliest")
    if volume.likely is not None:
        axes.axvline(volume.likely / DAY, color=AMBER, linestyle=":", linewidth=1.2, label="likely full")
    if volume.synthetic:
        mark_synthetic(axes)
    axes.set_title(
        f"{plain(volume.name)} – {runway_text(volume, now)}{origin_text(volume)}",
        fontsize=10,
        loc="left",
    )
    axes.set_ylabel(unit)
    axes.set_ylim(bottom=0)
    time_axis(axes)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=3)
    return png(figure, SOFTWARE)


def origin_text(volume: VolumeView) -> str:
    """Return what a figure's title says of data that is not live."""
    return origin(volume.recorded, volume.moved)


def groups_png(groups: Sequence[GroupView]) -> bytes:
    """Return bars of the first volume groups, each as shares of its size, before and after the plan where it changes."""
    rows: list[tuple[str, list[Part], int, int]] = []
    for group in groups[:GROUPS_DRAWN]:
        before = [part._replace(growth=0, freed=0) for part in group.parts]
        label = f"{group.name}, {format_bytes(group.size)}" + (f" ({', '.join(group.marks)})" if group.marks else "")
        rows.append((label, before, group.free, group.size))
        if group.growth or group.freed:
            rows.append(("after the plan", group.parts, group.free_after, group.size))
    figure, axes = _figure(1.5 + 0.34 * len(rows))
    for place, (_label, parts, free, size) in enumerate(reversed(rows)):
        left = 0.0
        for number, part in enumerate(parts):
            left = _bar(
                axes, place, left, (part.size - part.freed) / size, _EDGE if part.name == "other" else _VOLUMES[number % 2], part.name
            )
            if part.growth:
                left = _bar(axes, place, left, part.growth / size, BLUE, f"+{format_bytes(part.growth)}")
        _bar(axes, place, left, free / size, _FREE, f"{format_bytes(free)} free", ink=INK)
    axes.set_yticks(range(len(rows)), [plain(label) for label, _parts, _free, _size in reversed(rows)], fontsize=8)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:.0%}")
    left_out = f"; {len(groups) - GROUPS_DRAWN} more are not shown" if len(groups) > GROUPS_DRAWN else ""
    axes.set_xlabel(f"share of the volume group. Grey: volumes, blue: what the plan adds, light: free{left_out}", fontsize=8)
    return png(figure, SOFTWARE)


def _bar(axes: t.Any, place: int, left: float, width: float, colour: str, name: str, ink: str = "white") -> float:
    """Draw one part of a bar and return where the next begins."""
    axes.barh(place, width, left=left, color=colour, edgecolor=_EDGE if ink != "white" else "white", linewidth=0.8, height=0.78)
    if width >= max(_LEAST, _LETTER * len(name)):
        axes.text(left + width / 2, place, plain(name), ha="center", va="center", fontsize=7, color=ink)
    return left + width


def _figure(height: float) -> tuple[t.Any, t.Any]:
    figure = new_figure(height)
    return figure, tidy(figure.add_subplot())


def _scaled(values: Points, divisor: float) -> t.Any:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64) / divisor
