# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which entities and series of the store a lookup means."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import is_exact, near, select

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store


def find_measured(store: Store, metric: str, expressions: Sequence[str]) -> list[Entity]:
    """Return the current entities that the expressions choose and that have a series of the metric, sorted by key.

    An entity without such a series is returned only if an expression names exactly it.

    :raises InputError: when there is none; the message lists what is there.
    """
    entities = store.find_entities()
    chosen = select(entities, expressions)
    measured = {series.entity_id for series in store.find_series(metric=metric)}
    found = [entity for entity in chosen if entity.id in measured or any(is_exact(text, entity.key) for text in expressions)]
    if found:
        return sorted(found, key=lambda entity: entity.key)
    raise InputError(_nothing(store, metric, expressions, entities, chosen, measured))


def _nothing(
    store: Store, metric: str, expressions: Sequence[str], entities: Sequence[Entity], chosen: Sequence[Entity], measured: set[int]
) -> str:
    wanted = ", ".join(repr(text) for text in expressions) or "nothing"
    if not entities:
        return (
            "The store holds no entities yet; needed are observations (run foresight.capacity.observe or foresight.capacity.import first)."
        )
    if chosen:
        metrics = sorted({series.metric for series in store.find_series(entity_ids=[entity.id for entity in chosen])})
        return (
            f"None of the {len(chosen)} entities that match {wanted} has the metric {metric!r}; "
            f"they have {_listed(metrics) or 'no series at all'} (O(_terms))."
        )
    keys = sorted(entity.key for entity in entities if entity.id in measured)
    if not keys:
        return f"The store holds no series of the metric {metric!r}; it has {_listed(sorted({s.metric for s in store.find_series()}))} (O(_terms))."
    similar = near(expressions, keys)
    hint = f"similar to what was asked: {', '.join(similar)}" if similar else f"for instance {_listed(keys)}"
    return f"No entity with the metric {metric!r} matches {wanted}; the store holds {len(keys)} of them, {hint} (O(entities))."


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
