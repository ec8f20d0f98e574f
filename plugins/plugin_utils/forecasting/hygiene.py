# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a series must not be learned from, what of it counts less, and the sentences that tell so.

What is wrong with a sample by itself was flagged before it was stored (observation, history) and is missing here. This is what
only the whole series shows. Counters that only grow need nothing here: no metric is one, rates are taken of them when they are
observed, and a fall to nothing of an imported one is found as a purge.
"""

from __future__ import annotations

import itertools
import math
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.breaks import LEAST_VALUES, Break, find_breaks
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

# A night is no level shift, nor is a weekend.
_LEAST_SECONDS = 3 * 86400
_UNIT_BASES, _UNIT_POWERS, _UNIT_TOLERANCE = (1000, 1024), 4, 0.03
_LARGE_RATIO, _SHORT_RUN = 100.0, 0.1
_MANY_MISSING, _LONG_GAP, _USUAL_GAP = 0.1, 0.05, 3
_TOLD_BREAKS = 3


class Cleaned(t.NamedTuple):
    """A series made fit to learn from.

    values [T]: the very array that was given where nothing had to be left out; NaN = missing or left out. breaks: positions,
    ascending, of the first value after a purge, a level shift or a change of pace; what lies before counts less (past_weight).
    notes: sentences without full stop.
    """

    values: Floats
    breaks: list[int]
    notes: list[str]


class _Run(t.NamedTuple):
    """Values one after the other in what seems to be one unit: 1000 or 1024 to `power` times that of the first ones."""

    begin: int
    end: int
    power: int


def clean(values: Floats, *, step_seconds: float, metric: str | None, lower: float, upper: float) -> Cleaned:
    """Return one series without what cannot be, with its breaks, and told what was done.

    :param values: [T] float64, oldest first, NaN = missing.
    :param metric: its name tells the unit of the sentences.
    :param lower, upper: bounds of the metric's values; infinite or NaN = none.
    """
    least, greatest = float(np.fmin.reduce(values, initial=np.inf)), float(np.fmax.reduce(values, initial=-np.inf))
    if least > greatest:
        return Cleaned(values, [], [])
    notes: list[str] = []
    kept = values
    if least < lower or greatest > upper or math.isinf(least) or math.isinf(greatest):
        kept = _possible(values, metric, lower, upper, notes)
    kept = _in_one_unit(kept, step_seconds, notes)
    notes += _gaps(values)
    found = find_breaks(kept, least=max(LEAST_VALUES, math.ceil(_LEAST_SECONDS / step_seconds)))
    notes += [_told(item, metric, (len(values) - 1 - item.position) * step_seconds) for item in found[-_TOLD_BREAKS:]]
    return Cleaned(kept, [item.position for item in found], notes)


def past_weight(breaks: Sequence[int], length: int, *, worth: float = LEAST_VALUES) -> Floats:
    """Return the factor of each past step [length] in the weights of past starts, from above 0 to 1, never falling.

    All that lies before a break counts together like `worth` steps, however long it is. So it does not matter while nothing else
    is known, counts for half once as many steps have been seen since, and ever less after that, by 1 / (1 + seen / worth).
    Where a difference between two pasts is as large as their spread, as a break's is, the mean squared error is least when the
    older one counts like a handful of values (two estimates weighted by their errors); tails need as many as a cold start does.

    :param breaks: positions, ascending, as of Cleaned.
    :param worth: at least one season and one horizon, where they are longer than the default: what knows less than these
        cannot serve alone.
    """
    weight = np.ones(length)
    for position in breaks:
        before = float(weight[:position].sum())
        if before > worth:
            weight[:position] *= worth / before
    return weight


def _possible(values: Floats, metric: str | None, lower: float, upper: float, notes: list[str]) -> Floats:
    infinite = np.isinf(values)
    below, above = (values < lower) & ~infinite, (values > upper) & ~infinite
    for wrong, what in (
        (below, f"below {_amount(lower, metric)}"),
        (above, f"above {_amount(upper, metric)}"),
        (infinite, "without an end"),
    ):
        count = int(np.count_nonzero(wrong))
        if count:
            notes.append(f"{_values(count)} {what} {_were(count)} left out")
    return np.where(below | above | infinite, np.nan, values)


def _in_one_unit(values: Floats, step_seconds: float, notes: list[str]) -> Floats:
    """Leave out short runs in another unit between values that agree; tell, and leave in, what is still so at the end."""
    positions = np.flatnonzero(values > 0)
    known = values[positions]
    if len(known) < LEAST_VALUES or known.max() / _LARGE_RATIO < known.min():
        return values
    runs = _runs(known)
    if len(runs) < 2:
        return values
    lengths: dict[int, int] = {}
    for run in runs:
        lengths[run.power] = lengths.get(run.power, 0) + run.end - run.begin
    usual = max(lengths, key=lambda power: lengths[power])
    longest = max(1, int(_SHORT_RUN * len(known)))
    wrong = [
        run
        for before, run, after in zip(runs, runs[1:], runs[2:], strict=False)
        if before.power == after.power == usual and run.end - run.begin <= longest
    ]
    if wrong:
        values = values.copy()
        for power in sorted({run.power for run in wrong}):
            alike = [run for run in wrong if run.power == power]
            for run in alike:
                values[positions[run.begin : run.end]] = np.nan
            count = sum(run.end - run.begin for run in alike)
            size = _times(_ratio(known, alike[0]))
            notes.append(f"{_values(count)} {size} their neighbours {_were(count)} left out, as a mistake of the unit")
    rest = [run for run in runs if run not in wrong]
    changed = [run for before, run in itertools.pairwise(rest) if before.power != run.power]
    if changed:
        steps = len(values) - int(positions[changed[-1].begin])
        which = f"The values of the last {format_duration(steps * step_seconds)} are" if steps > 1 else "The last value is"
        notes.append(f"{which} {_times(_ratio(known, changed[-1]))} those before: perhaps a mistake of the unit, nothing was left out")
    return values


def _runs(known: Floats) -> list[_Run]:
    """Return the runs of a series of positive values that is calm but for jumps by a power of 1000 or 1024; else none."""
    logs = np.log(known)
    changes = np.diff(logs)
    sizes = np.abs(changes)
    jumps = np.flatnonzero(sizes > math.log(_LARGE_RATIO))
    # What ranges over orders of magnitude by itself meets a power of 1000 by chance.
    if not len(jumps) or len(jumps) > max(2.0, _SHORT_RUN * len(known)) or float(np.median(sizes)) > _UNIT_TOLERANCE:
        return []
    powers = [_power(float(changes[jump])) for jump in jumps]
    if not all(powers):
        return []
    edges = [0, *(int(jump) + 1 for jump in jumps), len(known)]
    levels = np.concatenate([[0], np.cumsum(powers)])
    return [_Run(begin, end, int(level)) for begin, end, level in zip(edges, edges[1:], levels, strict=False)]


def _power(change: float) -> int:
    """Return the power of 1000 or 1024 that a logarithmic change is, 0 = none."""
    for power in range(1, _UNIT_POWERS + 1):
        if any(abs(abs(change) - power * math.log(base)) <= _UNIT_TOLERANCE for base in _UNIT_BASES):
            return power if change > 0 else -power
    return 0


def _ratio(known: Floats, run: _Run) -> float:
    return float(known[run.begin] / known[run.begin - 1])


def _times(ratio: float) -> str:
    power = abs(_power(math.log(ratio)))
    base = min(_UNIT_BASES, key=lambda item: abs(abs(math.log(ratio)) - power * math.log(item)))
    size = f"{base}^{power}" if power > 1 else f"{base}"
    return f"{size} times" if ratio > 1 else f"1/{size} of"


def _gaps(values: Floats) -> list[str]:
    """Tell missing steps between the first and the last value where they are many, or many in a row."""
    missing = np.isnan(values)
    if not missing.any():
        return []
    known = np.flatnonzero(~missing)
    span = int(known[-1] - known[0]) + 1
    count = span - len(known)
    longest = int(np.diff(known).max()) - 1 if len(known) > 1 else 0
    if count <= _MANY_MISSING * span and longest <= max(_USUAL_GAP, _LONG_GAP * span):
        return []
    return [f"{count} of {span} steps are missing" + (f", {longest} of them in a row" if longest > 1 else "")]


def _told(item: Break, metric: str | None, seconds: float) -> str:
    ago = f"{format_duration(seconds)} before its end"
    if item.kind == "purge":
        what = f"It fell by {_amount(item.before - item.after, metric)} {ago}{_purge(metric)}"
    elif item.kind == "level":
        direction = "rose" if item.after > item.before else "fell"
        what = f"Its level {direction} from {_amount(item.before, metric)} to {_amount(item.after, metric)} {ago}"
    else:
        name = "Its pace" if item.kind == "pace" else "The size of its changes"
        what = f"{name} went from {_amount(item.before, metric)} to {_amount(item.after, metric)} a step {ago}"
    return f"{what}: what lies before counts less"


def _purge(metric: str | None) -> str:
    if metric is not None and metric.endswith("_fraction"):
        return ", by a purge or because the whole was extended"
    return ", a purge" if metric is None or "used" in metric else ", as it did never else"


def _amount(value: float, metric: str | None) -> str:
    if metric is not None and metric.endswith("_bytes_per_second"):
        return f"{format_bytes(value)}/s"
    return format_bytes(value) if metric is not None and metric.endswith("_bytes") else f"{value:.4g}"


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count} values"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
