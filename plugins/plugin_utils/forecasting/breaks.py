# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Breaks of a series: purges, level shifts and changes of pace, after which its past says less about its future.

A jump alone is no break. What a series has done more than once (the saw-tooth of log rotation, bursts, a job that runs every
night) is what it does, and a jump of a volume that otherwise rests is the only thing known about its future: the tail that
fills disks. So each kind asks for two things: something beyond what the series does otherwise, and a difference that stays.

- Purge: a fall over at most three steps, several times as large as any other change, of a series that otherwise grows. Steps
  with a Pareto tail of index a have a largest one r times the second with probability r ** -a (spacings of order statistics,
  Rényi 1953), so the size alone would be met by heavy tails now and then; the growth of the rest is what they lack.
- Level shift: the change point of Pettitt's rank test (Applied Statistics 28, 1979) where nearly all values after it lie on one
  side of nearly all before it, the way between the two is one jump, and both sides stay at their level (the statistic of
  Kwiatkowski, Phillips, Schmidt and Shin, Journal of Econometrics 54, 1992), which no random walk does.
- Change of pace: Pettitt's test on the changes, and on their sizes, with their serial correlation taken into account. Ranks do
  not care how heavy the tails are.
"""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats, Ints

# Fewer values than a cold start needs say nothing about how a series behaves.
LEAST_VALUES = 14

_FALL_STEPS, _FALL_RATIO, _GROWTH_SIGNIFICANCE, _STAYS = 3, 4.0, 2.5, 3
_APART, _WRONG_SIDE, _BY_ONE_JUMP, _RESTING = 0.8, 0.1, 0.7, 0.5
# The statistic of a level is about 1/6 whatever its length, that of a random walk about a tenth of its length.
_STATIONARY, _STATIONARY_PER_VALUE = 1.0, 1 / 60
_PACE_APART, _LOG_P = 0.5, math.log(1e-6)
# What comes and goes by itself is how much a series moves, more than where it goes.
_RATIO = {"pace": 1.5, "activity": 3.0}
_MAX_BREAKS = 8


class Break(t.NamedTuple):
    """One break: the position of the first value after it, and what was there before and after.

    kind `purge`: before, after = the values around the fall; `level`: the levels; `pace`: the mean change per step;
    `activity`: the mean size of a change per step.
    """

    position: int
    kind: str
    before: float
    after: float


def find_breaks(values: Floats, *, least: int = LEAST_VALUES) -> list[Break]:
    """Return the breaks of one series, ascending.

    :param values: [T], NaN = missing.
    :param least: values that a level or a pace must have been there before and after a shift; at least LEAST_VALUES. It should
        cover the season, for half a season is no level.
    """
    least = max(least, LEAST_VALUES)
    positions = np.flatnonzero(~np.isnan(values))
    known = values[positions]
    if len(known) < 2 * LEAST_VALUES:
        return []
    exponent = int(np.frexp(max(float(known.max()), -float(known.min())))[1])
    known = np.ldexp(known, -exponent)
    changes = _changes(known, positions)
    if not changes.any():
        return []
    found = [Break(fall, "purge", *_around(known, fall)) for fall in _purges(known, changes)]
    if len(known) >= 2 * least:
        found = _merged(found, _levels(known, changes, 0, len(known), least), _FALL_STEPS)
        found = _merged(found, _paces(changes, [item.position for item in found], least), least)
    found = sorted(found)[-_MAX_BREAKS:]
    return [
        Break(int(positions[item.position]), item.kind, float(np.ldexp(item.before, exponent)), float(np.ldexp(item.after, exponent)))
        for item in found
    ]


def _changes(known: Floats, positions: Ints) -> Floats:
    """Return the change to each next known value, what happened over a gap brought to the size of one step.

    Over g steps a pace adds up g-fold, and what is random √g-fold.
    """
    changes = np.diff(known)
    steps = np.diff(positions)
    if int(steps.max()) == 1:
        return changes
    pace = _middle(changes / steps)
    return pace + (changes - pace * steps) / np.sqrt(steps)


def _purges(known: Floats, changes: Floats) -> list[int]:
    """Return the indices of the first value after each fall that stands alone."""
    together = changes[:-2] + changes[1:-1] + changes[2:]
    sizes = np.abs(together)
    found: list[int] = []
    others = np.ones(len(changes), dtype=bool)
    while len(found) < _MAX_BREAKS:
        first = int(np.argmax(sizes))
        fall = float(sizes[first])
        low, high = max(0, first - _FALL_STEPS + 1), first + _FALL_STEPS
        sizes[low:high] = 0.0
        if fall <= 0 or together[first] >= 0 or fall < _FALL_RATIO * sizes.max():
            break
        steps = changes[first : first + _FALL_STEPS]
        end = first + int(np.flatnonzero(steps < -0.1 * fall)[-1]) + 1
        others[low:high] = False
        if known[end : end + _STAYS].max() > known[first] - 0.5 * fall or end + _STAYS > len(known):
            break
        found.append(end)
    return found if found and _grows(changes[others]) else []


def _grows(changes: Floats) -> bool:
    """Return whether changes are more than by chance upwards, whatever the largest of them are."""
    sizes = np.sort(np.abs(changes))
    cap = sizes[int(0.95 * len(sizes))] or sizes[-1]
    capped = np.clip(changes, -cap, cap)
    power = float((capped * capped).sum())
    return power > 0 and float(capped.sum()) > _GROWTH_SIGNIFICANCE * math.sqrt(power)


def _levels(known: Floats, changes: Floats, begin: int, end: int, least: int) -> list[Break]:
    """Return the level shifts within a part: the clearest one first, then those on both sides of it."""
    size = end - begin
    if size < 2 * least or np.count_nonzero(changes[begin : end - 1] == 0) > _RESTING * size:
        return []
    part = known[begin:end]
    split, score, _signs = _change_point(part, least)
    if abs(score) < _APART * split * (size - split):
        return []
    # The most significant split is not always the sharpest one.
    sides = np.where(part > _between(part[:split], part[split:], rising=score < 0), 1, -1)
    sums = np.abs(np.cumsum(sides) * 2 - sides.sum())[least - 1 : size - least]
    split = int(np.argmax(sums)) + least
    if _wrong_side(sides[:split]) or _wrong_side(sides[split:]):
        return []
    before, after = _middle(part[:split]), _middle(part[split:])
    # One value on either side may lie half-way.
    jump = _middle(part[split + 1 : split + 6]) - _middle(part[split - 6 : split - 1])
    if abs(jump) < _BY_ONE_JUMP * abs(after - before) or jump * (after - before) <= 0:
        return []
    split += begin
    earlier, later = _levels(known, changes, begin, split, least), _levels(known, changes, split, end, least)
    low = earlier[-1].position if earlier else begin
    high = later[0].position if later else end
    if _wanders(known[low:split]) or _wanders(known[split:high]):
        return []
    return [*earlier, Break(split, "level", _middle(known[low:split]), _middle(known[split:high])), *later]


def _between(before: Floats, after: Floats, *, rising: bool) -> float:
    """Return what lies midway between the near ends of both sides."""
    low, high = (np.sort(before), np.sort(after)) if rising else (np.sort(after), np.sort(before))
    return 0.5 * float(low[int((1 - _WRONG_SIDE) * len(low))] + high[int(_WRONG_SIDE * len(high))])


def _wrong_side(sides: Ints) -> bool:
    return abs(int(sides.sum())) < (1 - 2 * _WRONG_SIDE) * len(sides)


def _wanders(part: Floats) -> bool:
    centred = part - part.mean()
    power = float((centred * centred).sum())
    sums = np.cumsum(centred)
    return float((sums * sums).sum()) > max(_STATIONARY, _STATIONARY_PER_VALUE * len(part)) * power * len(part)


def _paces(changes: Floats, known_breaks: list[int], least: int) -> list[Break]:
    """Return the changes of pace; what happens at breaks that are known already counts for none."""
    calm = changes
    if known_breaks:
        calm = changes.copy()
        for position in known_breaks:
            calm[max(0, position - _FALL_STEPS) : position + 1] = _middle(changes)
    found = _pace(calm, "pace", least)
    return _merged(found, _pace(np.abs(calm), "activity", least), least)


def _pace(changes: Floats, kind: str, least: int) -> list[Break]:
    found: list[Break] = []
    begin = 0
    while len(changes) - begin >= 2 * least and len(found) < _MAX_BREAKS:
        part = changes[begin:]
        size = len(part)
        split, score, signs = _change_point(part, least)
        log_p = math.log(2) - 6.0 * score * score / (size**3 + size**2)
        if abs(score) < _PACE_APART * split * (size - split) or log_p > _LOG_P:
            break
        before, after = _pace_of(part[:split]), _pace_of(part[split:])
        # What changes little by little differs between the two sides, yet not between what lies next to each other.
        near = _pace_of(part[max(0, split - 2 * least) : split]), _pace_of(part[split : split + 2 * least])
        if not (_differ(before, after, _RATIO[kind]) and _differ(*near, _RATIO[kind])):
            break
        if math.log(2) + (log_p - math.log(2)) / _inflation(signs, split) > _LOG_P:
            break
        begin += split
        found.append(Break(begin + 1, kind, before, after))
    return found


def _pace_of(changes: Floats) -> float:
    """Return the mean with the largest twentieth on either side held down."""
    ordered = np.sort(changes)
    cut = len(ordered) // 20
    return float(np.clip(changes, ordered[cut], ordered[-1 - cut]).mean())


def _differ(before: float, after: float, ratio: float) -> bool:
    return abs(after - before) >= max(abs(before), abs(after)) * (1 - 1 / ratio)


def _inflation(signs: Ints, split: int) -> float:
    """Return by how much serial correlation within both sides makes the variance of rank sums larger than that of independent ones."""
    inside = np.concatenate([side - side.mean() for side in (signs[:split], signs[split:])])
    power = float((inside * inside).sum())
    correlation = float((inside[1:] * inside[:-1]).sum()) / power if power > 0 else 0.0
    return (1 + correlation) / max(1 - correlation, 1e-9) if correlation > 0 else 1.0


def _change_point(part: Floats, least: int) -> tuple[int, int, Ints]:
    """Return Pettitt's change point (number of values before it, at least `least` on either side), its statistic, and the signs.

    The sign of a value is the number of values below it less those above it, the statistic their sum over all values before.
    """
    size = len(part)
    order = np.argsort(part)
    ordered = part[order]
    if (ordered[1:] == ordered[:-1]).any():
        signs = np.searchsorted(ordered, part, "left") + np.searchsorted(ordered, part, "right") - size
    else:
        signs = np.empty(size, dtype=np.int64)
        signs[order] = np.arange(1 - size, size, 2)
    sums = np.cumsum(signs)[least - 1 : size - least]
    split = int(np.argmax(np.abs(sums)))
    return split + least, int(sums[split]), signs


def _around(known: Floats, position: int) -> tuple[float, float]:
    return float(known[max(0, position - _FALL_STEPS) : position].max()), float(known[position])


def _middle(part: Floats) -> float:
    return float(np.sort(part)[len(part) // 2])


def _merged(found: list[Break], more: list[Break], apart: int) -> list[Break]:
    """Return breaks with those of another kind added that are not the same once more."""
    return found + [item for item in more if all(abs(item.position - other.position) > apart for other in found)]
