"""The cluster of the demo: what its file says is made by its script, it is out of balance at any time of the day, and its rules bind."""

from __future__ import annotations

import copy
import time
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("proxmoxer")
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from sandbox import clock
from sandbox.server import Sandbox
from support.proxmox import Asking, read
from support.sandbox_client import Client, until
from tools import demo_cluster

MIDNIGHT = 1795392000  # of 2026-11-23
TOKEN = {"api_token_id": f"{demo_cluster.USER}!{demo_cluster.TOKEN}", "api_token_secret": demo_cluster.SECRET}
POLICY = {"resources": {"memory": 1, "cpu": 1}, "target_spread": 0.1}


@pytest.fixture(scope="module", params=[0, 12], ids=lambda hour: f"{hour}h")
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What proxmox_facts reads of it at an hour of the day."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "time", SimpleNamespace(time=lambda: MIDNIGHT + request.param * 3600.0, monotonic=time.monotonic))
        with Sandbox(demo_cluster.STATE, speed=0.0) as sandbox:
            return read(sandbox, client=Asking(sandbox, **TOKEN), host="sandbox")


@pytest.fixture(scope="module")
def answers(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What two strategies make of it."""
    return {strategy: cluster_balance(document, {**POLICY, "strategy": strategy}) for strategy in ("foresight", "greedy_batch")}


def test_the_file_is_what_its_script_makes() -> None:
    assert demo_cluster.STATE.read_text(encoding="utf-8") == demo_cluster.text()


def test_it_is_read_whole(document: dict[str, Any]) -> None:
    assert (document["problems"], document["balancers"], document["cluster"]) == ([], [], "sandbox")
    assert [node["name"] for node in document["nodes"] if node["maintenance"]] == ["pve5"]
    kinds = [guest["id"].partition("/")[0] for guest in document["guests"]]
    assert (len(document["nodes"]), kinds.count("lxc") > 15, kinds.count("qemu") > 15) == (5, True, True)
    assert {"local-lvm", "ceph"} == {disk["storage"] for guest in document["guests"] for disk in guest["disks"]}
    assert sorted((rule["kind"], rule["source"], rule["name"]) for rule in document["rules"]) == [
        ("apart", "ha", "controllers"),
        ("apart", "pool", "search"),
        ("apart", "tag", "web"),
        ("on_nodes", "ha", "uplink"),
        ("on_nodes", "tag", "pve1"),
        ("on_nodes", "tag", "pve2.pve3"),
        ("together", "ha", "mail"),
        ("together", "tag", "shop"),
    ]
    assert [guest["name"] for guest in document["guests"] if not guest["movable"]] == ["legacy", "debian-12"]


@pytest.mark.parametrize("strategy", ["foresight", "greedy_batch"])
def test_a_dozen_moves_mend_it(document: dict[str, Any], answers: dict[str, dict[str, Any]], strategy: str) -> None:
    answer = answers[strategy]
    assert min(answer["before"]["spread"].values()) > 0.5
    assert answer["before"]["violations"] == 4  # two of the web servers share a node, three guests are on the node in maintenance
    assert (answer["verdict"], answer["after"]["violations"], answer["refused"]) == ("improved", 0, [])
    assert max(answer["after"]["spread"].values()) <= (POLICY["target_spread"] if strategy == "foresight" else 0.2)
    assert 8 <= len(answer["moves"]) <= 12
    assert {move["kind"] for move in answer["moves"]} == {"repair", "evacuate", "balance"}
    assert migration_waves(answer["moves"], document)


def test_foresight_needs_no_more_than_greedy_batch(answers: dict[str, dict[str, Any]]) -> None:
    moves = {name: len(answer["moves"]) for name, answer in answers.items()}
    sent = {name: sum(move["cost"]["bytes"] for move in answer["moves"]) for name, answer in answers.items()}
    assert moves["foresight"] <= moves["greedy_batch"]
    assert sent["foresight"] < sent["greedy_batch"]


def test_its_rules_bind(document: dict[str, Any]) -> None:
    """Whoever does not know the rules breaks more of them than the one that is broken at the start."""
    moved = copy.deepcopy(document)
    target = {move["guest"]: move["to"] for move in cluster_balance({**document, "rules": []}, POLICY)["moves"]}
    for guest in moved["guests"]:
        guest["node"] = target.get(guest["id"], guest["node"])
    assert cluster_balance(moved, {"goal": "repair_only"})["before"]["violations"] >= 2


def test_its_moves_can_be_made_with_its_token() -> None:
    with Sandbox(demo_cluster.STATE, speed=200.0) as sandbox:
        client = Client(sandbox, token=f"{demo_cluster.USER}!{demo_cluster.TOKEN}={demo_cluster.SECRET}")
        document = read(sandbox, client=Asking(sandbox, **TOKEN))
        running = {guest["id"]: guest["running"] for guest in document["guests"]}
        target = {guest["id"]: guest["node"] for guest in document["guests"]}
        for wave in migration_waves(cluster_balance(document, POLICY)["moves"], document):
            tasks = []
            for move in wave["moves"]:
                kind = {"restart": 1} if move["guest"].startswith("lxc/") else {"online": 1, "with__local__disks": 1}
                tasks.append(client.post(f"/nodes/{move['from']}/{move['guest']}/migrate", target=move["to"], **kind))
                target[move["guest"]] = move["to"]
            for upid in tasks:
                assert client.well(upid)[-1] == "TASK OK"
        until(lambda: {guest["id"]: guest["node"] for guest in client.get("/cluster/resources", type="vm")} == target)
        until(lambda: {guest["id"]: guest["status"] == "running" for guest in client.get("/cluster/resources", type="vm")} == running)
        after = cluster_balance(read(sandbox, client=Asking(sandbox, **TOKEN)), {**POLICY, "target_spread": 0.2})
        assert (after["verdict"], after["before"]["violations"]) == ("balanced", 0)


def test_days_of_history_are_served() -> None:
    with Sandbox(demo_cluster.STATE, speed=0.0) as sandbox:
        client = Client(sandbox, token=f"{demo_cluster.USER}!{demo_cluster.TOKEN}={demo_cluster.SECRET}")
        now = sandbox.world.now()
        for path, key in (
            ("/nodes/pve1", "cpu"),
            ("/nodes/pve1/lxc/101", "cpu"),
            ("/nodes/pve1/qemu/201", "mem"),
            ("/nodes/pve1/storage/ceph", "used"),
        ):
            known = [point["time"] for point in client.get(f"{path}/rrddata", timeframe="month", cf="AVERAGE") if key in point]
            assert (now - 14 * 86400) <= known[0] <= (now - 13 * 86400)
            assert len(known) > 600


def test_the_ha_manager_finds_nothing_to_do() -> None:
    with Sandbox(demo_cluster.STATE, speed=500.0) as sandbox:
        start = sandbox.world.now()
        client = Client(sandbox, token=f"{demo_cluster.USER}!{demo_cluster.TOKEN}={demo_cluster.SECRET}")
        while sandbox.world.now() < start + 60:
            assert [entry for entry in client.get("/cluster/ha/status/current") if entry.get("crm_state", "started") != "started"] == []
        assert {task["type"] for task in client.get("/cluster/tasks")} <= {"qmstart", "vzstart"}
