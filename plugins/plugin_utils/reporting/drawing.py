# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all PNG figures have in common: colours, axes, and how they become bytes."""

from __future__ import annotations

import io
import typing as t
from collections.abc import Iterable

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import axis_unit
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import matplotlib_backend, matplotlib_dates, matplotlib_figure

INK, BLUE, RED, AMBER, GREEN, GREY = "#1c2733", "#0b62a8", "#b3261e", "#b86e00", "#1b7f4d", "#7b8896"
DAY = 86400.0
_RATE = "_per_second"


def new_figure(height: float) -> t.Any:
    """Return an empty figure of this height in inches."""
    figure = matplotlib_figure.Figure(figsize=(9, height), dpi=110, layout="constrained")
    matplotlib_backend.FigureCanvasAgg(figure)
    return figure


def tidy(axes: t.Any) -> t.Any:
    """Return axes with a light grid and no frame."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", alpha=0.25)
    axes.set_axisbelow(True)
    return axes


def time_axis(axes: t.Any) -> None:
    """Let the horizontal axis, in days since 1970, tell times."""
    locator = matplotlib_dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(matplotlib_dates.ConciseDateFormatter(locator))
    axes.set_xlabel("time, UTC")


def mark_synthetic(axes: t.Any) -> None:
    """Say across the axes that what they show was generated."""
    axes.text(0.5, 0.5, "synthetic", transform=axes.transAxes, ha="center", va="center", fontsize=34, alpha=0.2)


def origin(recorded: bool, moved: bool) -> str:
    """Return what a figure's title says of data that is not live."""
    if not recorded:
        return ""
    return " (recorded, moved to now)" if moved else " (recorded)"


def shown_unit(unit: str | None, values: Iterable[float | None]) -> tuple[str, float]:
    """Return the unit that an axis is labelled with, and what values are divided by for it.

    :param unit: of the values, as the store has it.
    """
    name = unit or ""
    if name.removesuffix(_RATE) != "bytes":
        return name.replace(_RATE, "/s"), 1.0
    found, divisor = axis_unit(abs(value) for value in values if value is not None)
    return found + ("/s" if name.endswith(_RATE) else ""), divisor


def plain(text: str) -> str:
    """Return text in which a dollar sign begins no formula."""
    return text.replace("$", r"\$")


def png(figure: t.Any, software: str, mark: str = "") -> bytes:
    """Return a figure as PNG.

    :param software: what wrote it, and :param mark: what it was drawn of; both stand right behind the header of the file.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": software, **({"Comment": mark} if mark else {})})
    return buffer.getvalue()
