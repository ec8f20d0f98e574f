# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which series of some entities are asked for, in which steps, and the grid they are read on: what is trained is what is forecast."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.limits import LimitRule
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import Grid, coarsened, grid, known_extent, steps_of

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store


def asked_series(
    store: Store, entities: Sequence[Entity], metric: str, *, now: int, horizon: int, step: int | None, limit: str | float | None = None
) -> list[Asked]:
    """Return the series of the metric that the entities have, with what is known of each before its samples are read.

    :param horizon: seconds; :param step: seconds, None = each series' own, long enough for the horizon.
    """
    by_id = {entity.id: entity for entity in entities}
    series = store.find_series(metric=metric, entity_ids=list(by_id))
    if not series:
        return []
    ids = [item.id for item in series]
    typical = [int(seconds) for seconds in store.typical_step(ids)]
    steps = [step] * len(ids) if step else [coarsened(one, horizon) for one in steps_of(typical)]
    rule = LimitRule(limit)
    extent = known_extent(store, ids, now)
    return [
        Asked(
            by_id[item.entity_id],
            item,
            one_step,
            usual,
            int(first),
            int(last),
            int(count),
            bool(replay),
            rule.of(metric, by_id[item.entity_id].attributes),
        )
        for item, one_step, usual, first, last, count, replay in zip(series, steps, typical, *extent, strict=True)
    ]


def by_step(asked: Sequence[Asked]) -> Iterator[tuple[int, list[Asked]]]:
    """Yield the series of each step together, the shortest step first."""
    for step in sorted({item.step for item in asked}):
        yield step, [item for item in asked if item.step == step]


def grid_of(asked: Sequence[Asked], *, step: int, now: int, history_seconds: int | None, horizon: int) -> Grid:
    """Return the grid for series of one step.

    :param horizon: steps.
    """
    return grid(
        step=step,
        typical=int(np.median([item.typical for item in asked])),
        newest=max(item.last for item in asked),
        oldest=min(item.first for item in asked),
        now=now,
        replay=any(item.replay for item in asked),
        history_seconds=history_seconds,
        horizon=horizon,
    )
