from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rules import balancers, ha_rules, wishes

MORE = {"weight": 1.0, "source": "ha"}


def test_groups_of_releases_before_9():
    groups = [
        {"group": "db", "nodes": "pve1:2,pve2", "restricted": 1},
        {"group": "web", "nodes": "pve3"},
        {"group": "empty", "nodes": "pve1"},
    ]
    members = [{"sid": "vm:202", "group": "db"}, {"sid": "ct:101", "group": "db"}, {"sid": "ct:102", "group": "web"}, {"sid": "ct:103"}]
    assert ha_rules([], groups, members) == [
        {"kind": "on_nodes", "guests": ["lxc/101", "qemu/202"], "nodes": ["pve1", "pve2"], "strict": True, "name": "db", **MORE},
        {"kind": "on_nodes", "guests": ["lxc/101", "qemu/202"], "nodes": ["pve1"], "strict": False, "name": "db", **MORE},
        {"kind": "on_nodes", "guests": ["lxc/102"], "nodes": ["pve3"], "strict": False, "name": "web", **MORE},
    ]


@pytest.mark.parametrize("tags", ["foresight.apart.web;prod", "prod,FORESIGHT.Apart.Web", "prod foresight.apart.web"])
def test_tags_in_any_case_and_separated_by_anything(tags):
    found = wishes([{"id": "lxc/101", "tags": tags}, {"id": "lxc/102", "tags": "foresight.apart.web"}], [], ["pve1"])
    assert [(rule["kind"], rule["name"], rule["guests"]) for rule in found.rules] == [("apart", "web", ["lxc/101", "lxc/102"])]


@pytest.mark.parametrize("tags", ["foresight", "foresight.apartment.x", "myforesight.ignore", "foresight.ignored", "apart.web", ""])
def test_other_tags_mean_nothing(tags):
    assert wishes([{"id": "lxc/101", "tags": tags}], [], []) == ([], {}, [])


def test_a_pool_and_a_tag_of_one_name_are_two_rules():
    guests = [{"id": "lxc/101", "tags": "foresight.together.a", "pool": "p"}, {"id": "lxc/102", "pool": "p"}]
    found = wishes(guests, [{"poolid": "p", "comment": "foresight.together.a"}], [])
    assert [(rule["source"], rule["guests"]) for rule in found.rules] == [("pool", ["lxc/101", "lxc/102"]), ("tag", ["lxc/101"])]


@pytest.mark.parametrize("crs", [{"ha-auto-rebalance": 1}, {"ha-auto-rebalance": "1"}, "ha=static,ha-auto-rebalance=1"])
def test_scheduler_in_every_shape_that_the_api_has(crs):
    assert balancers({"crs": crs}, []) == ["crs ha-auto-rebalance"]
