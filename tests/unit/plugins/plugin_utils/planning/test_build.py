# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import action_id, build_plan, validate_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import headline


def shuffled(value, random):
    """Return value with the keys of every map in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(item, random) for key, item in items}
    return [shuffled(item, random) for item in value] if isinstance(value, list) else value


@given(data=st.data())
@settings(deadline=None, max_examples=80)
def test_every_plan_passes_the_independent_verifier(samples, verifier, data):
    document = build_plan(**data.draw(samples.plan_inputs()))
    validate_plan(document)
    assert verifier.problems(document) == []


@given(data=st.data())
@settings(deadline=None, max_examples=50)
def test_nothing_is_lost_to_a_budget(samples, data):
    given_inputs = data.draw(samples.plan_inputs())
    document = build_plan(**given_inputs)
    planned = {action["id"] for action in document["actions"]}
    refused = {entry["action"] for entry in document["refused"] if entry["reason"] == "budget"}
    wanted = {action_id(action) for action in given_inputs["actions"]} | {
        action_id(
            {"kind": "guest_migrate", "target": f"guest:prod/{move['guest']}", "from": {"node": move["from"]}, "to": {"node": move["to"]}}
        )
        for entry in given_inputs.get("clusters", [])
        for move in entry["balance"]["moves"]
    }
    assert planned | refused == wanted
    assert not planned & refused


@given(data=st.data(), random=st.randoms())
@settings(deadline=None, max_examples=50)
def test_the_id_depends_on_content_not_on_order_or_time(samples, data, random):
    given_inputs = data.draw(samples.plan_inputs())
    document = build_plan(**given_inputs)
    other = {key: shuffled(value, random) for key, value in given_inputs.items()}
    for key in ("actions", "refused", "proposals", "hosts", "inventory"):
        other[key] = random.sample(list(other[key]), len(other[key]))
    again = build_plan(**{**other, "now": given_inputs["now"] + 17})
    assert again["id"] == document["id"]
    assert [action["id"] for action in again["actions"]] == [action["id"] for action in document["actions"]]


@pytest.mark.parametrize(
    "more",
    [
        {"policy": {"headroom": 0.2}},
        {"check": True},
        {"observed_at": 1},
        {"hosts": ["web1"]},
        {"inventory": ["web1"]},
        {"budgets": {"actions": 9}},
        {"collection_version": "2"},
    ],
)
def test_the_id_changes_with_anything_that_matters(samples, more):
    assert build_plan(**{**samples.inputs(samples.volume()), **more})["id"] != build_plan(**samples.inputs(samples.volume()))["id"]


def test_most_urgent_first_and_the_budget_cuts_from_the_end(samples):
    calm = samples.volume("web1", "calm", forecast={"quantile": 0.9, "value": 11 * samples.GIB, "method": "ets"})
    tight = samples.volume("web1", "tight", forecast={"quantile": 0.9, "value": 19 * samples.GIB, "method": "ets"})
    soon = samples.volume("web2", "soon", forecast={"quantile": 0.9, "value": 10 * samples.GIB, "method": "ets", "runway_seconds": 600})
    floor = samples.volume("db1", "floor", reason="floor")
    document = build_plan(**samples.inputs(calm, tight, soon, floor, budgets={"actions": 3}))
    assert [action["target"] for action in document["actions"]] == ["lv:db1/vg0/floor", "lv:web2/vg0/soon", "lv:web1/vg0/tight"]
    (refusal,) = document["refused"]
    assert refusal["entity"] == "lv:web1/vg0/calm"
    assert refusal["reason"] == "budget"
    assert "it may hold 3 (O(budgets.actions))" in refusal["message"]


def test_bytes_beyond_the_budget_are_refused_but_smaller_actions_still_fit(samples):
    big = samples.volume("web1", "big", 10 * samples.GIB, 30 * samples.GIB, reason="floor")
    small = samples.volume("web2", "small", 10 * samples.GIB, 11 * samples.GIB)
    document = build_plan(**samples.inputs(big, small, budgets={"bytes": 5 * samples.GIB}))
    assert [action["target"] for action in document["actions"]] == ["lv:web2/vg0/small"]
    assert "20 GiB" in document["refused"][0]["message"]


def test_growth_per_action_has_limits_of_its_own(samples):
    action = samples.volume("web1", "data", 10 * samples.GIB, 16 * samples.GIB)
    by_fraction = build_plan(**samples.inputs(action, budgets={"growth_fraction": 0.5}))
    by_bytes = build_plan(**samples.inputs(action, budgets={"growth_bytes": 5 * samples.GIB}))
    assert by_fraction["actions"] == by_bytes["actions"] == []
    assert "would grow by 60% of its size; one action may grow 50%" in by_fraction["refused"][0]["message"]


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ({"growth_fraction": 0.4}, "disk.rootfs of guest:prod/lxc/104 would grow by 50% of its size; one action may grow 40%"),
        ({"growth_bytes": 5 * (1 << 30)}, "guest:prod/lxc/104 would grow by 6 GiB; one action may grow 5 GiB"),
        ({"bytes": 5 * (1 << 30)}, "would bring the bytes of this plan to 6 GiB"),
    ],
)
def test_disks_of_guests_grow_within_the_budgets(samples, budgets, message):
    before = {"memory": samples.GIB, "disk.rootfs": 8 * samples.GIB, "disk.mp0": 20 * samples.GIB}
    after = {"memory": 4 * samples.GIB, "disk.rootfs": 12 * samples.GIB, "disk.mp0": 22 * samples.GIB}
    resize = samples.guest(before=before, after=after)
    refused = build_plan(**samples.inputs(resize, budgets=budgets))
    assert refused["actions"] == []
    assert message in refused["refused"][0]["message"]
    enough = build_plan(
        **samples.inputs(resize, budgets={"growth_fraction": 0.5, "growth_bytes": 6 * samples.GIB, "bytes": 6 * samples.GIB})
    )
    assert len(enough["actions"]) == 1
    assert "growing 6 GiB" in headline(enough)


def test_memory_and_cores_of_guests_are_no_growth(samples):
    more = samples.guest(before={"memory": samples.GIB, "cores": 1}, after={"memory": 64 * samples.GIB, "cores": None})
    assert len(build_plan(**samples.inputs(more, budgets={"bytes": 0, "growth_bytes": 0, "growth_fraction": 0.0}))["actions"]) == 1


def test_a_disk_whose_size_is_not_told_grows_by_no_known_fraction(samples):
    resize = samples.guest(before={"memory": samples.GIB}, after={"disk.mp0": samples.GIB})
    document = build_plan(**samples.inputs(resize, budgets={"growth_fraction": 10.0}))
    assert "disk.mp0 of guest:prod/lxc/104 would grow by 1 GiB, and its size is not told" in document["refused"][0]["message"]


def test_moves_become_migrations_in_the_order_of_their_waves(samples):
    park, back, other = (
        samples.move("qemu/101", "pve1", "pve3", kind="park"),
        samples.move("qemu/101", "pve3", "pve2"),
        samples.move("lxc/7", "pve2", "pve1"),
    )
    waves = [{"wave": 1, "moves": [park]}, {"wave": 2, "not_before": 99, "moves": [back, other]}]
    document = build_plan(**samples.inputs(clusters=[samples.balance(*waves, moves=[back, park, other])]))
    validate_plan(document)
    first = document["actions"][0]
    assert (first["host"], first["target"], first["expect"], first["wave"]) == ("prod-api", "guest:prod/qemu/101", {"node": "pve1"}, 1)
    assert first["undo"] == {"to": {"node": "pve1"}}
    second = next(action for action in document["actions"] if action["from"] == {"node": "pve3"})
    assert second["after"] == [first["id"]]
    assert second["window"] == {"not_before": 99}


def test_a_refused_move_takes_the_later_waves_with_it(samples):
    waves = [
        {"wave": 1, "moves": [samples.move("qemu/1", "a", "b", cost={"bytes": 50}), samples.move("qemu/2", "a", "b", cost={"bytes": 10})]}
    ]
    waves.append({"wave": 2, "moves": [samples.move("qemu/3", "c", "a", cost={"bytes": 1})]})
    document = build_plan(**samples.inputs(clusters=[samples.balance(*waves)], budgets={"bytes": 40}))
    assert [action["target"] for action in document["actions"]] == ["guest:prod/qemu/2"]
    messages = {entry["entity"]: entry["message"] for entry in document["refused"]}
    assert "It depends on the action" in messages["guest:prod/qemu/3"]


def test_refusals_name_the_guest_or_tell_the_rule(samples):
    rules = [{"kind": "together", "guests": ["lxc/1"]}, {"kind": "apart", "guests": ["lxc/2", "lxc/3"], "name": "web", "weight": 1.0}]
    refused = [{"guest": "lxc/9", "reason": "pinned"}, {"rule": 1, "reason": "no other node"}]
    document = build_plan(**samples.inputs(clusters=[samples.balance(refused=refused, document=samples.cluster(rules=rules))]))
    validate_plan(document)
    assert document["refused"] == [
        {
            "entity": "cluster:prod",
            "rule": {"number": 1, "kind": "apart", "name": "web", "guests": ["lxc/2", "lxc/3"]},
            "reason": "no other node",
        },
        {"entity": "guest:prod/lxc/9", "reason": "pinned"},
    ]


def test_moves_with_a_guest_that_is_not_managed_are_proposals(samples):
    waves = [{"wave": 1, "moves": [samples.move("lxc/1", "a", "b")]}, {"wave": 2, "moves": [samples.move("lxc/2", "b", "a")]}]
    guests = [{"id": "lxc/1", "managed": True}, {"id": "lxc/2", "managed": False}]
    document = build_plan(**samples.inputs(clusters=[samples.balance(*waves, document=samples.cluster(guests=guests))]))
    validate_plan(document)
    assert document["actions"] == []
    assert [(entry["kind"], entry["target"], entry["to"]) for entry in document["proposals"]] == [
        ("guest_migrate", "guest:prod/lxc/1", {"node": "b"}),
        ("guest_migrate", "guest:prod/lxc/2", {"node": "a"}),
    ]


def test_figures_of_several_clusters_stand_side_by_side(samples):
    states = {"before": {"spread": {"cpu": 0.5}, "violations": 2}, "after": {"spread": {"cpu": 0.1}, "violations": 0}}
    one = samples.balance({"wave": 1, "moves": [samples.move("lxc/1", "a", "b")]}, **states, seconds=0.3)
    two = samples.balance(document=samples.cluster(cluster="lab", host="lab-api", now=5))
    document = build_plan(**samples.inputs(clusters=[one, two], before={"vg:web1/vg0": {}}))
    assert document["before"] == {"vg:web1/vg0": {}, "cluster:prod": states["before"], "cluster:lab": {}}
    assert document["after"] == {"cluster:prod": states["after"], "cluster:lab": {}}
    later = [
        samples.balance(*one["waves"], **states, seconds=0.1),
        samples.balance(document=samples.cluster(cluster="lab", host="lab-api", now=9)),
    ]
    assert build_plan(**samples.inputs(clusters=later, before={"vg:web1/vg0": {}}))["id"] == document["id"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.inputs(s.volume(), s.volume(to=13 * s.GIB)), "would be changed twice"),
        (lambda s: s.inputs(s.volume(), s.volume(reason="floor")), "the same change of lv:web1/vg0/data with different details"),
        (lambda s: s.inputs(s.volume(after=["lv:web1/vg0/none"])), "comes after 'lv:web1/vg0/none', which no action"),
        (
            lambda s: s.inputs(s.volume(name="a", after=["lv:web1/vg0/b"]), s.volume(name="b", after=["lv:web1/vg0/a"])),
            "wait for each other",
        ),
        (lambda s: s.inputs(s.volume(), budgets={"max": 3}), "Unknown budget 'max'; known are actions"),
        (lambda s: s.inputs(s.volume(), budgets={"actions": -1}), "needed is a whole number"),
        (lambda s: s.inputs(s.volume(), budgets={"growth_fraction": "50%"}), "needed is a number"),
        (lambda s: s.inputs(s.volume(), expires_seconds=0), "O(expires_seconds)"),
        (lambda s: s.inputs(clusters=[{"waves": []}]), "needed are document, balance and waves"),
        (lambda s: s.inputs(clusters=[s.balance(moves=[s.move("lxc/1", "a", "b")])]), "do not hold the same moves"),
        (lambda s: s.inputs(clusters=[s.balance(document={"cluster": "x"})]), "a plan needs both"),
        (lambda s: s.inputs(clusters=[s.balance(), s.balance()]), "'prod' was given twice"),
        (lambda s: s.inputs({"kind": "lv_resize"}), "lacks host, target, expect, from, to, reason"),
        (lambda s: s.inputs(s.volume(), before={"x": float("nan")}), "A plan holds JSON only"),
        (lambda s: s.inputs(s.volume(message="\ud800")), "A plan holds JSON only"),
    ],
)
def test_contradictions_are_told(samples, change, message):
    with pytest.raises(PlanError) as caught:
        build_plan(**change(samples))
    assert message in str(caught.value)


def test_the_same_action_twice_is_one(samples):
    assert len(build_plan(**samples.inputs(samples.volume(), samples.volume()))["actions"]) == 1
