# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figure of one forecast, of whatever metric: history, quantile band, limit, and the dates at which it is reached."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import (
    AMBER,
    BLUE,
    DAY,
    INK,
    RED,
    mark_synthetic,
    new_figure,
    plain,
    png,
    shown_unit,
    tidy,
    time_axis,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import moment
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.training_images import SOFTWARE
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STYLES = ("--", ":", "-.")


@dataclasses.dataclass(frozen=True)
class ForecastView:
    """One forecast as its figure shows it.

    :ivar times, ahead: days since 1970; history, low, middle, high: in `unit`, NaN = none; band: the probabilities of low and high.
    :ivar limit: in `unit`, None = none; dates: what each is called and when (days), only those within the horizon.
    """

    title: str
    unit: str
    times: Floats
    history: Floats
    ahead: Floats
    low: Floats
    middle: Floats
    high: Floats
    band: tuple[str, str]
    limit: float | None
    dates: list[tuple[str, float]]
    synthetic: bool
    mark: str


def forecast_view(
    document: Mapping[str, t.Any], *, start: int, step: int, history: Floats, synthetic: bool, origin: str = "", mark: str
) -> ForecastView:
    """Return what the figure of a forecast document (DESIGN §4) with quantiles shows.

    :param start: UTC seconds of the first value of the history [T], and :param step: seconds between its values.
    :param origin: what the title says of data that is not live; :param mark: what the figure is drawn of.
    """
    quantiles = {level: np.array(values, dtype=np.float64) for level, values in document["quantiles"].items()}
    levels = sorted(quantiles, key=float)
    middle = min(levels, key=lambda level: abs(float(level) - 0.5))
    runway = document.get("runway") or {}
    limit = runway.get("limit")
    reached = quantiles[levels[-1]].tolist()
    unit, divisor = shown_unit(document.get("unit"), [*reached, float(np.nanmax(history, initial=0.0))])
    issued = int(document["issued_at"])
    seconds = runway.get("seconds") or {}
    return ForecastView(
        title=f"{document['entity']}, {document['metric']}: {format_duration(document['horizon'])} from {moment(issued)}, {document['method']}{origin}",
        unit=unit,
        times=(start + step * np.arange(len(history))) / DAY,
        history=history / divisor,
        ahead=(issued + int(document["step_seconds"]) * (1 + np.arange(len(reached)))) / DAY,
        low=quantiles[levels[0]] / divisor,
        middle=quantiles[middle] / divisor,
        high=quantiles[levels[-1]] / divisor,
        band=(levels[0], levels[-1]),
        limit=None if limit is None else limit / divisor,
        dates=[
            (f"limit reached, probability {level}: {moment(issued + seconds[level])}", (issued + seconds[level]) / DAY)
            for level in sorted(seconds, key=float)
            if seconds[level] is not None
        ],
        synthetic=synthetic,
        mark=mark,
    )


def forecast_png(view: ForecastView) -> bytes:
    """Return the figure."""
    figure = new_figure(4.4)
    axes = tidy(figure.add_subplot())
    axes.plot(view.times, view.history, color=INK, label="history")
    axes.fill_between(view.ahead, view.low, view.high, color=BLUE, alpha=0.22, linewidth=0, label=f"{view.band[0]} to {view.band[1]}")
    axes.plot(view.ahead, view.middle, color=BLUE, linestyle=":", label="forecast (median)")
    if view.limit is not None:
        axes.axhline(view.limit, color=RED, linewidth=1.2, label="limit")
    for place, (name, when) in enumerate(view.dates):
        axes.axvline(when, color=AMBER, linestyle=_STYLES[place % len(_STYLES)], linewidth=1.2, label=name)
    if view.synthetic:
        mark_synthetic(axes)
    axes.set_title(plain(view.title), fontsize=9, loc="left")
    axes.set_ylabel(view.unit)
    time_axis(axes)
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=2)
    return png(figure, SOFTWARE, view.mark)
