# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Observations → the store: entities, series, samples; shared volume groups; what is gone."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.units import COUNT, unit_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import Issue, Observation, ObservedEntity, ObservedSample
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Flag, Store

# The attribute that says up to which time each timeframe of the cluster's own history was imported.
BACKFILLED = "backfilled"
_OF_CLUSTERS = ("guest", "node", "storage")


def write_observations(notebook: Store, observations: Sequence[Observation]) -> dict[str, int]:
    """Write what was observed of all hosts and return the counts; to be called inside a transaction."""
    taken = [one for one in observations if one.status == "recorded"]
    _leave_shifted_alone(notebook, taken)
    entities = _with_known(notebook, merged(entity for one in taken for entity in one.entities))
    _adopt_history(notebook, entities)
    entities = _mark_shared(notebook, entities, taken)
    numbers = notebook.put_entities([EntityRow(*entity) for entity in entities])
    samples = [sample for one in taken for sample in one.samples]
    written = write_samples(notebook, numbers, samples)
    retired = _retire(notebook, taken)
    return {
        "samples": written,
        "flagged": sum(sample.flag is not None for sample in samples),
        "entities": len(entities),
        "retired": retired,
    }


def write_samples(notebook: Store, numbers: dict[str, int], samples: Sequence[ObservedSample], *, synthetic: bool = False) -> int:
    """Write samples; numbers gives the entity id of each identity."""
    names = {(sample.identity, sample.metric) for sample in samples}
    rows = [(numbers[identity], metric, unit_of(metric) or COUNT, synthetic) for identity, metric in sorted(names)]
    series = notebook.put_series(rows)
    by_name = {(identity, metric): series[numbers[identity], metric] for identity, metric in names}
    return notebook.write_samples(
        [by_name[sample.identity, sample.metric] for sample in samples],
        [sample.time for sample in samples],
        [float("nan") if sample.value is None else sample.value for sample in samples],
        [flag_number(sample.flag) for sample in samples],
    )


def flag_number(flag: str | None) -> int:
    """Return the store's number of a flag, 0 for a good sample."""
    return 0 if flag is None else int(Flag[flag.upper()])


def merged(entities: Iterable[ObservedEntity]) -> list[ObservedEntity]:
    """Join what two hosts say of one entity (a guest seen by its node and by the cluster); the later one wins field by field.

    It belongs to the host through which it is changed: the one that told its node.
    """
    found: dict[str, ObservedEntity] = {}
    for entity in entities:
        known = found.get(entity.identity)
        if known is None:
            found[entity.identity] = entity
            continue
        older, newer = sorted((known, entity), key=lambda one: one.observed_at)
        owner = older if "node" in older.attributes and "node" not in newer.attributes else newer
        found[entity.identity] = newer._replace(host=owner.host, attributes={**older.attributes, **newer.attributes})
    return list(found.values())


def _with_known(notebook: Store, entities: list[ObservedEntity]) -> list[ObservedEntity]:
    """Keep what is known of a cluster's guest and was not told this time, by its node or by the API, and how far a history was imported."""
    wanted = [entity.identity for entity in entities if entity.kind in _OF_CLUSTERS]
    known = {row.identity: _entity(row) for row in notebook.find_entities(identities=wanted)} if wanted else {}
    return [_kept(entity, known[entity.identity]) if entity.identity in known else entity for entity in entities]


def _kept(entity: ObservedEntity, known: ObservedEntity) -> ObservedEntity:
    if entity.kind == "guest":
        return merged([known, entity])[0]
    if BACKFILLED in known.attributes:
        return entity._replace(attributes={**entity.attributes, BACKFILLED: known.attributes[BACKFILLED]})
    return entity


def _leave_shifted_alone(notebook: Store, taken: Sequence[Observation]) -> None:
    """Take live guests and nodes whose history here has shifted times out of the observations, and tell it."""
    found = [entity for one in taken for entity in one.entities if entity.kind in _OF_CLUSTERS and entity.attributes["recorded"] is None]
    if not found:
        return
    rows = notebook.find_entities(identities={entity.identity for entity in found})
    shifted = {row.identity for row in rows if (row.attributes.get("recorded") or {}).get("shifted_by")}
    for one in taken if shifted else ():
        for entity in [entity for entity in one.entities if entity.identity in shifted]:
            message = f"{entity.key}: its history here was imported with shifted times; live values do not go with it, take another store (O(store))"
            one.issues.append(Issue(entity.key, "recorded", "recorded_host", message))
        one.entities = [entity for entity in one.entities if entity.identity not in shifted]
        one.samples = [sample for sample in one.samples if sample.identity not in shifted]


def _adopt_history(notebook: Store, entities: Sequence[ObservedEntity]) -> None:
    """Give volumes seen for the first time the history that was imported under their names, before they had a UUID here."""
    unnamed = {entity.key: entity.identity for entity in entities if entity.kind in ("lv", "vg")}
    known = notebook.find_entities(kinds=["lv", "vg"], identities=list(unnamed))
    for entity in known:
        if entity.identity == entity.key and not (entity.attributes.get("recorded") or {}).get("shifted_by"):
            notebook.adopt_identity(entity.identity, unnamed[entity.key])


def _mark_shared(notebook: Store, entities: list[ObservedEntity], taken: Sequence[Observation]) -> list[ObservedEntity]:
    """Fill C(shared_with) of every VG whose UUID another host shows too, on both sides."""
    uuids = {entity.attributes["uuid"] for entity in entities if entity.kind == "vg"}
    if not uuids:
        return entities
    observed = {one.host for one in taken if "vg" in one.complete}
    others = [_entity(row) for row in _other_groups(notebook, observed, uuids)]
    holders: dict[str, set[str]] = {}
    for entity in (*entities, *others):
        if entity.kind == "vg":
            holders.setdefault(entity.attributes["uuid"], set()).add(str(entity.host))
    result = [_shared(entity, holders) for entity in entities]
    return result + [changed for other in others if (changed := _shared(other, holders)) != other]


def _other_groups(notebook: Store, observed: set[str], uuids: set[str]) -> list[t.Any]:
    rows = notebook.find_entities(kinds=["vg"])
    return [row for row in rows if row.host not in observed and row.attributes.get("uuid") in uuids]


def _entity(row: t.Any) -> ObservedEntity:
    return ObservedEntity(row.identity, row.key, row.kind, row.host, row.attributes, row.last_seen)


def _shared(entity: ObservedEntity, holders: dict[str, set[str]]) -> ObservedEntity:
    if entity.kind != "vg":
        return entity
    others = sorted(holders[entity.attributes["uuid"]] - {str(entity.host)})
    return entity._replace(attributes={**entity.attributes, "shared_with": others})


def _retire(notebook: Store, taken: Sequence[Observation]) -> int:
    """Take what a host no longer lists out of the current entities; its history stays."""
    hosts: dict[str, list[str]] = {}
    seen: dict[str, set[str]] = {}
    for one in taken:
        for kind, identities in one.complete.items():
            hosts.setdefault(kind, []).append(one.host)
            seen.setdefault(kind, set()).update(identities)
    return sum(notebook.retire_unseen(kind, hosts[kind], seen[kind]) for kind in sorted(seen))
