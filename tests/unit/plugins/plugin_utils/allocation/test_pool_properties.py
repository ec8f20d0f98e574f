# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The safety rules of thin pools as properties, checked on a model of the VG that shares no code with the allocator."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate

EXTENT = 4 * 2**20
NOW = 1_763_700_000
LIMIT = 15.81 * 2**30
STATES = ["ok", "ok", "cold_start", "stale", "invalid", "no_history"]


@st.composite
def parts(draw, most):
    extents = draw(st.integers(1, most))
    used = int(extents * EXTENT * draw(st.sampled_from([0.1, 0.5, 0.89, 0.95, 1.0])))
    status = draw(st.sampled_from(STATES))
    return {
        "size_bytes": extents * EXTENT, "used_bytes": draw(st.sampled_from([used, used, None])), "copies": draw(st.sampled_from([1, 1, 2])),
        "demand_status": status, "demand_bytes": used * draw(st.floats(0.5, 3)) if status == "ok" else None, "history_mean_bytes": used,
    }  # fmt: skip


@st.composite
def pool_documents(draw, name, spare):
    data, metadata = draw(parts(4000)), draw(st.one_of(parts(6), parts(4050)))
    virtual = int(data["size_bytes"] * draw(st.floats(0, 4)))
    return {
        "entity": f"lv:web1/vg0/{name}", "host": "web1", "vg": "vg0", "lv": name, "uuid": f"u-{name}", "observed_at": NOW - draw(st.sampled_from([60, 9000])),
        "managed": draw(st.booleans()), "named_exactly": draw(st.booleans()), "matched": True, "data": data,
        "metadata": draw(st.sampled_from([metadata] * 3 + [None])),
        "chunk_bytes": draw(st.sampled_from([64 * 1024, 1024 * 1024, None])), "spare_bytes": spare * EXTENT,
        "overprovisioning": {"virtual_bytes": virtual, "ratio": 1.0, "volumes": 1, "can_fill": virtual > data["size_bytes"]},
        "max_bytes": draw(st.sampled_from([None, data["size_bytes"] + 100 * EXTENT, data["size_bytes"] // 2])),
        "min_bytes": None, "priority": draw(st.sampled_from([0.1, 1.0, 10.0])),
        "refused_reason": draw(st.sampled_from([None, None, None, "dmeventd_in_charge", "in_progress", "pool_damaged"])),
    }  # fmt: skip


@st.composite
def groups_of_pools(draw):
    spare = draw(st.integers(0, 20))
    pools = [draw(pool_documents(f"p{number}", spare)) for number in range(draw(st.integers(0, 4)))]
    volumes = []
    for number in range(draw(st.integers(0, 3))):
        size = draw(st.integers(1, 2000)) * EXTENT
        used = int(size * draw(st.floats(0, 1)))
        kind = draw(st.sampled_from(["xfs", "ext4", "ext4"]))
        volumes.append(
            {
                "entity": f"lv:web1/vg0/v{number}", "host": "web1", "vg": "vg0", "lv": f"v{number}", "uuid": f"u-v{number}", "size_bytes": size,
                "fs": {"type": kind, "size": size, "used": used, "avail": size - used}, "mounted": True, "managed": draw(st.booleans()),
                "demand_bytes": used * draw(st.floats(0.5, 3)), "demand_status": "ok", "observed_at": NOW, "allow_shrink": True, "allow_unmount": True,
                "past_peak_bytes": float(used), "past_seconds": 14 * 86400,
            }
        )  # fmt: skip
    group = {
        "entity": "vg:web1/vg0", "host": "web1", "vg": "vg0", "uuid": "u", "extent_bytes": EXTENT, "extents_free": draw(st.integers(0, 4000)),
        "reserve_extents": draw(st.integers(0, 300)), "refused_reason": draw(st.sampled_from([None, None, None, None, "shared_vg"])),
    }  # fmt: skip
    policy = {
        "now": NOW,
        "max_step_fraction": draw(st.sampled_from([None, 0.5, 0.05])),
        "headroom": draw(st.sampled_from([0, 0.1, 1.0])),
        "min_growth_fraction": draw(st.sampled_from([0, 0.2, 1])),
        "allow_shrink": True,
    }
    return pools, volumes, group, {**policy, "strategy": draw(st.sampled_from(["water_filling", "proportional"]))}


@settings(max_examples=400, deadline=None)
@given(given_=groups_of_pools())
def test_pools_keep_every_rule(given_):
    pools, volumes, group, policy = given_
    answer = allocate(volumes, [group], policy, pools)
    by_entity = {pool["entity"]: pool for pool in pools}
    free, spare = group["extents_free"], max((pool["spare_bytes"] for pool in pools), default=0) // EXTENT
    _whichever_shrinking_fails(answer["actions"], group)
    for kind in ("actions", "proposals"):  # done in this order on the model
        for change in answer[kind]:
            if change["kind"] != "lv_resize":
                continue
            pool = by_entity.get(change["target"])
            if pool is None:
                freed = change["cost"].get("freed_bytes", 0) if kind == "actions" else 0
                free += (freed - change["cost"]["bytes"]) // EXTENT
                continue
            assert (kind == "actions") == (pool["managed"] and pool["named_exactly"])  # rule 12
            assert pool["refused_reason"] is None
            assert group["refused_reason"] is None  # rule 2
            _bounds(change, pool, policy)
            data, metadata = _growth(change)
            free -= data * pool["data"]["copies"]
            if metadata:
                after = change["to"]["metadata_size"] // EXTENT
                free -= metadata * pool["metadata"]["copies"] + max(0, after - spare)
                spare = max(spare, after)
        # rule 2: the reserve holds after the actions, and after the proposals too
        assert free >= min(group["extents_free"], group["reserve_extents"])
    paid = sum(
        change["cost"]["bytes"] // EXTENT for kind in ("actions", "proposals") for change in answer[kind] if change["kind"] == "lv_resize"
    )
    gained = sum(change["cost"].get("freed_bytes", 0) // EXTENT for change in answer["actions"])
    assert paid - gained == group["extents_free"] - free
    for refusal in answer["refused"]:
        assert all(refusal.get(key) not in (None, "") for key in ("entity", "reason", "seen", "needed", "option", "message"))


def _whichever_shrinking_fails(actions, group):
    """What is left to do then takes no more than there is, and the reserve holds (rule 2)."""
    given = {change["target"]: change["cost"]["freed_bytes"] // EXTENT for change in actions if change["cost"].get("freed_bytes")}
    for number in range(1 << len(given)):
        done = {entity for place, entity in enumerate(sorted(given)) if number >> place & 1}
        taken = sum(change["cost"]["bytes"] // EXTENT for change in actions if set(change["after"]) <= done)
        assert taken <= max(0, group["extents_free"] + sum(given[entity] for entity in done) - group["reserve_extents"])
    assert all(any(entity in change["after"] for change in actions) for entity in given), "nothing shrinks for nobody"


def _growth(change):
    return [(change["to"].get(key, 0) - change["from"].get(key, 0)) // EXTENT for key in ("size", "metadata_size")]


def _bounds(change, pool, policy):
    data, metadata = pool["data"], pool["metadata"]
    has = {"size": data["size_bytes"], **({"metadata_size": metadata["size_bytes"]} if metadata else {})}
    assert change["from"] == has
    assert change["expect"] == {"uuid": pool["uuid"], **has}
    assert change["to"].keys() == has.keys()
    assert all(value % EXTENT == 0 and value >= has[key] for key, value in change["to"].items())
    assert change["to"] != has
    grown, more = _growth(change)
    if grown:
        assert pool["max_bytes"] is None or change["to"]["size"] <= pool["max_bytes"]
        assert change["to"]["size"] <= math.ceil(pool["overprovisioning"]["virtual_bytes"] / EXTENT) * EXTENT
        if policy["max_step_fraction"] is not None:
            assert grown <= max(1, data["size_bytes"] // EXTENT * policy["max_step_fraction"] + 1e-6)
        if metadata and pool["chunk_bytes"]:
            # LVM would extend the metadata to this by itself, in whole extents, unless they are as large as they can be
            needed = math.ceil(change["to"]["size"] / pool["chunk_bytes"]) * 64
            assert change["to"]["metadata_size"] >= needed or change["to"]["metadata_size"] > LIMIT - EXTENT
    if more:
        assert change["to"]["metadata_size"] <= LIMIT
    assert "Rounded up" not in change["message"]
    reason = change["reason"]
    assert reason in ("forecast", "floor")
    if reason == "forecast":
        assert "ok" in {part["demand_status"] for part in (data, metadata) if part}  # rule 13
    else:
        assert pool["observed_at"] == NOW - 60
    if grown and data["demand_status"] != "ok":
        assert data["used_bytes"] > 0.9 * data["size_bytes"]


@settings(max_examples=100, deadline=None)
@given(given_=groups_of_pools())
def test_equal_documents_in_another_order_give_equal_answers(given_):
    pools, volumes, group, policy = given_
    assert allocate(volumes[::-1], [group], policy, pools[::-1]) == allocate(volumes, [group], policy, pools)


@settings(max_examples=100, deadline=None)
@given(given_=groups_of_pools())
def test_a_pool_that_wants_space_is_told_or_served(given_):
    """Whoever runs full by its forecast stands among the actions, the proposals or the refusals."""
    pools, volumes, group, policy = given_
    answer = allocate(volumes, [group], policy, pools)
    named = {change["target"] for kind in ("actions", "proposals") for change in answer[kind]} | {
        one["entity"] for one in answer["refused"]
    }
    for pool in pools:
        for part in (pool["data"], pool["metadata"]):
            fills = part is pool["metadata"] or pool["overprovisioning"]["virtual_bytes"] > pool["data"]["size_bytes"] + EXTENT
            if part and fills and part["demand_status"] == "ok" and part["demand_bytes"] > part["size_bytes"]:
                assert pool["entity"] in named
