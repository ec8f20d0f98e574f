# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `allocate` answers to single cases: who grows and by how much, how scarce extents are shared, what waits and what is refused."""

from __future__ import annotations

import pytest

from support.allocations import EXTENT, GIB, MIB, NOW, ask, grown, reasons


def test_a_volume_grows_until_its_file_system_holds_demand_and_headroom(volume, group):
    answer = ask([volume()], [group()])
    action = answer["actions"][0]
    usable = 8 * GIB - 560 * MIB
    assert action["to"]["size"] * usable / (8 * GIB) >= 8 * GIB * 1.1 > (action["to"]["size"] - EXTENT) * usable / (8 * GIB)
    assert {key: action[key] for key in ("kind", "host", "target", "expect", "from", "reason", "after", "forecast")} == {
        "kind": "lv_resize",
        "host": "web1",
        "target": "lv:web1/vg0/data",
        "expect": {"uuid": "uuid-web1-vg0-data", "size": 8 * GIB},
        "from": {"size": 8 * GIB},
        "reason": "forecast",
        "after": [],
        "forecast": {"quantile": 0.9, "value": 8 * GIB, "method": "theta"},
    }
    assert action["cost"] == {"bytes": action["to"]["size"] - 8 * GIB}
    assert action["message"] == "The 0.9 quantile of the peak is 8 GiB, with 10% headroom 8.8 GiB; the volume of 8 GiB holds 7.45 GiB."
    assert answer["refused"] == answer["proposals"] == []


def test_a_volume_above_its_demand_stays(volume, group):
    assert ask([volume(demand_bytes=5 * GIB)], [group()]) == {"actions": [], "proposals": [], "refused": []}


def test_blocks_kept_for_root_do_not_count_as_room(volume, group):
    fs = {"type": "ext4", "size": 8 * GIB, "used": 6 * GIB}
    with_root, without = (grown(ask([volume(fs={**fs, **more})], [group()])) for more in ({"avail": int(1.6 * GIB)}, {}))
    assert with_root["lv:web1/vg0/data"] > without["lv:web1/vg0/data"]


def test_scarce_extents_are_shared_by_weight_and_the_modest_gets_all_it_wants(volume, group):
    volumes = [
        volume("big", demand_bytes=20 * GIB, history_mean_bytes=4 * GIB),
        volume("small", demand_bytes=20 * GIB, history_mean_bytes=1 * GIB),
        volume("modest", demand_bytes=7 * GIB, history_mean_bytes=4 * GIB),
    ]
    answer = ask(volumes, [group(extents_free=800, reserve_extents=0)], max_step_fraction=None)
    shares = grown(answer)
    assert sum(shares.values()) == 800
    assert not [reason for reason in reasons(answer) if reason[0].endswith("modest")]
    assert shares["lv:web1/vg0/big"] == pytest.approx(2 * shares["lv:web1/vg0/small"], abs=1)
    assert [proposal["kind"] for proposal in answer["proposals"]] == ["vg_extend"]


def test_priority_counts_in_the_weight(volume, group):
    volumes = [volume("first", priority=3.0, demand_bytes=20 * GIB), volume("second", demand_bytes=20 * GIB)]
    assert grown(ask(volumes, [group(extents_free=400, reserve_extents=0)])) == {"lv:web1/vg0/first": 300, "lv:web1/vg0/second": 100}


def test_the_proportional_strategy_hands_nothing_on(volume, group):
    volumes = [volume("hungry", demand_bytes=20 * GIB), volume("modest", demand_bytes=7.2 * GIB)]
    groups = [group(extents_free=1000, reserve_extents=0)]
    classic = ask(volumes, groups, strategy="proportional", max_step_fraction=None)
    fair = ask(volumes, groups, max_step_fraction=None)
    assert sum(grown(fair).values()) == 1000
    assert sum(grown(classic).values()) < 1000
    assert grown(classic)["lv:web1/vg0/modest"] == grown(fair)["lv:web1/vg0/modest"]


def test_the_reserve_stays_and_the_refusal_says_so(volume, group):
    answer = ask([volume()], [group(extents_free=600, reserve_extents=500)])
    assert grown(answer) == {"lv:web1/vg0/data": 100}
    (refusal,) = answer["refused"]
    assert (refusal["reason"], refusal["seen"], refusal["option"]) == ("no_space", 100 * EXTENT, "reserve")
    assert refusal["message"].startswith(
        "Cannot grow lv:web1/vg0/data to 9.45 GiB: 400 MiB free in vg0 after its reserve of 1.95 GiB (reserve)"
    )
    assert answer["proposals"][0]["bytes"] == refusal["needed"] - refusal["seen"]


