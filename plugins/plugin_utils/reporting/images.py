# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PNG figures of a report: one per volume, and one of all volume groups."""

from __future__ import annotations

import io
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import GroupView, VolumeView, runway_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import (
    matplotlib_backend,
    matplotlib_dates,
    matplotlib_figure,
    np,
)

GIB = 2.0**30
_DAY = 86400.0


def volume_png(volume: VolumeView) -> bytes:
    """Return the figure of one volume with a history: use, file system size, forecast band and the early date of being full."""
    figure, axes = _figure(4.2)
    history = volume.history
    if history is None:
        raise ValueError(f"{volume.entity} has no history to draw")
    grid = (history.start + history.step * np.arange(len(history.used))) / _DAY
    axes.plot(grid, _gib(history.used), color="#1c2733", label="used")
    axes.step(grid, _gib(history.limit), where="post", color="#b3261e", linewidth=1.2, label="file system")
    if volume.issued_at is not None and "0.5" in volume.forecast:
        ahead = (volume.issued_at + volume.forecast_step * (1 + np.arange(len(volume.forecast["0.5"])))) / _DAY
        low, middle, high = (_gib(volume.forecast.get(key, volume.forecast["0.5"])) for key in ("0.1", "0.5", "0.9"))
        axes.fill_between(ahead, low, high, color="#0b62a8", alpha=0.22, linewidth=0, label="10 to 90 %")
        axes.plot(ahead, middle, color="#0b62a8", linestyle=":", label="forecast (median)")
        if volume.fs_size:
            axes.plot([grid[-1], ahead[-1]], [volume.fs_size / GIB] * 2, color="#b3261e", linewidth=1.2, linestyle="--")
        early = volume.runway.get("0.1")
        if early is not None:
            axes.axvline((volume.issued_at + early) / _DAY, color="#b86e00", linestyle="--", linewidth=1.2, label="full as early as")
    marks = [word for word, holds in (("recorded", volume.recorded), ("synthetic", volume.synthetic)) if holds]
    axes.set_title(f"{volume.name} – {runway_text(volume)}{' (' + ', '.join(marks) + ')' if marks else ''}", fontsize=10, loc="left")
    axes.set_ylabel("GiB")
    axes.set_ylim(bottom=0)
    locator = matplotlib_dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(matplotlib_dates.ConciseDateFormatter(locator))
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    return _png(figure)


def groups_png(groups: t.Sequence[GroupView]) -> bytes:
    """Return stacked bars of every volume group, before and after the plan where it changes."""
    rows: list[tuple[str, list[tuple[str, int]], int]] = []
    for group in groups:
        rows.append((f"{group.name} before" if group.changed else group.name, group.before, group.free_before))
        if group.changed:
            rows.append((f"{group.name} after", group.after, group.free_after))
    figure, axes = _figure(1.2 + 0.45 * len(rows))
    names = list(dict.fromkeys(name for _label, parts, _free in rows for name, _size in parts))
    for place, (_label, parts, free) in enumerate(reversed(rows)):
        left = 0.0
        for name, size in parts:
            colour = "#9aa7b4" if name == "other" else f"C{names.index(name) % 10}"
            axes.barh(place, size / GIB, left=left, color=colour, edgecolor="white")
            if size * 12 > sum(value for _name, value in parts) + free:
                axes.text(left + size / GIB / 2, place, name, ha="center", va="center", fontsize=8, color="white")
            left += size / GIB
        axes.barh(place, free / GIB, left=left, color="#eef2f5", edgecolor="#9aa7b4")
    axes.set_yticks(range(len(rows)), [label for label, _parts, _free in reversed(rows)])
    axes.set_xlabel("GiB (light: free)")
    return _png(figure)


def _figure(height: float) -> tuple[t.Any, t.Any]:
    figure = matplotlib_figure.Figure(figsize=(9, height), dpi=110, layout="constrained")
    matplotlib_backend.FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", alpha=0.25)
    axes.set_axisbelow(True)
    return figure, axes


def _gib(values: t.Sequence[float | None]) -> t.Any:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64) / GIB


def _png(figure: t.Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
