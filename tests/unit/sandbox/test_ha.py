"""The HA manager, nodes that fail, and a cluster without quorum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client, until


def where(client: Client, vmid: int) -> str:
    found: str = next(g for g in client.get("/cluster/resources", type="vm") if g["vmid"] == vmid)["node"]
    return found


def service(client: Client, sid: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in client.get("/cluster/ha/status/current") if s["id"] == f"service:{sid}")
    return found


def test_maintenance_moves_managed_guests_away_and_back(client: Client) -> None:
    client.sandbox.command(["maintenance", "pve3", "on"])
    node = next(n for n in client.get("/cluster/resources", type="node") if n["node"] == "pve3")
    assert (node["hastate"], node["status"]) == ("maintenance", "online")
    assert next(n for n in client.get("/nodes") if n["node"] == "pve3")["status"] == "online"
    until(lambda: where(client, 109) != "pve3" and service(client, "ct:109")["state"] == "started")
    assert where(client, 110) == "pve3"  # not managed: stays
    lrm = next(s for s in client.get("/cluster/ha/status/current") if s["id"] == "lrm:pve3")
    assert lrm["status"].startswith("pve3 (maintenance mode, ")
    assert client.get("/cluster/ha/status/manager_status")["manager_status"]["node_status"]["pve3"] == "maintenance"
    client.sandbox.command(["maintenance", "pve3", "off"])
    until(lambda: where(client, 109) == "pve3" and service(client, "ct:109")["state"] == "started")
    types = [task["type"] for task in client.get("/nodes/pve3/tasks", vmid=109)]
    assert "vzmigrate" in types
    assert "vzshutdown" in types


def test_a_state_file_may_begin_in_maintenance(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["nodes"][2]["maintenance"] = True
    client = serve(state)
    until(lambda: where(client, 109) != "pve3")


def test_the_managers_tasks_say_so_and_are_roots(client: Client) -> None:
    client.post("/cluster/ha/resources/ct:109/migrate", node="pve1")
    until(lambda: where(client, 109) == "pve1" and service(client, "ct:109")["state"] == "started")
    task = next(t for t in client.get("/nodes/pve3/tasks", vmid=109) if t["type"] == "vzmigrate")
    assert task["user"] == "root@pam"
    assert "tokenid" not in task
    assert client.well(task["upid"])[0] == "task started by HA resource agent"


def test_a_managed_vm_migrates_live(client: Client) -> None:
    client.post("/cluster/ha/resources", sid="vm:204")
    until(lambda: service(client, "vm:204")["state"] == "started")
    started = client.get("/nodes/pve1/qemu/204/status/current")["pid"]
    client.well(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1))
    until(lambda: where(client, 204) == "pve2" and service(client, "vm:204")["state"] == "started")
    assert client.get("/nodes/pve2/qemu/204/status/current")["pid"] == started  # it never stopped


def test_stopping_a_managed_guest_changes_what_is_requested(client: Client) -> None:
    assert client.well(client.post("/nodes/pve3/lxc/109/status/stop")) == ["Requesting HA stop for CT 109", "TASK OK"]
    assert client.get("/cluster/ha/resources/ct:109")["state"] == "stopped"
    until(lambda: service(client, "ct:109")["crm_state"] == "stopped")
    assert client.get("/nodes/pve3/lxc/109/status/current")["status"] == "stopped"
    client.well(client.post("/nodes/pve3/lxc/109/status/start"))
    until(lambda: client.get("/nodes/pve3/lxc/109/status/current")["status"] == "running")


def test_a_managed_guest_that_ends_is_started_again(client: Client) -> None:
    with client.sandbox.world.lock:
        client.sandbox.world.set_running(client.sandbox.world.guests[109], False)
    until(lambda: client.get("/nodes/pve3/lxc/109/status/current")["status"] == "running")


@pytest.mark.parametrize("affinity", ["negative", "positive"])
def test_resource_affinity(client: Client, affinity: str) -> None:
    client.post("/cluster/ha/resources", sid="ct:104")
    client.post("/cluster/ha/rules", type="resource-affinity", rule="both", resources="104,ct:109", affinity=affinity)
    assert client.get("/cluster/ha/rules/both")["resources"] == "ct:104,ct:109"
    if affinity == "negative":
        answer = client.post("/cluster/ha/resources/ct:109/migrate", node="pve1")
        assert answer == {
            "sid": "ct:109",
            "requested-node": "pve1",
            "blocking-resources": [{"sid": "ct:104", "cause": "resource-affinity"}],
        }
        possible = client.get("/nodes/pve3/lxc/109/migrate")
        assert possible["allowed-nodes"] == ["pve2"]
        assert possible["not-allowed-nodes"] == {"pve1": {"blocking-ha-resources": [{"sid": "ct:104", "cause": "resource-affinity"}]}}
        client.post("/cluster/ha/resources/ct:109/migrate", node="pve2")  # the first never happens
        until(lambda: where(client, 109) == "pve2")
    else:
        until(
            lambda: (
                where(client, 104) == where(client, 109)
                and service(client, "ct:104")["state"] == service(client, "ct:109")["state"] == "started"
            )
        )
        answer = client.post("/cluster/ha/resources/ct:109/migrate", node="pve2")
        assert answer == {"sid": "ct:109", "requested-node": "pve2", "comigrated-resources": ["ct:104"]}
        until(lambda: where(client, 104) == where(client, 109) == "pve2")


def test_a_command_to_a_node_that_is_not_there_never_happens(client: Client) -> None:
    assert client.post("/cluster/ha/resources/ct:109/relocate", node="nope") == {"sid": "ct:109", "requested-node": "nope"}
    client.post("/cluster/ha/resources/ct:109/relocate", node="pve2")
    until(lambda: where(client, 109) == "pve2")


def test_node_affinity_wants_its_node(client: Client) -> None:
    client.post("/cluster/ha/rules", type="node-affinity", rule="prefer", resources="ct:109", nodes="pve2:5,pve1")
    until(lambda: where(client, 109) == "pve2")


def test_a_strict_rule_allows_its_nodes_only(client: Client) -> None:
    client.post("/cluster/ha/rules", type="node-affinity", rule="only", resources="ct:109", nodes="pve2,pve3", strict=1)
    possible = client.get("/nodes/pve3/lxc/109/migrate")
    assert possible["allowed-nodes"] == ["pve2"]
    assert possible["not-allowed-nodes"] == {"pve1": {"blocking-ha-resources": [{"sid": "ct:109", "cause": "node-affinity"}]}}
    client.sandbox.command(["maintenance", "pve3", "on"])
    until(lambda: where(client, 109) == "pve2")


def test_a_disarmed_manager_does_nothing(client: Client) -> None:
    client.post("/cluster/ha/status/disarm-ha", resource__mode="freeze")
    fencing = next(s for s in client.get("/cluster/ha/status/current") if s["id"] == "fencing")
    assert (fencing["armed-state"], fencing["resource_mode"]) == ("disarmed", "freeze")
    with client.sandbox.world.lock:
        client.sandbox.world.set_running(client.sandbox.world.guests[109], False)
    now = client.get("/nodes/pve1/time")["time"]
    until(lambda: client.get("/nodes/pve1/time")["time"] > now + 60)
    assert client.get("/nodes/pve3/lxc/109/status/current")["status"] == "stopped"
    client.post("/cluster/ha/status/arm-ha")
    until(lambda: client.get("/nodes/pve3/lxc/109/status/current")["status"] == "running")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            {"type": "node-affinity", "resources": "ct:101", "nodes": "pve1"},
            "create ha rule failed: cannot use unmanaged resource(s) ct:101.",
        ),
        ({"type": "node-affinity", "resources": "ct:109", "nodes": "pve9"}, "create ha rule failed: cannot use non-existent node(s) pve9."),
    ],
)
def test_rules_of_things_that_are_not_there(client: Client, body: dict[str, str], reason: str) -> None:
    assert client.ask("POST", "/cluster/ha/rules", body=body | {"rule": "rule1"}).reason == reason


def test_what_a_dead_node_held_is_recovered(client: Client) -> None:
    client.put("/nodes/pve3/lxc/110/config", onboot=1)
    client.sandbox.command(["node_death", "pve3"])
    assert client.ask("GET", "/nodes/pve3/lxc").status == 595
    assert next(n for n in client.get("/nodes") if n["node"] == "pve3")["status"] == "offline"
    node = "node/pve3"

    def state() -> str:
        return str(next(n for n in client.get("/cluster/resources", type="node") if n["id"] == node)["hastate"])

    until(lambda: state() == "fence")
    until(lambda: where(client, 109) != "pve3" and service(client, "ct:109")["state"] == "started")
    client.sandbox.command(["node_return", "pve3"])
    assert state() == "online"
    until(lambda: client.get("/nodes/pve3/lxc/110/status/current")["status"] == "running")


def test_figures_of_an_offline_node_are_forgotten(client: Client) -> None:
    client.get("/cluster/resources")
    client.sandbox.command(["node_down", "pve2"])
    guest = next(g for g in client.get("/cluster/resources", type="vm") if g["vmid"] == 202)
    assert guest["status"] == "running"

    def storage() -> str:
        return str(next(s for s in client.get("/cluster/resources", type="storage") if s["id"] == "storage/pve2/shared")["status"])

    assert storage() == "available"
    until(lambda: next(g for g in client.get("/cluster/resources", type="vm") if g["vmid"] == 202)["status"] == "unknown")
    guest = next(g for g in client.get("/cluster/resources", type="vm") if g["vmid"] == 202)
    assert "cpu" not in guest
    assert storage() == "unknown"


def test_without_quorum_reads_go_on_and_writes_do_not(client: Client) -> None:
    client.sandbox.command(["node_down", "pve2"])
    alone = Client(client.sandbox, "pve2")
    assert alone.get("/cluster/status")[0]["quorate"] == 0
    assert [n["online"] for n in alone.get("/cluster/status")[1:]] == [0, 1, 0]
    for path, body in (
        ("/nodes/pve2/lxc/103/status/start", {}),
        ("/nodes/pve2/lxc/103/migrate", {"target": "pve1"}),
        ("/nodes/pve2/qemu", {"vmid": 300}),
    ):
        assert alone.ask("POST", path, body=body).reason == "cluster not ready - no quorum?"
    assert alone.ask("GET", "/nodes/pve2/qemu/202/migrate").reason == "cluster not ready - no quorum?"
    assert alone.ask("PUT", "/cluster/options", body={"keyboard": "de"}).reason == "cfs-lock 'file-datacenter_cfg' error: no quorum!"
    assert alone.ask("POST", "/pools", body={"poolid": "mine"}).reason == "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"
    assert "/etc/pve/nodes/pve2/qemu-server/202.conf.tmp." in alone.ask("PUT", "/nodes/pve2/qemu/202/config", body={"name": "x"}).reason
    assert alone.ask("POST", "/nodes/pve2/lxc/105/status/start").reason == "CT 105 already running"
    assert alone.ask("POST", "/nodes/pve2/lxc/103/migrate", body={"target": "pve2"}).status == 400
    alone.well(alone.post("/nodes/pve2/lxc/105/status/stop"))


def test_a_node_reboots_on_command(client: Client) -> None:
    client.sandbox.set_clock(20)
    client.post("/nodes/pve3/status", command="reboot")
    until(lambda: next(n for n in client.get("/nodes") if n["node"] == "pve3")["status"] == "offline")
    until(lambda: next(n for n in client.get("/nodes") if n["node"] == "pve3")["status"] == "online")
    assert client.get("/nodes/pve3/lxc/109/status/current")["ha"]["managed"] == 1
