"""Whoever else moves guests: another run, a run that was killed, the HA manager."""

from __future__ import annotations

import threading

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from support.moves import Patient, action, begin, faults, migrate, one, place, requests


def request(client, guest, source, target, **more):
    """A migration that somebody else asks for."""
    return client.write("POST", f"/nodes/{source}/{guest}/migrate", {"target": target, **more})


def test_migration_that_runs_already_is_waited_for(sandbox):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 120})
    upid = request(Patient(sandbox), "qemu/204", "pve1", "pve2", online=1)
    told = []
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", tell=lambda _move, line: told.append(line))
    assert (outcome["status"], outcome["before"]["node"], outcome["after"]["node"]) == ("changed", "pve1", "pve2"), outcome
    assert upid in outcome["message"]
    assert f"waits for {upid}, which moves it already" in told
    assert requests(sandbox, "qemu/204") == 1


def test_check_mode_foretells_it_without_waiting(sandbox):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 0})
    upid = request(Patient(sandbox), "qemu/204", "pve1", "pve2", online=1)
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", check=True)
    assert (outcome["status"], outcome["after"]["node"]) == ("changed", "pve2")
    assert f"would be brought to pve2 by {upid}" in outcome["message"]


@pytest.mark.parametrize("check", [False, True])
def test_migration_to_somewhere_else_is_left_alone(sandbox, check):
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 120})
    upid = request(Patient(sandbox), "qemu/204", "pve1", "pve3", online=1)
    told = []
    client = Patient(sandbox)
    while not told:
        told = [line for line in client.get(f"/nodes/pve1/tasks/{upid}/log") if "starting migration" in line["t"]]
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", check=check)
    assert (outcome["status"], outcome["reason"]) == ("refused", "precondition_changed"), outcome
    assert "on its way to pve3" in outcome["message"]
    assert requests(sandbox, "qemu/204") == 1


def test_migration_of_others_that_fails_leaves_the_guest_to_us(sandbox):
    faults(sandbox, {"fault": "fail", "type": "vzmigrate", "text": "gone wrong", "seconds": 0.5, "times": 1})
    request(Patient(sandbox), "lxc/104", "pve1", "pve2", restart=1)
    assert one(sandbox, "lxc/104", "pve1", "pve2")["status"] == "changed"
    assert place(sandbox, "lxc/104") == ("pve2", True)


@pytest.mark.parametrize("guest", ["qemu/204", "lxc/104", "lxc/101"])
def test_two_runs_at_once_move_it_once(sandbox, guest):
    faults(sandbox, {"fault": "hang", "type": "qmigrate|vzmigrate", "seconds": 60})
    gate = threading.Barrier(2)
    found = []

    def run():
        prepared = begin(sandbox, [action(guest, "pve1", "pve2")])
        gate.wait()
        found.extend(prepared.carry_out())

    threads = [threading.Thread(target=run) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome["status"] for outcome in found] == ["changed", "changed"], found
    assert place(sandbox, guest)[0] == "pve2"
    with sandbox.world.lock:
        tasks = [
            task for task in sandbox.world.tasks.all() if task.id == guest.partition("/")[2] and task.type in ("qmigrate", "vzmigrate")
        ]
        assert sum(task.exitstatus == "OK" for task in tasks) == 1


def test_many_guests_at_once_keep_the_limits(sandbox):
    faults(sandbox, {"fault": "hang", "type": "qmigrate|vzmigrate", "seconds": 60})
    most = {"all": 0, "in": 0, "out": 0}

    def tell(move, line):
        with sandbox.world.lock:
            running = [task for task in sandbox.world.tasks.all() if task.running and task.type in ("qmigrate", "vzmigrate")]
            most["all"] = max(most["all"], len(running))
            most["out"] = max([most["out"], *(sum(task.node == node for task in running) for node in ("pve1", "pve2"))])

    moves = [action(f"lxc/{vmid}", "pve1", "pve3") for vmid in (101, 102, 104)] + [
        action(f"lxc/{vmid}", "pve2", "pve3") for vmid in (103, 105, 108)
    ]
    outcomes = migrate(
        sandbox, moves, limits={"per_node_out": 1, "per_node_in": 9, "global": 2, "windows": [{"from": "00:00", "to": "00:00"}]}, tell=tell
    )
    assert {outcome["status"] for outcome in outcomes} == {"changed"}, outcomes
    assert (most["all"], most["out"]) == (2, 1)


def test_room_is_promised_once(recorded, serve):
    """Two guests that fit alone but not together: the second waits until the first is there, and is refused then."""
    node = next(node for node in recorded["nodes"] if node["node"] == "pve3")
    for guest in recorded["guests"]:
        if guest["vmid"] in (104, 108):
            guest["load"] = {"cpu": 0.1, "mem": 500 << 20, "wave": 0, "noise": 0}
    node["memory"] = (1 << 30) + (100 << 20) + (900 << 20)
    sandbox = serve(recorded)
    sandbox.set_clock(200.0)
    moves = [action("lxc/104", "pve1", "pve3"), action("lxc/108", "pve2", "pve3")]
    foretold = migrate(sandbox, moves, check=True)
    done = migrate(sandbox, moves)
    for outcomes in (foretold, done):
        assert sorted((one["status"], one["reason"]) for one in outcomes if one["reason"]) == [("refused", "no_room")], outcomes
        assert sum(one["changed"] for one in outcomes) == 1


