# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow

_worlds = itertools.count()


def lv(uuid, name, at, **attributes):
    return EntityRow(f"lv:web1/{uuid}", f"lv:web1/vg0/{name}", "lv", "web1", attributes, at)


def test_an_entity_comes_back_as_it_was_observed(store):
    ids = store.put_entities(
        [lv("u1", "data", 100, size=1, tags=["a"], fs=None), EntityRow("kpi:shop/p99", "kpi:shop/p99", "kpi", None, {}, 50)]
    )
    kpi, volume = store.find_entities()
    assert volume == (
        ids["lv:web1/u1"],
        "lv:web1/u1",
        "lv:web1/vg0/data",
        "lv",
        "web1",
        {"size": 1, "tags": ["a"], "fs": None},
        100,
        100,
        True,
    )
    assert (kpi.host, kpi.first_seen) == (None, 50)


def test_the_ids_stay_when_an_entity_is_seen_again(store):
    first = store.put_entities([lv("u1", "data", 100, size=1)])
    assert store.put_entities([lv("u1", "data", 200, size=2)]) == first
    (entity,) = store.find_entities()
    assert (entity.attributes, entity.first_seen, entity.last_seen) == ({"size": 2}, 100, 200)


def test_seeing_an_entity_again_uses_up_no_id(store):
    known = store.put_entities([lv(f"u{number}", f"data{number}", 100) for number in range(10)])
    for at in range(200, 250):
        store.put_entities([lv(f"u{number}", f"data{number}", at) for number in range(10)])
    (new,) = store.put_entities([lv("new", "new", 300)]).values()
    assert new == max(known.values()) + 1


def test_an_older_observation_moves_only_first_seen(store):
    store.put_entities([lv("u1", "data", 100, size=2)])
    store.put_entities([lv("u1", "older-name", 40, size=1)])
    (entity,) = store.find_entities()
    assert (entity.key, entity.attributes, entity.first_seen, entity.last_seen) == ("lv:web1/vg0/data", {"size": 2}, 40, 100)


def test_a_rename_keeps_the_entity_and_its_series(store):
    ids = store.put_entities([lv("u1", "data", 100)])
    series = store.put_series([(ids["lv:web1/u1"], "used_bytes", "bytes", False)])
    assert store.put_entities([lv("u1", "archive", 200)]) == ids
    (entity,) = store.find_entities(keys=["lv:web1/vg0/archive"])
    assert entity.id == ids["lv:web1/u1"]
    assert [info.id for info in store.find_series(entity_ids=[entity.id])] == list(series.values())


def test_a_replacement_takes_the_key_and_begins_a_new_entity(store):
    old = store.put_entities([lv("u1", "data", 100)])
    new = store.put_entities([lv("u2", "data", 200)])
    assert [entity.id for entity in store.find_entities(keys=["lv:web1/vg0/data"])] == list(new.values())
    assert [entity.id for entity in store.find_entities(current=False)] == list(old.values())
    assert len(store.find_entities(current=None)) == 2


def test_two_volumes_swap_their_names_in_one_call(store):
    store.put_entities([lv("u1", "a", 100), lv("u2", "b", 100)])
    store.put_entities([lv("u1", "b", 200), lv("u2", "a", 200)])
    assert {entity.identity: entity.key for entity in store.find_entities()} == {
        "lv:web1/u1": "lv:web1/vg0/b",
        "lv:web1/u2": "lv:web1/vg0/a",
    }


def test_conditions_are_joined(store):
    store.put_entities(
        [lv("u1", "a", 1), EntityRow("vg:web1/v", "vg:web1/vg0", "vg", "web1", {}, 1), EntityRow("host:db", "host:db", "host", "db", {}, 1)]
    )
    assert [entity.kind for entity in store.find_entities(hosts=["web1"])] == ["lv", "vg"]
    assert [entity.kind for entity in store.find_entities(hosts=["web1"], kinds=["vg", "host"])] == ["vg"]
    assert [entity.key for entity in store.find_entities(identities=["lv:web1/u1"])] == ["lv:web1/vg0/a"]
    assert store.find_entities(hosts=[]) == []


def test_nan_in_attributes_is_refused(store):
    with pytest.raises(StoreError, match="finite numbers"):
        store.put_entities([lv("u1", "a", 1, load=float("nan"))])
    assert store.find_entities() == []


