"""Calls that start, stop, pause, snapshot and list: what is refused before there is a task, and how tasks are found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client, until

VM, CT = "/nodes/pve1/qemu/204", "/nodes/pve1/lxc/104"
ROOT_ONLY = "Only root may use this option."


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        (f"{VM}/status/start", {"skiplock": 1}, {"skiplock": ROOT_ONLY}),
        (f"{VM}/status/start", {"migration_type": "secure"}, {"migration_type": ROOT_ONLY}),
        (f"{VM}/status/stop", {"keepActive": 1}, {"keepActive": ROOT_ONLY}),
        (f"{VM}/status/stop", {"migratedfrom": "pve2"}, {"migratedfrom": ROOT_ONLY}),
        (f"{VM}/status/shutdown", {"keepActive": 1}, {"keepActive": ROOT_ONLY}),
        ("/nodes/pve3/lxc/109/status/stop", {"overrule-shutdown": 1}, {"overrule-shutdown": "Not applicable for HA resources."}),
    ],
)
def test_options_that_are_not_for_everybody(client: Client, path: str, body: dict[str, Any], errors: dict[str, str]) -> None:
    answer = client.ask("POST", path, body=body)
    assert (answer.status, answer.errors) == (400, errors)


def test_a_paused_vm_is_neither_shut_down_nor_rebooted_but_stopped(client: Client) -> None:
    client.well(client.post(f"{VM}/status/suspend"))
    for verb in ("shutdown", "reboot"):
        assert client.ask("POST", f"{VM}/status/{verb}").reason == "VM is paused - cannot shutdown"
    client.well(client.post(f"{VM}/status/shutdown", forceStop=1))
    assert client.get(f"{VM}/status/current")["status"] == "stopped"


def test_suspending_to_disk_needs_a_vm_that_nobody_manages_and_space(client: Client) -> None:
    owner = Client(client.sandbox, token="ops@pve!cap=33333333-3333-3333-3333-333333333333")
    reason = "Permission check failed (/storage/shared, Datastore.AllocateSpace)"
    assert owner.ask("POST", f"{VM}/status/suspend", body={"todisk": 1}).reason == reason
    client.post("/cluster/ha/resources", sid="vm:204")
    assert client.ask("POST", f"{VM}/status/suspend", body={"todisk": 1}).reason == "Cannot suspend HA managed VM to disk"


def test_a_template_is_told_before_its_lock(client: Client) -> None:
    client.post("/nodes/pve1/lxc/101/template")
    until(lambda: client.get("/nodes/pve1/lxc/101/config").get("template") == 1)
    assert client.task(client.post("/nodes/pve1/lxc/101/status/start"))[0] == "you can't start a CT if it's a template"
    assert client.task(client.post("/nodes/pve1/lxc/101/snapshot", snapname="s9"))[0] == "you can't take a snapshot if it's a template"


def test_a_vm_that_is_stopped_is_stopped_already_whatever_locks_it(client: Client) -> None:
    for verb in ("stop", "shutdown"):
        client.well(client.post(f"/nodes/pve3/qemu/203/status/{verb}"))
        exitstatus = client.task(client.post(f"/nodes/pve1/qemu/999/status/{verb}"))[0]
        assert exitstatus == "unable to find configuration file for VM 999 on node 'pve1'"


def test_a_locked_container_reboots(client: Client) -> None:
    client.put(f"{CT}/config", lock="backup")
    client.well(client.post(f"{CT}/status/reboot"))
    assert client.task(client.post(f"{CT}/status/stop"))[0] == "CT is locked (backup)"


def test_a_vm_is_paused_while_it_is_backed_up_but_not_otherwise(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    next(guest for guest in state["guests"] if guest["vmid"] == 204)["config"]["lock"] = "backup"
    next(guest for guest in state["guests"] if guest["vmid"] == 202)["config"]["lock"] = "snapshot"
    client = serve(state)
    client.well(client.post(f"{VM}/status/suspend"))
    client.well(client.post(f"{VM}/status/resume"))
    assert client.task(client.post(f"{VM}/status/suspend", todisk=1))[0] == "cannot suspend to disk during backup"
    assert client.task(client.post("/nodes/pve2/qemu/202/status/suspend"))[0] == "VM is locked (snapshot)"


# ---- snapshots -------------------------------------------------------------------------------------------------------


def test_snapshots_of_a_vm_that_is_not_there_make_no_task(client: Client) -> None:
    body = {"snapname": "s9"}
    assert client.ask("POST", "/nodes/pve1/qemu/999/snapshot", body=body).reason.startswith("Configuration file")
    assert client.task(client.post("/nodes/pve1/lxc/999/snapshot", snapname="s9"))[0].startswith("Configuration file")


@pytest.mark.parametrize(
    ("path", "name", "refused"),
    [(VM, "PENDING", True), (VM, "vzdump", False), (CT, "vzdump", True), (CT, "pending", False), (CT, "current", True)],
)
def test_reserved_names_of_snapshots(client: Client, path: str, name: str, refused: bool) -> None:
    answer = client.ask("POST", f"{path}/snapshot", body={"snapname": name})
    assert (answer.status == 500) is refused
    if refused:
        assert answer.reason == f"unable to use snapshot name '{name.lower()}' (reserved name)"


def test_a_snapshot_that_could_not_be_deleted_is_incomplete(client: Client) -> None:
    path = "/nodes/pve3/lxc/107"
    assert client.ask("PUT", f"{path}/snapshot/nope/config", body={}).status == 200  # nothing to do, nothing looked for
    assert client.task(client.delete(f"{path}/snapshot/s1"))[0] == "can't delete snapshot for this image format"
    assert client.get(f"{path}/config")["lock"] == "snapshot-delete"
    assert client.get(f"{path}/snapshot")[0]["snapstate"] == "delete"
    text = "unable to rollback to incomplete snapshot (snapstate = delete)"
    assert client.task(client.post(f"{path}/snapshot/s1/rollback"))[0] == text


# ---- tasks -----------------------------------------------------------------------------------------------------------


def test_tasks_are_found_by_their_users_name_without_the_token(client: Client) -> None:
    client.well(client.post("/nodes/pve1/lxc/101/status/start"))
    assert client.get("/nodes/pve1/tasks", vmid=101, userfilter="ROOT@")[0]["tokenid"] == "full"
    assert client.get("/nodes/pve1/tasks", vmid=101, userfilter="full") == []


def test_running_tasks_come_first_with_the_token_in_their_user(client: Client) -> None:
    client.sandbox.command(["clock", "hold"])
    client.post("/nodes/pve1/lxc/101/status/start")
    running, *others = client.get("/nodes/pve1/tasks", source="all")
    assert (running["user"], running["status"], "tokenid" in running) == ("root@pam!full", "RUNNING", False)
    assert all(task["status"] != "RUNNING" for task in others)
    assert client.get("/nodes/pve1/tasks", source="active", statusfilter="ok") == []
    assert len(client.get("/nodes/pve1/tasks", source="active", statusfilter="unknown")) == 1
    assert len(client.get("/nodes/pve1/tasks", source="active", errors=1, statusfilter="ok")) == 1


def test_a_log_is_downloaded_as_a_whole(client: Client) -> None:
    upid = client.post("/nodes/pve1/lxc/101/status/start")
    answer = client.ask("GET", f"/nodes/pve1/tasks/{upid}/log", download=1, start=3)
    assert answer.reason == "'download' cannot be used together with 'start' or 'limit' parameters"


def test_tasks_of_the_cluster_are_for_auditors_and_users_not_for_their_tokens(client: Client) -> None:
    cap = Client(client.sandbox, token="ops@pve!cap=33333333-3333-3333-3333-333333333333")
    cap.well(cap.post("/nodes/pve1/lxc/101/status/start"))
    assert any(task["id"] == "101" for task in cap.get("/cluster/tasks"))  # an auditor
    one = Client(client.sandbox, token="one@pve!tok=66666666-6666-6666-6666-666666666666")
    upid = one.post("/nodes/pve1/lxc/104/status/shutdown")
    assert one.get("/cluster/tasks") == []
    assert upid in [task["upid"] for task in one.get("/nodes/pve1/tasks", source="all")]
