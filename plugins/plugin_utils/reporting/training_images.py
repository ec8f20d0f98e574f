# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The figure of one trained network: actual and predicted over its training, validation and test parts, and its training curve."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import (
    AMBER,
    BLUE,
    DAY,
    GREEN,
    GREY,
    INK,
    mark_synthetic,
    new_figure,
    plain,
    png,
    shown_unit,
    tidy,
    time_axis,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import moment
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SOFTWARE = "foresight.capacity train"
PARTS = {1: "training", 2: "validation", 3: "test"}
_COLOURS = {"training": GREY, "validation": AMBER, "test": GREEN}


@dataclasses.dataclass(frozen=True)
class TrainingView:
    """One trained network as its figure shows it.

    :ivar times: days since 1970, as axes have them; actual, predicted: in `unit`, NaN = none.
    :ivar parts: name, begin and end (days) of each part that there is, in their order.
    :ivar training, validation: loss by epoch; kept: the epoch whose network was kept, None = no correction was worth it.
    """

    title: str
    told: str
    unit: str
    times: Floats
    actual: Floats
    predicted: Floats
    parts: list[tuple[str, float, float]]
    training: list[float]
    validation: list[float]
    kept: int | None
    synthetic: bool
    mark: str


def training_view(
    meta: Mapping[str, t.Any], *, start: int, actual: Floats, predicted: Floats, part: t.Any, synthetic: bool, origin: str = "", mark: str
) -> TrainingView:
    """Return what the figure of a stored network shows.

    :param meta: of the network, as the store has it.
    :param start: UTC seconds of the first value; :param actual, predicted, part: [T] each, see `lstm.Trained`.
    :param origin: what the title says of data that is not live; :param mark: what the figure is drawn of.
    """
    step, metrics, curve = int(meta["step_seconds"]), meta["metrics"], meta["curve"]
    unit, divisor = shown_unit(meta.get("unit"), [float(np.nanmax(np.abs(actual), initial=0.0))])
    times = (start + step * np.arange(len(actual))) / DAY
    half = step / DAY / 2
    found = []
    for number, name in PARTS.items():
        inside = np.flatnonzero(part == number)
        if len(inside):
            found.append((name, float(times[inside[0]] - half), float(times[inside[-1]] + half)))
    kept = None if metrics["kept"] < 0 else int(metrics["kept"])
    return TrainingView(
        title=f"{meta['entity']}, {meta['metric']}: one step ({format_duration(step)}) ahead, trained {moment(meta['trained_at'])}{origin}",
        told=_told(metrics, unit, divisor),
        unit=unit,
        times=times,
        actual=actual / divisor,
        predicted=predicted / divisor,
        parts=found,
        training=_numbers(curve["training"]),
        validation=_numbers(curve["validation"]),
        kept=kept,
        synthetic=synthetic,
        mark=mark,
    )


def training_png(view: TrainingView) -> bytes:
    """Return the figure: above actual and predicted, below how far apart they are, at the right the training curve."""
    figure = new_figure(5.2)
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 1), height_ratios=(2, 1))
    above = tidy(figure.add_subplot(grid[0, 0]))
    below = tidy(figure.add_subplot(grid[1, 0], sharex=above))
    curve = tidy(figure.add_subplot(grid[:, 1]))
    for axes in (above, below):
        for name, begin, end in view.parts:
            axes.axvspan(begin, end, color=_COLOURS[name], alpha=0.12, linewidth=0, label=f"{name} part" if axes is above else None)
    above.plot(view.times, view.actual, color=INK, linewidth=1.4, label="actual")
    above.plot(view.times, view.predicted, color=BLUE, linestyle="--", linewidth=1.2, label="predicted one step before")
    below.plot(view.times, view.actual - view.predicted, color=BLUE, linewidth=0.9)
    below.axhline(0.0, color=INK, linewidth=0.8)
    above.set_ylabel(view.unit)
    below.set_ylabel(f"actual − predicted, {view.unit}", fontsize=8)
    above.tick_params(labelbottom=False)
    time_axis(below)
    epochs = range(1, len(view.training) + 1)
    curve.plot(epochs, view.training, color=_COLOURS["training"], label="training loss")
    curve.plot(epochs, view.validation, color=_COLOURS["validation"], label="validation loss")
    if view.kept is not None:
        curve.axvline(view.kept + 1, color=GREEN, linestyle=":", linewidth=1.4, label="kept")
    curve.set_xlabel("epoch")
    curve.set_title("training curve" if view.kept is not None else "no correction was worth keeping", fontsize=8, loc="left")
    if view.synthetic:
        mark_synthetic(above)
    figure.suptitle(f"{plain(view.title)}\n{plain(view.told)}", fontsize=9, x=0.01, ha="left")
    figure.legend(loc="outside lower center", fontsize=8, frameon=False, ncols=4)
    return png(figure, SOFTWARE, view.mark)


def _told(metrics: Mapping[str, t.Any], unit: str, divisor: float) -> str:
    error, last = metrics["error"], metrics["last_error"]
    if error is None or last is None:
        return "no test part: too few values"
    ratio = f", {error / last:.2f} of it" if last > 0 else ""
    return f"mean error in the test part {error / divisor:.3g} {unit}, of repeating the last value {last / divisor:.3g} {unit}{ratio}"


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]
