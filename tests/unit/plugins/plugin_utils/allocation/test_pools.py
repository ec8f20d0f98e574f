# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thin pools in `allocate`: data and metadata, their bounds, and who else extends them."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, validate_plan

GIB, MIB = 2**30, 2**20
EXTENT = 4 * MIB
NOW = 1_763_700_000
POLICY = {"now": NOW}


def pool(
    name="pool", size=40 * GIB, used=20 * GIB, demand=20 * GIB, metadata=64 * MIB, metadata_used=8 * MIB, metadata_demand=8 * MIB, **fields
):
    def part(size, used, demand):
        known = (
            {"demand_bytes": demand, "demand_status": "ok"} if demand is not None else {"demand_bytes": None, "demand_status": "no_history"}
        )
        forecast = {"quantile": 0.9, "value": demand, "method": "naive"}
        return {"size_bytes": size, "used_bytes": used, "copies": 1, "history_mean_bytes": used, "forecast": forecast, **known}

    return {
        "entity": f"lv:web1/vg0/{name}", "host": "web1", "vg": "vg0", "lv": name, "uuid": f"uuid-{name}", "observed_at": NOW - 60,
        "managed": True, "named_exactly": True, "matched": True, "chunk_bytes": 64 * 1024, "spare_bytes": metadata,
        "data": part(size, used, demand), "metadata": part(metadata, metadata_used, metadata_demand),
        "overprovisioning": {"virtual_bytes": 10 * size, "ratio": 10.0, "volumes": 4, "can_fill": True}, **fields,
    }  # fmt: skip


def shared(group, pools, volumes=(), policy=None, snapshots=(), **vg):
    return allocate(list(volumes), [group(**vg)], {**POLICY, **(policy or {})}, list(pools), list(snapshots))


def reasons(answer):
    return {(one["entity"].rpartition("/")[2], one["reason"]) for one in answer["refused"]}


