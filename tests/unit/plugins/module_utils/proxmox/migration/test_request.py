from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import (
    migrate_arguments,
    read_moves,
    read_options,
)


def action(guest="lxc/101", source="pve1", target="pve2", **more):
    given = {
        "id": f"{guest}-{target}",
        "kind": "guest_migrate",
        "target": f"guest:lab/{guest}",
        "expect": {"node": source},
        "to": {"node": target},
    }
    return {**given, **more}


def options(limits=None, **given):
    defaults = {name: spec.get("default") for name, spec in migrate_arguments().items()}
    inner = {name: spec.get("default") for name, spec in migrate_arguments()["limits"]["options"].items()}
    return read_options({**defaults, **given, "limits": {**inner, **(limits or {})}})


def test_waves_are_the_order():
    moves = read_moves([action("lxc/2", wave=2), action("lxc/1", wave=1), action("lxc/3", wave=1)])
    assert [move.guest for move in moves] == ["lxc/1", "lxc/3", "lxc/2"]


def test_without_waves_each_waits_for_the_one_before():
    assert [move.wave for move in read_moves([action("lxc/1"), action("lxc/2")])] == [0, 1]


def test_hops_know_where_the_guest_goes_on():
    moves = read_moves([action(target="pve3", wave=1), action(source="pve3", target="pve2", wave=2)])
    assert [move.onward for move in moves] == [("pve2",), ()]


def test_time_that_it_takes_is_the_largest_quantile():
    (move,) = read_moves([action(cost={"seconds": {"0.5": 30, "0.9": 90.5}})])
    assert move.seconds == 90.5


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ([action(kind="lv_resize")], "Needed are actions of kind guest_migrate"),
        (["lxc/101"], "Needed are actions of kind guest_migrate"),
        ([action(target="pve2", wave=1), action("lxc/2")], "Needed is a wave for all, or for none"),
        ([action(), action()], "Needed is every action once"),
        ([{**action(), "target": "guest:lab/ct/1"}], "Needed is guest:CLUSTER/lxc/ID"),
        ([{**action(), "target": "lv:web1/vg0/data"}], "Needed is guest:CLUSTER/lxc/ID"),
        ([{**action(), "expect": {}}], "lacks id, expect.node or to.node"),
        ([action(target="pve1")], "Needed are two nodes"),
        ([action(), {**action("lxc/2"), "target": "guest:other/lxc/2"}], "Needed are those of one cluster"),
        ([action(wave=1), action(source="pve3", target="pve4", wave=2)], "Needed are hops that go on"),
        ([action(target="pve3", wave=1), action(source="pve3", target="pve2", wave=1)], "in a later wave"),
        ([action(wave=1), action(source="pve2", target="pve1", wave=2)], "twice to the same node"),
        ([action("lxc/1", wave=1, after=["lxc/2-pve2"]), action("lxc/2", wave=2)], "which comes later"),
        ([action(wave="first")], "Needed is a number"),
        ([action(window={"not_before": "noon"})], "Needed is a number"),
    ],
)
def test_actions_that_make_no_sense(actions, words):
    with pytest.raises(ValueError, match=r"O\(actions") as raised:
        read_moves(actions)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"limits": {"global": 0}}, "O(limits.global)"),
        ({"limits": {"per_node_in": 0}}, "O(limits.per_node_in)"),
        ({"limits": {"bandwidth_bytes_per_second": 5.0}}, "O(limits.bandwidth_bytes_per_second)"),
        ({"timeout": 0}, "O(timeout)"),
        ({"window_wait": -1}, "O(window_wait)"),
        ({"shutdown_timeout": 0}, "O(shutdown_timeout)"),
        ({"max_failures": -1}, "O(max_failures)"),
        ({"never_move": ["web1"]}, "O(never_move)"),
        ({"timeout": float("nan")}, "O(timeout)"),
    ],
)
def test_limits_that_make_no_sense(wrong, option):
    with pytest.raises(ValueError) as raised:  # noqa: PT011  the option is looked for below
        options(**wrong)
    assert option in str(raised.value)


def test_reserve_that_makes_no_sense():
    with pytest.raises(Failure, match=r"reserves\.pve1"):
        options(reserves={"pve1": {"disk": 5}})


def test_defaults():
    found = options()
    assert (found.total, found.per_node_in, found.per_node_out, found.max_failures) == (None, 2, 2, 0)