def test_a_reserve_larger_than_what_is_free_gives_nothing(volume, group):
    answer = ask([volume()], [group(extents_free=400)])
    assert answer["actions"] == []
    assert reasons(answer) == [("lv:web1/vg0/data", "no_space")]
    (extend,) = answer["proposals"]
    enough = ask([volume()], [group(extents_free=400 + extend["bytes"] // EXTENT)])
    assert (grown(enough), enough["refused"]) == ({"lv:web1/vg0/data": answer["refused"][0]["needed"] // EXTENT}, [])


def test_one_step_and_the_maximum_bound_the_growth(volume, group):
    step = ask([volume(demand_bytes=80 * GIB)], [group()])
    assert grown(step) == {"lv:web1/vg0/data": 1024}
    assert reasons(step) == [("lv:web1/vg0/data", "max_step")]
    top = ask([volume(demand_bytes=80 * GIB, max_bytes=9 * GIB + 1)], [group()])
    assert grown(top) == {"lv:web1/vg0/data": 256}
    assert reasons(top) == [("lv:web1/vg0/data", "max_bytes")]
    assert "its maximum is 9 GiB (manage[].max)" in top["refused"][0]["message"]


def test_the_minimum_is_reached_without_any_forecast(volume, group):
    answer = ask([volume(demand_status="cold_start", demand_bytes=None, min_bytes=10 * GIB)], [group()])
    assert [(action["to"]["size"], action["reason"]) for action in answer["actions"]] == [(10 * GIB, "minimum")]


def test_small_changes_wait_while_the_demand_itself_fits(volume, group):
    nearly = volume(demand_bytes=7 * GIB)
    assert grown(ask([nearly], [group()], hysteresis_fraction=0)) != {}
    assert ask([nearly], [group()], hysteresis_fraction=0.1)["actions"] == []
    assert ask([nearly], [group()], min_change_extents=200)["actions"] == []
    assert grown(ask([volume(demand_bytes=7.5 * GIB)], [group()], min_change_extents=2000)) != {}


@pytest.mark.parametrize("status", ["cold_start", "stale", "invalid", "no_history"])
def test_a_floor_grows_by_one_step_without_a_forecast(volume, group, status):
    fs = {"type": "xfs", "size": 8 * GIB, "used": int(7.5 * GIB), "avail": GIB // 2}
    answer = ask([volume(demand_status=status, demand_bytes=None, fs=fs)], [group()])
    assert [(action["reason"], action.get("forecast")) for action in answer["actions"]] == [("floor", None)]
    assert grown(answer) == {"lv:web1/vg0/data": 205}
    assert "6.2% of 8 GiB is free" in answer["actions"][0]["message"]


def test_a_floor_needs_a_fresh_fact(volume, group):
    fs = {"type": "xfs", "size": 8 * GIB, "used": 8 * GIB, "avail": 0}
    answer = ask([volume(demand_status="stale", demand_bytes=None, fs=fs, observed_at=NOW - 3601)], [group()])
    assert answer["actions"] == []
    assert [(r["reason"], r["seen"], r["needed"]) for r in answer["refused"]] == [("stale_fact", 3601, 3600)]


def test_without_forecast_and_without_floor_a_managed_volume_says_why_nothing_happens(volume, group):
    answer = ask([volume(demand_status="cold_start", demand_bytes=None, demand_note="5 samples, needed are 14")], [group()])
    assert [(r["reason"], r["seen"], r["option"]) for r in answer["refused"]] == [("cold_start", "5 samples, needed are 14", "min_samples")]


def test_quiet_hours_and_cool_down_hold_forecasts_back_but_not_floors(volume, group):
    quiet = [{"from": "00:00", "to": "23:59"}]
    assert reasons(ask([volume()], [group()], quiet_hours=quiet)) == [("lv:web1/vg0/data", "quiet_hours")]
    recent = volume(last_resized_at=NOW - 60)
    assert reasons(ask([recent], [group()], cool_down_seconds=600)) == [("lv:web1/vg0/data", "cool_down")]
    assert grown(ask([recent], [group()], cool_down_seconds=60)) != {}
    assert ask([volume(last_resized_at=NOW + 5)], [group()], cool_down_seconds=0)["refused"] == []
    full = volume(fs={"type": "xfs", "size": 8 * GIB, "used": 8 * GIB, "avail": 0}, last_resized_at=NOW - 60)
    answer = ask([full], [group()], quiet_hours=quiet, cool_down_seconds=600)
    assert [action["reason"] for action in answer["actions"]] == ["floor"]
    assert reasons(answer) == [("lv:web1/vg0/data", "quiet_hours")]


def test_what_is_not_managed_is_proposed_from_what_the_managed_leave(volume, group):
    answer = ask([volume("mine"), volume("other", managed=False)], [group(extents_free=600, reserve_extents=0)])
    mine, other = grown(answer)["lv:web1/vg0/mine"], answer["proposals"][0]
    assert list(grown(answer)) == ["lv:web1/vg0/mine"]
    assert (other["target"], other["option"], "after" in other) == ("lv:web1/vg0/other", "manage", False)
    assert (other["to"]["size"] - other["from"]["size"]) // EXTENT == 600 - mine


@pytest.mark.parametrize("reason", ["internal", "snapshot", "guest_disk", "ignored", "excluded", "thin_volume", "something_new"])
def test_what_is_never_managed_is_refused_with_its_reason(volume, group, reason):
    answer = ask([volume(refused_reason=reason)], [group()])
    assert (answer["actions"], answer["proposals"], reasons(answer)) == ([], [], [("lv:web1/vg0/data", reason)])


def test_a_vg_seen_twice_is_refused_for_all_its_volumes(volume, group):
    groups = [group(uuid="one"), group(host="web2", uuid="one")]
    answer = ask([volume(), volume(host="web2"), volume("idle", demand_bytes=GIB)], groups)
    assert answer["actions"] == answer["proposals"] == []
    assert reasons(answer) == [("lv:web1/vg0/data", "shared_vg"), ("lv:web2/vg0/data", "shared_vg")]


def test_a_striped_volume_that_gets_a_part_gets_whole_rows_and_the_others_the_rest(volume, group):
    """lv_resize would round anything else up, and refuse it for the reserve: in every plan anew."""
    striped = volume(copies_freed=0)
    assert grown(ask([striped], [group(extents_free=500 + 200)])) == {"lv:web1/vg0/data": 180}
    assert grown(ask([striped], [group(extents_free=500 + 50)])) == {}
    both = grown(ask([striped, volume("other")], [group(extents_free=500 + 300)]))
    assert (both["lv:web1/vg0/data"], sum(both.values())) == (120, 300)


def test_the_proportional_strategy_asks_for_no_disk_while_extents_are_free(volume, group):
    volumes = [
        volume("large", history_mean_bytes=7 * GIB),
        volume("small", history_mean_bytes=GIB // 100, priority=0.01, demand_bytes=7.5 * GIB),
    ]
    answer = ask(volumes, [group(extents_free=500 + 800)], strategy="proportional")
    assert ("lv:web1/vg0/small", "no_space") in reasons(answer)
    assert answer["proposals"] == []


def test_the_proportional_strategy_serves_a_minimum_too(volume, group):
    raw = volume("raw", fs=None, mounted=False, named_exactly=True, min_bytes=9 * GIB, demand_status="no_history", demand_bytes=None)
    answer = ask([volume(), raw], [group(extents_free=500 + 1000)], strategy="proportional")
    assert grown(answer)["lv:web1/vg0/raw"] > 0


def test_a_mirrored_volume_takes_its_extents_twice(volume, group):
    answer = ask([volume(copies=2, demand_bytes=20 * GIB)], [group(extents_free=101, reserve_extents=0)])
    assert grown(answer) == {"lv:web1/vg0/data": 50}
    assert answer["actions"][0]["cost"] == {"bytes": 100 * EXTENT}


@pytest.mark.parametrize(
    ("strategy", "shares"),
    [
        ("water_filling", {"cache": 145, "db": 1161, "logs": 291, "www": 194}),
        ("proportional", {"cache": 8, "db": 1650, "logs": 80, "www": 51}),
    ],
)
def test_the_worked_example_of_the_documentation(volume, group, strategy, shares):
    def make(name, size, holds, used, demand, mean, **fields):
        fs = {"type": "xfs", "size": int(holds * GIB), "used": int(used * GIB), "avail": int(holds * GIB) - int(used * GIB)}
        status = "ok" if demand else "cold_start"
        demanded = demand * GIB if demand else None
        return volume(
            name, size_bytes=size * GIB, fs=fs, demand_bytes=demanded, demand_status=status, history_mean_bytes=mean * GIB, **fields
        )

    volumes = [
        make("db", 40, 39.8, 34, 46, 32, priority=2.0),
        make("logs", 16, 15.9, 12, 18, 8),
        make("www", 12, 11.9, 9.5, 11.5, 8),
        make("cache", 8, 7.95, 7.5, None, 2),
        make("home", 12, 11.9, 10, 13, 10, managed=False),
    ]
    answer = ask(volumes, [group(extents_free=3071, reserve_extents=1280)], strategy=strategy, min_growth_fraction=0.2)
    assert grown(answer) == {f"lv:web1/vg0/{name}": extents for name, extents in shares.items()}
    assert answer["proposals"][-1]["bytes"] == 3012 * EXTENT


def test_a_priority_next_to_nothing_still_gets_what_is_left(volume, group):
    volumes = [volume("first"), volume("last", priority=1e-300, history_mean_bytes=1)]
    shares = grown(ask(volumes, [group(extents_free=300, reserve_extents=0)], share_exponent=4))
    assert shares == {"lv:web1/vg0/first": 299, "lv:web1/vg0/last": 1}