def test_data_grow_to_their_demand_and_metadata_along(group):
    answer = shared(group, [pool(demand=44 * GIB, metadata=40 * MIB)])
    (action,) = answer["actions"]
    data = -(-int(44 * GIB * 1.1) // EXTENT) * EXTENT
    # 64 bytes for each chunk of 64 KiB: 48.4 MiB, rounded up to 52 MiB
    assert action["expect"] == {"uuid": "uuid-pool", "size": 40 * GIB, "metadata_size": 40 * MIB}
    assert action["from"] == {"size": 40 * GIB, "metadata_size": 40 * MIB}
    assert action["to"] == {"size": data, "metadata_size": 52 * MIB}
    # the spare metadata of the VG grow by the same 12 MiB
    assert action["cost"] == {"bytes": data - 40 * GIB + 24 * MIB}
    assert action["message"] == (
        "Its data need 44 GiB (quantile 0.9 of the peak), with 10% headroom; they have 40 GiB. Its metadata grow along to 52 MiB."
    )
    assert answer["refused"] == answer["proposals"] == []


def test_metadata_grow_alone(group):
    answer = shared(group, [pool(metadata_demand=70 * MIB, metadata_used=50 * MIB, spare_bytes=128 * MIB)])
    (action,) = answer["actions"]
    assert action["to"] == {"size": 40 * GIB, "metadata_size": 80 * MIB}
    assert action["cost"] == {"bytes": 16 * MIB}  # the spare is large enough already
    assert action["reason"] == "forecast"
    assert action["message"].startswith("Its metadata need 70 MiB")


def test_a_neighbour_makes_room_for_metadata(group, spare):
    """They come before the data, and what cannot wait does not."""
    wanting = pool(metadata=8 * MIB, metadata_demand=15 * MIB, metadata_used=int(7.9 * MIB), spare_bytes=128 * MIB)
    changes = {
        action["target"]: action for action in shared(group, [wanting], [spare()], {"allow_shrink": True}, extents_free=500)["actions"]
    }
    assert changes.keys() == {"lv:web1/vg0/pool", "lv:web1/vg0/spare"}
    grown = changes["lv:web1/vg0/pool"]
    assert (grown["to"], grown["after"]) == ({"size": 40 * GIB, "metadata_size": 12 * MIB}, ["lv:web1/vg0/spare"])
    assert "Makes room for lv:web1/vg0/pool" in changes["lv:web1/vg0/spare"]["message"]
    # two extents are free: they serve the metadata at once, and the data alone ask the neighbour, in the next plan
    both = {**wanting, "data": pool(demand=44 * GIB)["data"]}
    (action,) = shared(group, [both], [spare()], {"allow_shrink": True}, extents_free=502)["actions"]
    assert (action["to"]["metadata_size"], action["after"]) == (16 * MIB, [])


def test_data_that_cannot_grow_for_want_of_metadata_are_told_and_asked_for(group):
    answer = shared(group, [pool(used=39 * GIB, demand=44 * GIB, metadata=40 * MIB)], extents_free=501)
    assert answer["actions"] == []
    messages = [one["message"] for one in answer["refused"] if one["reason"] == "no_space"]
    assert any("Its metadata reach no further" in message for message in messages)
    data = -(-int(44 * GIB * 1.1) // EXTENT) * EXTENT - 40 * GIB
    # the metadata themselves lack 12 MiB, and the spare of the VG the same
    assert [(one["kind"], one["bytes"]) for one in answer["proposals"]] == [("vg_extend", data + 24 * MIB)]


def test_metadata_of_a_pool_that_is_not_managed_bound_what_is_proposed_for_its_data(group):
    asked = pool(demand=44 * GIB, metadata=40 * MIB, managed=False, named_exactly=False, matched=False)
    grown = [
        change
        for free in (501, 502, 510, 3000)
        for change in shared(group, [asked], extents_free=free)["proposals"]
        if change["kind"] == "lv_resize"
    ]
    assert any(change["to"]["size"] > 40 * GIB for change in grown)
    assert all(change["to"]["metadata_size"] * 1024 >= change["to"]["size"] for change in grown)


@pytest.mark.parametrize(
    ("fields", "to"),
    [
        ({"used": 38 * GIB}, {"size": 44 * GIB, "metadata_size": 64 * MIB}),
        ({"metadata_used": 60 * MIB}, {"size": 40 * GIB, "metadata_size": 72 * MIB}),
        ({"used": 38 * GIB, "metadata_used": 60 * MIB}, {"size": 44 * GIB, "metadata_size": 72 * MIB}),
    ],
)
def test_little_free_grows_by_a_step_without_a_forecast(group, fields, to):
    answer = shared(group, [pool(**{"demand": None, "metadata_demand": None, **fields})])
    (action,) = answer["actions"]
    assert (action["reason"], action["to"]) == ("floor", to)
    old = shared(group, [pool(**{"demand": None, "metadata_demand": None, "observed_at": NOW - 7200, **fields})])
    assert old["actions"] == []
    assert ("pool", "stale_fact") in reasons(old)


def test_a_pool_that_its_volumes_cannot_fill_further_stays(group):
    full = {"virtual_bytes": 40 * GIB, "ratio": 1.0, "volumes": 1, "can_fill": False}
    assert shared(group, [pool(used=39 * GIB, demand=60 * GIB, overprovisioning=full)])["actions"] == []
    nearly = {"virtual_bytes": 41 * GIB, "ratio": 1.02, "volumes": 1, "can_fill": True}
    for given in ({"demand": 60 * GIB}, {"demand": None, "used": 39 * GIB}):
        (action,) = shared(group, [pool(overprovisioning=nearly, **given)])["actions"]
        assert action["to"]["size"] == 41 * GIB


def test_bounds_of_a_run_and_of_the_policy(group):
    answer = shared(group, [pool(demand=90 * GIB)], extents_free=50_000)
    assert answer["actions"][0]["to"]["size"] == 60 * GIB
    assert ("pool", "max_step") in reasons(answer)
    answer = shared(group, [pool(demand=90 * GIB, max_bytes=50 * GIB)], extents_free=50_000)
    assert answer["actions"][0]["to"]["size"] == 50 * GIB
    # over-provisioned, and at its end
    assert {("pool", "max_bytes"), ("pool", "overprovisioned")} <= reasons(answer)


def test_metadata_never_exceed_what_lvm_can_use(group):
    most = int(15.81 * GIB)
    answer = shared(group, [pool(metadata=int(15.8 * GIB) // EXTENT * EXTENT, metadata_used=15 * GIB, metadata_demand=20 * GIB)])
    (action,) = answer["actions"]
    assert most - EXTENT < action["to"]["metadata_size"] <= most
    assert ("pool", "metadata_limit") in reasons(answer)


def test_data_never_exceed_what_metadata_can_address(group):
    size = 8 * 2**40  # chunks of 32 KiB: 15.81 GiB of metadata reach as far as 7.905 TiB
    answer = shared(
        group, [pool(size=size // 2 * 2 - 100 * GIB, used=size - 200 * GIB, demand=size, chunk_bytes=32 * 1024)], extents_free=10**6
    )
    assert answer["actions"][0]["to"]["size"] <= int(15.81 * GIB) // 64 * 32 * 1024
    assert ("pool", "pool_limit") in reasons(answer)


def test_metadata_come_before_everybody_and_data_share_with_volumes(group, volume):
    thirsty = volume("data", size_bytes=40 * GIB, fs={"type": "xfs", "size": 40 * GIB, "used": 30 * GIB, "avail": 10 * GIB}, demand_bytes=60 * GIB,
                     history_mean_bytes=20 * GIB)  # fmt: skip
    answer = shared(group, [pool(demand=60 * GIB, metadata_demand=80 * MIB)], [thirsty], extents_free=1500)
    sizes = {action["target"].rpartition("/")[2]: action["to"] for action in answer["actions"]}
    assert sizes["pool"]["metadata_size"] >= 88 * MIB
    grown = {name: (to["size"] - 40 * GIB) // EXTENT for name, to in sizes.items()}
    # equal weights: equal shares of what the metadata left over
    assert abs(grown["pool"] - grown["data"]) <= 1
    assert sum(action["cost"]["bytes"] for action in answer["actions"]) <= 1000 * EXTENT
    assert {("pool", "no_space"), ("data", "no_space"), ("pool", "overprovisioned")} <= reasons(answer)
    assert [one["kind"] for one in answer["proposals"]] == ["vg_extend"]


def test_without_space_for_its_metadata_data_do_not_outgrow_them(group):
    answer = shared(group, [pool(size=40 * GIB, demand=50 * GIB, metadata=40 * MIB)], extents_free=500 + 1)
    assert answer["actions"] == []
    assert ("pool", "no_space") in reasons(answer)


WATCHED = {"monitored": True, "monitoring": True, "threshold": 0.8, "step": 0.2, "command": None, "profile": None}


def test_dmeventd_in_charge_is_told_and_left_alone(group):
    answer = shared(group, [pool(demand=60 * GIB, refused_reason="dmeventd_in_charge", autoextend=WATCHED)])
    assert answer["actions"] == answer["proposals"] == []
    (refusal,) = answer["refused"]
    assert refusal["reason"] == "dmeventd_in_charge"
    assert refusal["message"].startswith(
        "Cannot grow lv:web1/vg0/pool: dmeventd is in charge: it extends it by 20% at 80%. Needed: activation/thin_pool"
    )
    poor = shared(group, [pool(demand=60 * GIB, refused_reason="dmeventd_in_charge", autoextend=WATCHED)], extents_free=600)
    assert "its next step needs 8 GiB and vg0 has 2.34 GiB free" in poor["refused"][0]["message"]


def test_a_pool_that_only_a_pattern_names_is_proposed(group):
    answer = shared(group, [pool(demand=45 * GIB, managed=True, named_exactly=False)])
    assert answer["actions"] == []
    (proposal,) = answer["proposals"]
    assert (proposal["kind"], proposal["option"], proposal["to"]["metadata_size"]) == ("lv_resize", "manage", 64 * MIB)
    (refusal,) = answer["refused"]
    assert (refusal["reason"], refusal["option"]) == ("pool_not_named", "manage[].match")


def test_damaged_pools_are_told(group):
    (refusal,) = shared(group, [pool(demand=60 * GIB, refused_reason="pool_damaged")])["refused"]
    assert "lvconvert --repair" in refusal["message"]


def test_the_warning_of_an_overprovisioned_pool_names_dates_and_the_fastest_volume(group):
    told = {
        "runway": {"seconds": {"0.1": 57600.0, "0.5": 86400.0, "0.9": None}, "horizon_seconds": 172800, "by": "data"},
        "fastest": {"entity": "lv:web1/vg0/mail", "bytes_per_day": 6.0 * GIB},
    }
    answer = shared(group, [pool(demand=90 * GIB, **told)], extents_free=501)
    (warning,) = [one for one in answer["refused"] if one["reason"] == "overprovisioned"]
    assert warning["message"] == (
        "lv:web1/vg0/pool is over-provisioned, 400 GiB of volumes on 40 GiB (10.0 times), and cannot be extended as far as it needs; "
        "full at the earliest in 16h, likely in 1d. lv:web1/vg0/mail grows fastest, by 6 GiB a day."
    )


def snapshot(**fields):
    return {
        "entity": "lv:web1/vg0/snap", "host": "web1", "vg": "vg0", "lv": "snap", "size_bytes": 4 * GIB, "used_bytes": 2 * GIB, "overflowed": False,
        "can_fill": True, "runway": {"seconds": {"0.1": None, "0.5": None, "0.9": None}, "horizon_seconds": 86400}, "autoextend": None, **fields,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, None),
        (
            {"runway": {"seconds": {"0.1": 7200, "0.5": None, "0.9": None}}},
            "is 50% of 4 GiB full and overflows at the earliest 2025-11-21 06:40 UTC;",
        ),
        ({"used_bytes": int(3.8 * GIB)}, "is 95% of 4 GiB full; when it overflows, what it keeps is lost."),
        ({"used_bytes": int(3.8 * GIB), "can_fill": False}, None),
        ({"overflowed": True}, "has overflowed: what it kept is lost"),
        ({"used_bytes": int(3.8 * GIB), "autoextend": WATCHED}, "never changed here; dmeventd extends it by 20% at 80%."),
    ],
)
def test_snapshots_that_will_be_lost_are_told(group, fields, told):
    answer = shared(group, [], snapshots=[snapshot(**fields)])
    assert answer["actions"] == answer["proposals"] == []
    if told is None:
        assert answer["refused"] == []
    else:
        (refusal,) = answer["refused"]
        assert (refusal["reason"], refusal["entity"]) == ("snapshot_overflow", "lv:web1/vg0/snap")
        assert told in refusal["message"]


def test_pools_wait_like_volumes(group):
    quiet = {"quiet_hours": [{"from": "00:00", "to": "23:59"}]}
    answer = shared(group, [pool(demand=50 * GIB, metadata_demand=80 * MIB)], policy=quiet)
    assert (answer["actions"], reasons(answer)) == ([], {("pool", "quiet_hours")})
    answer = shared(group, [pool(demand=50 * GIB, used=39 * GIB, last_resized_at=NOW - 60)], policy={"cool_down_seconds": 3600})
    assert (answer["actions"][0]["reason"], reasons(answer)) == ("floor", {("pool", "cool_down")})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": None}, "data is missing"),
        ({"chunk_bytes": -1}, "chunk_bytes"),
        ({"vg": "other"}, "which is not among the groups"),
        ({"data": {"size_bytes": GIB, "used_bytes": 2 * GIB}}, "used_bytes"),
    ],
)
def test_wrong_documents_are_refused_by_name(group, change, message):
    with pytest.raises(InputError, match=message):
        shared(group, [{**pool(), **change}])


def test_a_pool_twice_is_refused(group):
    with pytest.raises(InputError, match="lv:web1/vg0/pool appears twice"):
        shared(group, [pool(), pool()])


def test_actions_and_refusals_make_a_valid_plan(group):
    answer = shared(group, [pool(demand=90 * GIB, metadata_demand=90 * MIB), pool("other", demand=90 * GIB, named_exactly=False)], extents_free=1000,
                    snapshots=[snapshot(overflowed=True)])  # fmt: skip
    plan = build_plan(now=NOW, inventory=["web1"], hosts=["web1"], collection_version="1.0.0", **answer)
    validate_plan(plan)
    assert plan["actions"][0]["to"]["metadata_size"] > 64 * MIB