def test_bandwidth_is_shared_by_the_moves_of_a_node(sandbox):
    windows = [{"from": "00:00", "to": "00:00"}]
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", limits={"bandwidth_bytes_per_second": 200 << 20, "windows": windows})
    assert [line for line in outcome["log"] if "migration speed limit: 100.0 MiB/s" in line]


def test_park_by_two_hops(sandbox):
    moves = [action("lxc/101", "pve1", "pve3", 1), action("lxc/101", "pve3", "pve2", 2)]
    foretold = migrate(sandbox, moves, check=True)
    done = migrate(sandbox, moves)
    for outcomes in (foretold, done):
        assert [(one["status"], one["before"]["node"], one["after"]["node"]) for one in outcomes] == [
            ("changed", "pve1", "pve3"),
            ("changed", "pve3", "pve2"),
        ], outcomes
    assert place(sandbox, "lxc/101") == ("pve2", False)
    assert [(one["status"], one["changed"]) for one in migrate(sandbox, moves)] == [("ok", False), ("ok", False)]
    assert [(one["status"], one["changed"]) for one in migrate(sandbox, moves, check=True)] == [("ok", False), ("ok", False)]


# ---- guests of the HA manager --------------------------------------------------------------------------------------------


@pytest.fixture
def second(sandbox):
    """Another guest of the HA manager: lxc/104 on pve1."""
    client = Patient(sandbox)
    client.write("POST", "/cluster/ha/resources", {"sid": "ct:104"})
    return client


def together(sandbox, client):
    """Both are where the rule wants them, so the manager is at rest."""
    with sandbox.world.lock:
        sandbox.world.move_guest(sandbox.world.guests[104], "pve3")
    rule(client, "positive")


def rule(client, affinity):
    resources = {"resources": "ct:104,ct:109", "affinity": affinity}
    client.write("POST", "/cluster/ha/rules", {"rule": "pair", "type": "resource-affinity", **resources})


def test_guest_of_the_manager_is_followed_to_its_node(sandbox):
    outcome = one(sandbox, "lxc/109", "pve3", "pve1")
    assert (outcome["status"], outcome["mode"]) == ("changed", "restart"), outcome
    assert place(sandbox, "lxc/109") == ("pve1", True)
    assert ":hamigrate:" in outcome["upid"]
    assert outcome["cost"]["downtime_seconds"] >= 1
    assert any("task started by HA resource agent" in line for line in outcome["log"])


def test_vm_of_the_manager_moves_live(sandbox):
    Patient(sandbox).write("POST", "/cluster/ha/resources", {"sid": "vm:204"})
    outcome = one(sandbox, "qemu/204", "pve1", "pve3")
    assert (outcome["status"], outcome["mode"]) == ("changed", "live"), outcome
    assert outcome["cost"]["bytes"] > 0


@pytest.mark.parametrize("check", [False, True])
def test_blocked_by_another_guest(sandbox, second, check):
    rule(second, "negative")
    outcome = one(sandbox, "lxc/109", "pve3", "pve1", check=check)
    assert (outcome["status"], outcome["reason"]) == ("refused", "blocked"), outcome
    assert "lxc/104 is there (resource-affinity)" in outcome["message"]


@pytest.mark.parametrize("check", [False, True])
def test_guest_that_would_take_another_along(sandbox, second, check):
    together(sandbox, second)
    outcome = one(sandbox, "lxc/109", "pve3", "pve2", check=check)
    assert (outcome["status"], outcome["reason"]) == ("refused", "moves_others"), outcome
    assert "lxc/104" in outcome["message"]
    assert place(sandbox, "lxc/104") == place(sandbox, "lxc/109") == ("pve3", True)


@pytest.mark.parametrize("check", [False, True])
def test_guests_that_the_plan_moves_together(sandbox, second, check):
    together(sandbox, second)
    moves = [action("lxc/109", "pve3", "pve2"), action("lxc/104", "pve3", "pve2")]
    outcomes = migrate(sandbox, moves, check=check)
    assert [(one["status"], one["changed"], one["after"]["node"]) for one in outcomes] == [("changed", True, "pve2")] * 2, outcomes
    if not check:
        assert place(sandbox, "lxc/104") == place(sandbox, "lxc/109") == ("pve2", True)


def test_command_that_the_manager_drops(sandbox):
    """The request is answered well, and nothing happens."""
    with sandbox.world.lock:
        sandbox.world.ha.armed = False
    outcome = one(sandbox, "lxc/109", "pve3", "pve1")
    with sandbox.world.lock:
        sandbox.world.ha.armed = True
    assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("failed", "blocked", False), outcome
    assert "has not begun to move" in outcome["message"]
    assert place(sandbox, "lxc/109") == ("pve3", True)


def test_manager_that_fails_tells_where_the_guest_is(sandbox):
    faults(sandbox, {"fault": "fail", "type": "vzmigrate", "id": "109", "text": "storage is gone"})
    outcome = one(sandbox, "lxc/109", "pve3", "pve1")
    assert outcome["status"] == "failed", outcome
    assert outcome["after"]["node"] == "pve3"
    assert "pve3" in outcome["message"]
