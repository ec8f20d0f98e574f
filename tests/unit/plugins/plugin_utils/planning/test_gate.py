# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import complete
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.gate import Terms, Verdict, decide, decide_host


def terms(samples, **more):
    hosts = frozenset(samples.HOSTS)
    values = {
        "now": samples.NOW,
        "inventory": hosts,
        "play": hosts,
        "reachable": hosts,
        "exclude": (),
        "stopped": None,
        "budgets": complete(None),
        "attributes": {},
    }
    return Terms(**{**values, **more})


def reasons(entries):
    return {entry["target"]: entry["reason"] for entry in entries}


@st.composite
def any_terms(draw, samples):
    hosts = st.frozensets(st.sampled_from([*samples.HOSTS, "stranger"]))
    keys = [f"host:{host}" for host in samples.HOSTS] + ["lv:web1/vg0/a", "guest:prod/qemu/101"]
    return terms(
        samples,
        now=samples.NOW + draw(st.integers(0, 100)),
        inventory=draw(hosts),
        play=draw(hosts),
        reachable=draw(hosts),
        exclude=tuple(
            draw(st.lists(st.sampled_from(["lv:web1/*", "host:db1", "*/vg0/a", "guest:prod/qemu/10*", "host == 'web2'"]), max_size=2))
        ),
        stopped=draw(st.none() | st.none() | st.just(Verdict("stopped", "stop"))),
        budgets=complete(draw(samples.budgets)),
        attributes={key: {"recorded": {"shifted_by": 1}} for key in draw(st.lists(st.sampled_from(keys), max_size=2))},
    )


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_what_passes_breaks_no_rule(samples, verifier, data):
    document = build_plan(**data.draw(samples.plan_inputs()))
    now = data.draw(any_terms(samples))
    decision = decide(document, now)
    for action in decision.granted:
        host, target = action["host"], action["target"]
        assert now.stopped is None
        assert host in now.inventory & now.play & now.reachable
        assert f"host:{host}" not in now.attributes
        assert target not in now.attributes
        assert (action.get("forecast") or {}).get("status", "ok") == "ok" or action["reason"] == "floor"
        assert not ("lv:web1/*" in now.exclude and target.startswith("lv:web1/"))
        assert not ("host:db1" in now.exclude and host == "db1")
        assert not ("*/vg0/a" in now.exclude and target.endswith("/vg0/a"))
        assert not ("guest:prod/qemu/10*" in now.exclude and target.startswith("guest:prod/qemu/10"))
        assert not ("host == 'web2'" in now.exclude and host == "web2")
    assert verifier.beyond(decision.granted, now.budgets) == []
    assert verifier.beyond(decision.granted, document["budgets"]) == []
    assert verifier.broken_order(decision.granted, document["actions"]) == []
    told = [entry["action"] for entry in (*decision.pending, *decision.refused)]
    assert sorted([*told, *(action["id"] for action in decision.granted)]) == sorted(action["id"] for action in document["actions"])


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_hosts_together_get_what_the_open_gate_granted(samples, data):
    document = build_plan(**data.draw(samples.plan_inputs()))
    now = data.draw(any_terms(samples))
    opened = decide(document, now)
    withheld = {entry["action"] for entry in (*opened.pending, *opened.refused)}
    handed = [action for host in samples.HOSTS for action in decide_host(document, host, withheld, now).granted]
    assert sorted(action["id"] for action in handed) == sorted(action["id"] for action in opened.granted)


@pytest.mark.parametrize(
    ("more", "where", "reason"),
    [
        ({"stopped": Verdict("stopped", "x")}, "refused", "stopped"),
        ({"exclude": ("web1/vg0/*",)}, "refused", "excluded"),
        ({"exclude": ("host:web1",)}, "refused", "excluded"),
        ({"exclude": ("vg0/data",)}, "refused", "excluded"),
        ({"exclude": ("vg:web1/vg0",)}, "refused", "excluded"),
        ({"attributes": {"vg:web1/vg0": {"shared_with": ["web2"]}}}, "refused", "shared_vg"),
        (
            {"exclude": ("contains(tags, 'keep')",), "attributes": {"lv:web1/vg0/data": {"tags": ["keep"]}}},
            "refused",
            "excluded",
        ),
        ({"inventory": frozenset(["web2"])}, "refused", "not_in_inventory"),
        ({"attributes": {"host:web1": {"recorded": {"shifted_by": 5}}}}, "refused", "recorded_host"),
        ({"attributes": {"lv:web1/vg0/data": {"recorded": {}}}}, "refused", "recorded_host"),
        ({"play": frozenset(["web2"])}, "pending", "not_in_play"),
        ({"reachable": frozenset(["web2"])}, "pending", "unreachable"),
        ({"budgets": complete({"actions": 0})}, "refused", "budget"),
        ({"budgets": complete({"growth_fraction": 0.1})}, "refused", "budget"),
    ],
)
def test_each_reason(samples, more, where, reason):
    decision = decide(build_plan(**samples.inputs(samples.volume())), terms(samples, **more))
    assert decision.granted == []
    assert reasons(getattr(decision, where)) == {"lv:web1/vg0/data": reason}


