# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rule 7: whatever a document holds, mapping it never raises and no bad value goes on unflagged."""

from __future__ import annotations

import copy
import json
import math

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import FLAGS, observe

SCHEMAS = {"foresight_node": "foresight.node/1", "foresight_lvm": "foresight.lvm/1", "foresight_lxc": "foresight.lxc/1"}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -1, 0, 10**400, -(10**400)]),
    st.floats(),
    st.text(st.characters(codec=None), max_size=8),
    st.sampled_from(["lxc/1", "vg0", "data", "LV1", "running"]),
)
garbage = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["name", "uuid", "vg", "size", "free", "used", "filesystem", "id", "cpu_seconds", "memory", "total", "avg60", "some", "1"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)


def walk(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from walk(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from walk(value[index], (*path, index))


def put(document, path, value):
    if not path:
        return value
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return document


def assert_sound(seen):
    assert seen.status in ("recorded", "rejected", "no_facts")
    identities = {entity.identity for entity in seen.entities}
    assert len(identities) == len(seen.entities)
    assert len({(sample.identity, sample.metric) for sample in seen.samples}) == len(seen.samples)
    for sample in seen.samples:
        assert sample.identity in identities
        assert sample.flag is None or sample.flag in FLAGS
        if sample.flag is None:
            assert isinstance(sample.value, float)
            assert math.isfinite(sample.value)
            assert 0 <= sample.value <= 2.0**63
            if sample.metric.endswith(("_fraction", "_pressure")):
                assert sample.value <= 1
    for entity in seen.entities:
        text = json.dumps(entity.attributes, allow_nan=False, ensure_ascii=False)
        assert "\0" not in entity.key
        text.encode("utf-8")
        filesystem = entity.attributes.get("fs")
        if filesystem and filesystem["used"] is not None and filesystem["size"] is not None:
            assert 0 <= filesystem["used"] <= filesystem["size"]
    json.dumps([list(issue) for issue in seen.issues], ensure_ascii=False).encode("utf-8")


@settings(max_examples=150, deadline=None)
@given(facts=st.dictionaries(st.sampled_from([*SCHEMAS, "foresight_cluster"]), garbage, max_size=4))
def test_garbage_for_documents(facts):
    assert_sound(observe("web1", facts, recorded_at=1_763_700_000))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_garbage_anywhere_in_true_documents(documents, data):
    facts = {
        "foresight_node": documents.node(),
        "foresight_lvm": documents.lvm(lvs=[documents.lv(), documents.lv("logs")]),
        "foresight_lxc": documents.lxc(),
        "foresight_cluster": documents.cluster(),
    }
    facts = copy.deepcopy(facts)
    for _number in range(data.draw(st.integers(1, 4))):
        path = data.draw(st.sampled_from(sorted((path for path in walk(facts) if path), key=str)))
        put(facts, path, data.draw(garbage))
    first = observe("web1", facts, recorded_at=documents.NOW)
    assert_sound(first)
    # The observation after it must stand what the one before left.
    later = {
        "foresight_node": documents.node(documents.NOW + 60, uptime=1060.0, busy=110.0),
        "foresight_lvm": documents.lvm(documents.NOW + 60),
        "foresight_lxc": documents.lxc(documents.NOW + 60),
    }
    last = json.loads(json.dumps(first.next_last))
    assert_sound(observe("web1", later, recorded_at=documents.NOW + 60, last=last))


@settings(max_examples=100, deadline=None)
@given(bad=garbage, position=st.integers(0, 2))
def test_one_bad_volume_never_costs_another(documents, bad, position):
    lvs = [documents.lv("a"), documents.lv("b")]
    lvs.insert(position, bad)
    seen = observe("web1", {"foresight_lvm": documents.lvm(lvs=lvs)}, recorded_at=documents.NOW)
    good = {sample.identity for sample in seen.samples if sample.metric == "used_bytes" and sample.flag is None}
    assert {"lv:web1/LV-vg0-a", "lv:web1/LV-vg0-b"} <= good


@settings(max_examples=100, deadline=None)
@given(busy=st.lists(st.floats(0, 1e7), min_size=2, max_size=6), steps=st.lists(st.integers(1, 100_000), min_size=5, max_size=5))
def test_rates_are_never_negative(documents, busy, steps):
    last, at, uptime = None, documents.NOW, 1000.0
    for index, used in enumerate(busy):
        seen = observe("web1", {"foresight_node": documents.node(at, busy=used, uptime=uptime)}, recorded_at=at, last=last)
        assert_sound(seen)
        last = seen.next_last
        at, uptime = at + steps[index % 5], uptime + steps[index % 5]
