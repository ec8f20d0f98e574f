from __future__ import annotations

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from support.moves import action, migrate, one, place, requests


def test_running_vm_is_moved_live(sandbox):
    outcome = one(sandbox, "qemu/204", "pve1", "pve2")
    assert (outcome["status"], outcome["changed"], outcome["mode"]) == ("changed", True, "live"), outcome
    assert (outcome["before"], outcome["after"]) == ({"node": "pve1", "running": True}, {"node": "pve2", "running": True})
    assert place(sandbox, "qemu/204") == ("pve2", True)
    assert outcome["cost"]["bytes"] > 0
    assert outcome["seconds"] is not None
    assert "live" in outcome["message"]
    assert outcome["log"][-1] == "TASK OK"


def test_running_container_is_restarted_inside_a_window(sandbox):
    outcome = one(sandbox, "lxc/104", "pve1", "pve2")
    assert (outcome["status"], outcome["mode"]) == ("changed", "restart"), outcome
    assert place(sandbox, "lxc/104") == ("pve2", True)
    assert outcome["cost"]["downtime_seconds"] > 0
    assert outcome["cost"]["bytes"] == 0


@pytest.mark.parametrize("guest", ["lxc/101", "qemu/201"])
def test_stopped_guest_is_moved_as_it_is(sandbox, guest):
    outcome = one(sandbox, guest, "pve1", "pve3", limits={})
    assert (outcome["status"], outcome["mode"]) == ("changed", "offline"), outcome
    assert place(sandbox, guest) == ("pve3", False)


def test_second_run_changes_nothing(sandbox):
    moves = [action("qemu/204", "pve1", "pve2"), action("lxc/101", "pve1", "pve3", 2)]
    first = migrate(sandbox, moves)
    assert [outcome["status"] for outcome in first] == ["changed", "changed"], first
    second = migrate(sandbox, moves)
    assert [(outcome["status"], outcome["changed"]) for outcome in second] == [("ok", False)] * 2, second
    assert requests(sandbox, "qemu/204") == 1


def test_nothing_to_do(sandbox):
    assert migrate(sandbox, []) == []