@pytest.mark.parametrize("budgets", [{"growth_fraction": 0.4}, {"growth_bytes": 1}, {"bytes": 1}])
def test_disks_of_guests_are_held_to_the_budgets_of_the_run(samples, budgets):
    document = build_plan(**samples.inputs(samples.guest(), samples.guest("lxc/105", {"cores": 1}, {"cores": 2})))
    decision = decide(document, terms(samples, budgets=complete(budgets)))
    assert reasons(decision.refused) == {"guest:prod/lxc/104": "budget"}
    assert [action["target"] for action in decision.granted] == ["guest:prod/lxc/105"]


@pytest.mark.parametrize("status", ["stale", "invalid", "cold_start", "no_history"])
def test_only_a_floor_acts_without_a_good_forecast(samples, status):
    forecast = {"quantile": 0.9, "value": 1.0, "method": "ets", "status": status}
    document = build_plan(**samples.inputs(samples.volume(forecast=forecast), samples.volume("web2", reason="floor", forecast=forecast)))
    decision = decide(document, terms(samples))
    assert [action["host"] for action in decision.granted] == ["web2"]
    assert reasons(decision.refused) == {"lv:web1/vg0/data": status}


@pytest.mark.parametrize(("moment", "expected"), [(99, "pending"), (100, "granted"), (199, "granted"), (200, "refused")])
def test_windows(samples, moment, expected):
    document = build_plan(**samples.inputs(samples.volume(window={"not_before": 100, "not_after": 200})))
    assert len(getattr(decide(document, terms(samples, now=moment)), expected)) == 1


def test_what_depends_on_a_refused_action_falls_with_it(samples):
    chain = [
        samples.volume(name="a"),
        samples.volume(name="b", after=["lv:web1/vg0/a"]),
        samples.volume(name="c", after=["lv:web1/vg0/b"]),
        samples.volume("web2"),
    ]
    decision = decide(build_plan(**samples.inputs(*chain)), terms(samples, exclude=("*/a",)))
    assert [action["target"] for action in decision.granted] == ["lv:web2/vg0/data"]
    assert reasons(decision.refused) == {
        "lv:web1/vg0/a": "excluded",
        "lv:web1/vg0/b": "depends_on_refused",
        "lv:web1/vg0/c": "depends_on_refused",
    }


def test_later_waves_fall_with_a_move_that_does_not_run(samples):
    waves = [
        {"wave": 1, "moves": [samples.move("lxc/1", "a", "b"), samples.move("lxc/2", "a", "b")]},
        {"wave": 2, "moves": [samples.move("lxc/3", "b", "a")]},
    ]
    document = build_plan(**samples.inputs(clusters=[samples.balance(*waves)]))
    decision = decide(document, terms(samples, exclude=("guest:prod/lxc/1",)))
    assert [action["target"] for action in decision.granted] == ["guest:prod/lxc/2"]
    assert reasons(decision.refused)["guest:prod/lxc/3"] == "depends_on_refused"


def test_a_host_is_judged_again(samples):
    document = build_plan(**samples.inputs(samples.volume(name="a"), samples.volume(name="b")))
    later = dataclasses.replace(terms(samples), exclude=("*/a",))
    decision = decide_host(document, "web1", set(), later)
    assert [action["target"] for action in decision.granted] == ["lv:web1/vg0/b"]


@pytest.mark.parametrize("text", ["", "  ", "!lv:web1/*", "host ==", "lv:web1/*,lv:web2/*"])
def test_an_exclude_list_that_cannot_be_read_stops_everything(samples, text):
    with pytest.raises(InputError):
        decide(build_plan(**samples.inputs(samples.volume())), terms(samples, exclude=(text,)))
