"""The fault matrix: whatever happens, the guest is on its target and that is told, or it is told what is so; nothing is begun twice, nothing is lost."""

from __future__ import annotations

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from support.moves import Patient, action, faults, migrate, one, place, requests

# What is moved, from pve1: a running VM, a running container, a stopped one.
GUESTS = [("qemu/204", True), ("lxc/104", True), ("lxc/101", False)]
POST = {"method": "POST", "path": ".*/migrate"}
PASSING = {
    "slow": {"fault": "slow", "seconds": 20.0, **POST, "times": 1},
    "dropped before": {"fault": "drop", **POST, "times": 1},
    "dropped after": {"fault": "drop_after", **POST, "times": 1},
    "truncated": {"fault": "truncate", **POST, "times": 1},
    "502 before": {"fault": "error", **POST, "status": 502, "reason": "Bad Gateway", "times": 1},
    "502 after": {"fault": "error_after", **POST, "status": 502, "reason": "Bad Gateway", "times": 1},
    "500 after": {"fault": "error_after", **POST, "status": 500, "reason": "something went wrong", "times": 1},
    "timeout before": {"fault": "error", **POST, "status": 500, "reason": "got timeout", "times": 1},
    "timeout after": {"fault": "error_after", **POST, "status": 500, "reason": "got timeout", "times": 1},
    "reads dropped": {"fault": "drop", "method": "GET", "path": ".*", "times": 3},
    "reads truncated": {"fault": "truncate", "method": "GET", "path": "/cluster/resources", "times": 2},
    "reads 5xx": {"fault": "error", "method": "GET", "path": "/nodes/.*", "status": 503, "reason": "busy", "times": 3},
    "task status lost": {
        "fault": "error",
        "method": "GET",
        "path": ".*/tasks/UPID.*/status",
        "status": 595,
        "reason": "no route",
        "times": 9,
    },
    "task log lost": {"fault": "drop", "method": "GET", "path": ".*/tasks/UPID.*/log", "times": 5},
}


@pytest.mark.parametrize(("guest", "running"), GUESTS)
@pytest.mark.parametrize("fault", PASSING)
def test_fault_that_passes(sandbox, guest, running, fault):
    faults(sandbox, PASSING[fault])
    outcome = one(sandbox, guest, "pve1", "pve2", client=Patient(sandbox))
    assert (outcome["status"], outcome["reason"]) == ("changed", None), outcome
    assert place(sandbox, guest) == ("pve2", running)
    assert requests(sandbox, guest) == 1


@pytest.mark.parametrize("fault", PASSING)
def test_fault_that_passes_with_a_guest_of_the_ha_manager(sandbox, fault):
    faults(sandbox, PASSING[fault])
    outcome = one(sandbox, "lxc/109", "pve3", "pve2", client=Patient(sandbox))
    assert (outcome["status"], outcome["reason"]) == ("changed", None), outcome
    assert place(sandbox, "lxc/109") == ("pve2", True)
    assert requests(sandbox, "lxc/109") == 1


@pytest.mark.parametrize(("guest", "running"), GUESTS)
def test_refused_request_is_told_and_changes_nothing(sandbox, guest, running):
    faults(sandbox, {"fault": "error", **POST, "status": 500, "reason": "no way"})
    outcome = one(sandbox, guest, "pve1", "pve2")
    assert (outcome["status"], outcome["changed"], outcome["after"]["node"]) == ("failed", False, "pve1"), outcome
    assert "no way" in outcome["message"]
    assert place(sandbox, guest) == ("pve1", running)
    assert requests(sandbox, guest) == 0


@pytest.mark.parametrize(("guest", "running"), GUESTS)
@pytest.mark.parametrize("seconds", [0.0, 1.2])
def test_task_that_fails(sandbox, guest, running, seconds):
    kind = "qmigrate" if guest.startswith("qemu") else "vzmigrate"
    faults(sandbox, {"fault": "fail", "type": kind, "text": "storage is gone", "seconds": seconds})
    outcome = one(sandbox, guest, "pve1", "pve2")
    node, runs = place(sandbox, guest)
    # A short migration may be through before the fault comes; then there is nothing to complain of.
    if node == "pve2" and runs == running:
        assert outcome["status"] == "changed"
    else:
        assert outcome["status"] == "failed"
        assert "storage is gone" in outcome["message"]
    assert (outcome["after"]["node"], outcome["after"]["running"]) == (node, runs)
    assert requests(sandbox, guest) == 1


def test_container_that_does_not_start_on_its_target(sandbox):
    """The end state is C(migration problems) though it has moved."""
    faults(sandbox, {"fault": "fail", "type": "vzmigrate", "text": "start failed", "seconds": 1.6})
    outcome = one(sandbox, "lxc/104", "pve1", "pve2")
    assert place(sandbox, "lxc/104") == ("pve2", False)
    assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("failed", "not_running", True), outcome
    assert outcome["after"] == {"node": "pve2", "running": False}
    assert "migration problems" in outcome["message"]
    assert "Start it" in outcome["message"]


