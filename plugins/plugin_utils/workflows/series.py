# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(series): what a metric did in a window of time, reduced to a few numbers per entity."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.measured import find_measured
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import steps_of

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, SeriesInfo, Store

Document = dict[str, t.Any]
HOW = ("last", "mean", "max", "min")
_MAX_VALUES = 20_000_000
_DAY = 86400


def series(
    *,
    store: str | None,
    metrics: Sequence[str],
    entities: Sequence[str],
    now: int,
    window: int | str = "7d",
    step: int | str | None = None,
    how: str = "last",
) -> list[Document]:
    """Return one document per series: count, gaps, first, last, min, mean, max, quantiles and slope, sorted by entity.

    :param window, step: seconds or texts such as `7d`; step None = the usual distance of the samples.
    :param how: what several samples within one step become.
    :raises InputError: for wrong options, or when no entity with a metric matches.
    :raises StoreError: when there is no store.
    """
    if not metrics:
        raise InputError("No metric was given; needed is at least one, such as used_bytes (O(_terms)).")
    if how not in HOW:
        raise InputError(f"Cannot reduce samples by {how!r}; needed is one of {', '.join(HOW)} (O(how)).")
    seconds = parse_duration(window, option="window")
    fixed = None if step is None else parse_duration(step, option="step")
    if seconds < 1 or fixed == 0:
        raise InputError(f"A window of {seconds} s in steps of {fixed} s is impossible; needed is at least 1 s each (O(window), O(step)).")
    found: list[Document] = []
    with open_store(store, create=False) as opened:
        for metric in metrics:
            chosen = find_measured(opened, metric, [entities] if isinstance(entities, str) else entities)
            by_id = {entity.id: entity for entity in chosen}
            infos = opened.find_series(metric=metric, entity_ids=list(by_id))
            found += sorted(_documents(opened, infos, by_id, now, seconds, fixed, how), key=lambda document: str(document["entity"]))
    return found


def _documents(
    store: Store, infos: Sequence[SeriesInfo], entities: dict[int, Entity], now: int, window: int, fixed: int | None, how: t.Any
) -> list[Document]:
    ids = [info.id for info in infos]
    steps = [fixed] * len(ids) if fixed else steps_of(int(seconds) for seconds in store.typical_step(ids)) if ids else []
    found = []
    for step in sorted(set(steps)):
        group = [info for info, own in zip(infos, steps, strict=True) if own == step]
        count = max(1, -(-window // step))
        start = now + 1 - count * step
        size = max(1, _MAX_VALUES // count)
        for begin in range(0, len(group), size):
            part = group[begin : begin + size]
            values = store.read_samples([info.id for info in part], start=start, end=now + 1, step=step, how=how)
            for info, row in zip(part, values, strict=True):
                head = {"entity": entities[info.entity_id].key, "metric": info.metric, "unit": info.unit, "step_seconds": step}
                found.append(
                    to_native({**head, "window_seconds": count * step, **reduced(row, start=start, step=step), "synthetic": info.synthetic})
                )
    return found


def reduced(values: t.Any, *, start: int, step: int) -> Document:
    """Return the few numbers of one aligned series [t], NaN = missing; all but the counts are None when nothing is known.

    `slope_per_day` is that of the straight line of least squares. `gaps` counts missing steps between the first and the last value.
    """
    known = np.flatnonzero(~np.isnan(values))
    names = ("first", "first_at", "last", "last_at", "min", "mean", "max", "p50", "p90", "p95", "slope_per_day")
    if not len(known):
        return {"count": 0, "gaps": 0, **dict.fromkeys(names)}
    seen = values[known]
    p50, p90, p95 = np.quantile(seen, (0.5, 0.9, 0.95))
    days = (known - known.mean()) * step / _DAY
    power = float((days * days).sum())
    return {
        "count": len(known),
        "gaps": int(known[-1] - known[0] + 1 - len(known)),
        "first": seen[0],
        "first_at": start + int(known[0]) * step,
        "last": seen[-1],
        "last_at": start + int(known[-1]) * step,
        "min": seen.min(),
        "mean": seen.mean(),
        "max": seen.max(),
        "p50": p50,
        "p90": p90,
        "p95": p95,
        "slope_per_day": float((days * (seen - seen.mean())).sum()) / power if power > 0 else None,
    }