def test_half_a_surrogate_pair_is_refused(store):
    with pytest.raises(StoreError, match="Unicode text"):
        store.put_entities([lv("u1", "a", 1, tag="\ud800")])
    with pytest.raises(StoreError, match="Unicode text"):
        store.start_run("record", at=1, check=False, detail={"path": "b\udcfcro"})


def test_series_are_made_once(store):
    (entity,) = store.put_entities([lv("u1", "a", 1)]).values()
    first = store.put_series([(entity, "used_bytes", "bytes", False), (entity, "inodes_used", "count", True)])
    again = store.put_series(
        [(entity, "used_bytes", "bytes", True), (entity, "inodes_used", "count", False), (entity, "new", "count", False)]
    )
    assert {key: again[key] for key in first} == first
    assert sorted(info.metric for info in store.find_series(entity_ids=[entity])) == ["inodes_used", "new", "used_bytes"]
    assert {info.metric: info.synthetic for info in store.find_series()} == {"used_bytes": True, "inodes_used": True, "new": False}
    assert [info.unit for info in store.find_series(metric="used_bytes")] == ["bytes"]


def test_a_series_of_no_entity_is_refused(store):
    with pytest.raises(StoreError):
        store.put_series([(12345, "used_bytes", "bytes", False)])


def test_what_a_host_no_longer_has_is_retired_until_it_is_seen_again(store):
    store.put_entities([lv("u1", "a", 100), lv("u2", "b", 100), EntityRow("lv:db/u3", "lv:db/vg0/c", "lv", "db", {}, 100)])
    assert store.retire_unseen("lv", ["web1"], ["lv:web1/u1"]) == 1
    assert [entity.key for entity in store.find_entities()] == ["lv:db/vg0/c", "lv:web1/vg0/a"]
    assert store.retire_unseen("lv", ["web1"], ["lv:web1/u1"]) == 0
    store.put_entities([lv("u2", "b", 200)])
    assert len(store.find_entities()) == 3


def test_imported_history_goes_over_to_the_uuid(store):
    (imported,) = store.put_entities([EntityRow("lv:web1/vg0/a", "lv:web1/vg0/a", "lv", "web1", {}, 50)]).values()
    store.adopt_identity("lv:web1/vg0/a", "lv:web1/u1")
    assert store.put_entities([lv("u1", "a", 100)]) == {"lv:web1/u1": imported}
    store.put_entities([lv("u2", "b", 100)])
    store.adopt_identity("lv:web1/u1", "lv:web1/u2")
    assert sorted(entity.identity for entity in store.find_entities()) == ["lv:web1/u1", "lv:web1/u2"]


def test_nothing_in_nothing_out(store):
    assert store.put_entities([]) == {}
    assert store.put_series([]) == {}


_OBSERVATION = st.tuples(st.sampled_from(["u1", "u2", "u3"]), st.sampled_from(["a", "b", "c"]), st.integers(0, 5))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(calls=st.lists(st.lists(_OBSERVATION, max_size=4), max_size=4))
def test_whatever_is_observed_one_entity_holds_each_key(shared_store, calls):
    """Model: the newest observation of an identity counts; of those with one key the last seen is current."""
    world = next(_worlds)
    newest: dict[str, tuple[str, int]] = {}
    first: dict[str, int] = {}
    for call in calls:
        rows = [EntityRow(f"lv:{world}/{uuid}", f"lv:{world}/vg/{name}", "lv", f"w{world}", {"at": at}, at) for uuid, name, at in call]
        ids = shared_store.put_entities(rows)
        assert set(ids) == {row.identity for row in rows}
        for row in rows:
            if row.identity not in newest or row.observed_at >= newest[row.identity][1]:
                newest[row.identity] = (row.key, row.observed_at)
            first[row.identity] = min(row.observed_at, first.get(row.identity, row.observed_at))
    found = shared_store.find_entities(hosts=[f"w{world}"], current=None)
    assert {entity.identity: (entity.key, entity.last_seen) for entity in found} == newest
    assert {entity.identity: entity.first_seen for entity in found} == first
    assert all(entity.attributes == {"at": entity.last_seen} for entity in found)
    for key in {entity.key for entity in found}:
        rivals = [entity for entity in found if entity.key == key]
        (holder,) = (entity for entity in rivals if entity.current)
        assert holder.last_seen == max(entity.last_seen for entity in rivals)