def test_task_that_hangs(sandbox):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 0})
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", timeout=300)
    assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("failed", "timed_out", False), outcome
    assert "O(timeout)" in outcome["message"]
    assert outcome["after"] == {"node": "pve1", "running": True}
    # The next run waits for it, and begins no other.
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", timeout=300)
    assert (outcome["status"], outcome["reason"]) == ("failed", "timed_out"), outcome
    assert requests(sandbox, "qemu/204") == 1


def test_container_that_does_not_shut_down(recorded, serve):
    load = next(guest for guest in recorded["guests"] if guest["vmid"] == 104)["load"]
    load["shutdown_seconds"] = 400
    sandbox = serve(recorded)
    sandbox.set_clock(200.0)
    outcome = one(sandbox, "lxc/104", "pve1", "pve2", shutdown_timeout=30)
    assert (outcome["status"], outcome["reason"]) == ("failed", "migration_failed"), outcome
    assert "container did not stop" in outcome["message"]
    assert outcome["after"] == {"node": "pve1", "running": True}


def once(sandbox, *commands):
    """A listener that steers the sandbox when the migration has begun, which then takes its time."""
    left = list(commands)

    def tell(move, line):
        if "starting migration" in line:
            while left:
                sandbox.command(left.pop(0))

    return tell


@pytest.mark.parametrize("node", ["pve1", "pve2"])
def test_node_dies_in_the_middle(sandbox, node):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 600})
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", timeout=1800, tell=once(sandbox, ["node_death", node]))
    assert outcome["status"] == "failed", outcome
    assert place(sandbox, "qemu/204")[0] == "pve1"
    assert requests(sandbox, "qemu/204") == 1
    # Of a node without power nobody tells what runs on it.
    assert outcome["after"] == (None if node == "pve1" else {"node": "pve1", "running": True})


def test_node_dies_and_returns(sandbox):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 600})
    tell = once(sandbox, ["node_death", "pve1"], ["node_return", "pve1"])
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", timeout=1800, tell=tell)
    assert (outcome["status"], outcome["reason"]) == ("failed", "still_locked"), outcome
    assert outcome["after"] == {"node": "pve1", "running": False}
    # The lock stays, as the migration was killed hard; the next run says what is needed.
    assert "qm unlock 204" in one(sandbox, "qemu/204", "pve1", "pve2")["message"]
    assert requests(sandbox, "qemu/204") == 1


def test_quorum_is_lost_in_the_middle_and_comes_back(sandbox):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 60, "times": 1})
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", tell=once(sandbox, ["node_down", "pve2"], ["node_down", "pve3"]))
    assert outcome["status"] == "failed", outcome
    assert place(sandbox, "qemu/204") == ("pve1", True)
    assert one(sandbox, "qemu/204", "pve1", "pve2")["status"] in ("refused", "failed")
    for node in ("pve2", "pve3"):
        sandbox.command(["node_up", node])
    assert one(sandbox, "qemu/204", "pve1", "pve2")["status"] == "changed"
    assert place(sandbox, "qemu/204") == ("pve2", True)


def test_request_without_quorum_changes_nothing(sandbox):
    faults(sandbox, {"fault": "error", **POST, "status": 500, "reason": "cluster not ready - no quorum?"})
    outcome = one(sandbox, "lxc/101", "pve1", "pve2")
    assert (outcome["status"], outcome["changed"]) == ("failed", False)
    assert "no quorum" in outcome["message"]


def test_failure_stops_the_rest(sandbox):
    faults(sandbox, {"fault": "fail", "type": "vzmigrate", "id": "101", "text": "storage is gone"})
    moves = [action("lxc/101", "pve1", "pve2"), action("lxc/102", "pve1", "pve2"), action("qemu/201", "pve1", "pve3", 2)]
    limits = {"windows": [], "global": 1}
    outcomes = migrate(sandbox, moves, limits=limits)
    assert [(one["status"], one["reason"]) for one in outcomes] == [
        ("failed", "migration_failed"),
        ("not_started", "stopped"),
        ("not_started", "stopped"),
    ]
    assert "O(max_failures)" in outcomes[1]["message"]
    assert "its room was planned for after that" in outcomes[2]["message"]
    assert [place(sandbox, guest)[0] for guest in ("lxc/101", "lxc/102", "qemu/201")] == ["pve1"] * 3
    # With more patience its wave goes on, but no other begins.
    faults(sandbox, {"fault": "fail", "type": "vzmigrate", "id": "101", "text": "storage is gone"})
    outcomes = migrate(sandbox, moves, limits=limits, max_failures=1)
    assert [one["status"] for one in outcomes] == ["failed", "changed", "not_started"]


def test_migration_that_ends_with_warnings(sandbox):
    """It is looked where the guest is; then it has moved, and the warning is told."""
    faults(sandbox, {"fault": "hang", "type": "vzmigrate", "seconds": 60})

    def tell(move, line):
        with sandbox.world.lock:
            for task in sandbox.world.tasks.all():
                if task.running and task.type == "vzmigrate":
                    task.warnings = 2

    outcome = one(sandbox, "lxc/104", "pve1", "pve2", tell=tell)
    assert outcome["status"] == "changed", outcome
    assert "WARNINGS: 2" in outcome["message"]
