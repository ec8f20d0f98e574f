from __future__ import annotations

import copy

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import Identity
from support.moves import action, faults, migrate, one, place, requests
from support.proxmox import Asking

GIB = 1 << 30


def refused(outcome, reason, *words):
    assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("refused", reason, False), outcome
    assert outcome["before"] == outcome["after"]
    for word in words:
        assert word in outcome["message"], outcome["message"]


def guest_of(state, vmid):
    return next(guest for guest in state["guests"] if guest["vmid"] == vmid)


def test_guest_that_is_gone(sandbox):
    outcome = one(sandbox, "lxc/999", "pve1", "pve2")
    refused(outcome, "gone", "lxc/999")
    assert outcome["before"] is None


def test_guest_that_is_elsewhere_names_expected_and_seen(sandbox):
    refused(one(sandbox, "lxc/101", "pve2", "pve3"), "precondition_changed", "is on pve1", "expected on pve2 or pve3")


def test_guest_whose_configuration_was_changed(sandbox):
    outcome = one(sandbox, "lxc/101", "pve1", "pve2", action={"expect": {"node": "pve1", "digest": "0" * 40}})
    refused(outcome, "precondition_changed", "0" * 40)
    digest = Asking(sandbox).get("/nodes/pve1/lxc/101/config")["digest"]
    assert one(sandbox, "lxc/101", "pve1", "pve2", action={"expect": {"node": "pve1", "digest": digest}})["status"] == "changed"


def test_locked_guest(sandbox):
    refused(one(sandbox, "lxc/106", "pve3", "pve1"), "locked", "locked (backup)")
    assert requests(sandbox, "lxc/106") == 0


def test_locked_vm(sandbox):
    outcome = one(sandbox, "qemu/203", "pve3", "pve1")
    refused(outcome, "locked", "locked (backup)")


def test_lock_that_a_killed_migration_left(sandbox):
    with sandbox.world.lock:
        sandbox.world.guests[101].config["lock"] = "migrate"
    refused(one(sandbox, "lxc/101", "pve1", "pve2"), "locked", "pct unlock 101")
    assert place(sandbox, "lxc/101") == ("pve1", False)


def test_other_cluster(sandbox):
    refused(one(sandbox, "lxc/101", "pve1", "pve2", action={"target": "guest:prod/lxc/101"}), "wrong_cluster", "cluster lab", "for prod")


def test_target_that_is_not_there(sandbox):
    refused(one(sandbox, "lxc/101", "pve1", "pve9"), "target_unknown", "pve1, pve2, pve3")


def test_target_that_is_off(sandbox):
    sandbox.command(["node_death", "pve2"])
    refused(one(sandbox, "lxc/101", "pve1", "pve2"), "target_offline", "pve2 is offline")


def test_target_in_maintenance(sandbox):
    sandbox.command(["maintenance", "pve2", "on"])
    refused(one(sandbox, "lxc/101", "pve1", "pve2"), "target_maintenance")


def test_source_that_is_off(sandbox):
    sandbox.command(["node_death", "pve1"])
    refused(one(sandbox, "lxc/101", "pve1", "pve2"), "source_offline", "pve1")


def tag(sandbox, **tags):
    """Give guests tags, as somebody may after the plan was made."""
    with sandbox.world.lock:
        for name, text in tags.items():
            sandbox.world.guests[int(name[1:])].config["tags"] = text


@pytest.mark.parametrize("check", [False, True])
def test_tag_that_keeps_the_guest_where_it_is(sandbox, check):
    tag(sandbox, g101="foresight.ignore;web")
    refused(one(sandbox, "lxc/101", "pve1", "pve2", check=check), "ignored", "lxc/101", "foresight.ignore")
    assert requests(sandbox, "lxc/101") == 0


def test_tag_that_names_other_nodes(sandbox):
    tag(sandbox, g101="foresight.on.pve1;foresight.on.pve3")
    refused(one(sandbox, "lxc/101", "pve1", "pve2"), "pinned", "pve1, pve3", "not on pve2")
    assert one(sandbox, "lxc/101", "pve1", "pve3")["status"] == "changed"


@pytest.mark.parametrize("check", [False, True])
def test_tag_that_keeps_guests_apart(sandbox, check):
    tag(sandbox, g101="foresight.apart.web", g103="foresight.apart.web")
    refused(one(sandbox, "lxc/101", "pve1", "pve2", check=check), "apart", "lxc/103 on pve2", "foresight.apart.web")
    # once the other one has left, there is room for it, in check mode as well
    moves = [action("lxc/103", "pve2", "pve3", 1), action("lxc/101", "pve1", "pve2", 2)]
    assert [outcome["status"] for outcome in migrate(sandbox, moves, check=check)] == ["changed", "changed"]


def test_no_quorum(sandbox):
    for node in ("pve2", "pve3"):
        sandbox.command(["node_down", node])
    refused(
        one(sandbox, "lxc/101", "pve1", "pve2", client=Asking(sandbox, api_host=[sandbox.bases["pve1"].partition("//")[2]])), "no_quorum"
    )


def test_template(recorded, serve):
    guest_of(recorded, 101)["config"]["template"] = 1
    refused(one(serve(recorded), "lxc/101", "pve1", "pve2"), "template")


@pytest.mark.parametrize("check", [False, True])
def test_memory_that_the_target_lacks(recorded, serve, check):
    next(node for node in recorded["nodes"] if node["node"] == "pve3")["memory"] = GIB + (100 << 20)
    sandbox = serve(recorded)
    refused(one(sandbox, "qemu/204", "pve1", "pve3", check=check), "no_room", "pve3 has", "qemu/204 needs")
    assert place(sandbox, "qemu/204") == ("pve1", True)


def test_reserve_stays_free(recorded, serve):
    sandbox = serve(recorded)
    refused(one(sandbox, "qemu/204", "pve1", "pve3", reserve={"cpu": 0, "memory": 24 * GIB}), "no_room", "O(reserve)")
    refused(one(sandbox, "qemu/204", "pve1", "pve3", reserves={"pve3": {"memory": 24 * GIB}}), "no_room", "O(reserve)")


def test_zfs_cache_of_the_target_gives_way(recorded, serve):
    node = next(node for node in recorded["nodes"] if node["node"] == "pve3")
    node["arcsize"] = node["memory"] - 2 * GIB
    sandbox = serve(recorded)
    sandbox.set_clock(200.0)
    assert one(sandbox, "qemu/204", "pve1", "pve3")["status"] == "changed"


def test_storage_that_the_target_lacks(recorded, serve):
    recorded["storages"][1]["nodes"] = ["pve1", "pve2"]
    sandbox = serve(recorded)
    refused(one(sandbox, "lxc/101", "pve1", "pve3"), "storage", "rootfs on shared", "pve3 does not have it")
    refused(one(sandbox, "qemu/201", "pve1", "pve3"), "not_allowed", "shared")


def test_local_storage_that_is_full(recorded, serve):
    guest_of(recorded, 101)["config"]["rootfs"] = "local:101/vm-101-disk-0.raw,size=8G"
    recorded["storages"][0]["total"] = 4 * GIB
    refused(one(serve(recorded), "lxc/101", "pve1", "pve3"), "no_room", "on local", str(8 * GIB))


def test_vm_with_a_local_disk_takes_it_along(recorded, serve):
    guest_of(recorded, 204)["config"]["scsi0"] = "local:204/vm-204-disk-0.raw,size=4G"
    sandbox = serve(recorded)
    sandbox.set_clock(200.0)
    outcome = one(sandbox, "qemu/204", "pve1", "pve3")
    assert (outcome["status"], outcome["mode"]) == ("changed", "live"), outcome
    assert place(sandbox, "qemu/204") == ("pve3", True)


def test_vm_with_a_device_of_its_node(recorded, serve):
    guest_of(recorded, 201)["config"]["hostpci0"] = "0000:01:00.0"
    refused(one(serve(recorded), "qemu/201", "pve1", "pve2"), "local_resource", "hostpci0")


def test_container_with_a_path_of_its_node(recorded, serve):
    guest_of(recorded, 101)["config"]["mp0"] = "/srv/data,mp=/data"
    sandbox = serve(recorded)
    refused(one(sandbox, "lxc/101", "pve1", "pve2"), "local_resource", "mp0", "shared=1")


@pytest.mark.parametrize("told", [{"never_move": ["lxc/101"]}, {}])
def test_controllers_own_guest(recorded, serve, told):
    guest_of(recorded, 101)["config"]["net0"] = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp"
    identity = Identity(frozenset({"bc:24:11:00:00:01"}), None)
    sandbox = serve(recorded)
    outcome = one(sandbox, "lxc/101", "pve1", "pve2", identity=identity, **told)
    refused(outcome, "never_move" if told else "own_guest", "lxc/101")
    assert requests(sandbox, "lxc/101") == 0


def test_running_container_without_a_window(sandbox):
    refused(one(sandbox, "lxc/104", "pve1", "pve2", limits={}), "window", "O(limits.windows)", "restart")
    only_live = {"windows": [{"from": "00:00", "to": "00:00", "kinds": ["live"]}]}
    refused(one(sandbox, "lxc/104", "pve1", "pve2", limits=only_live), "window")
    assert requests(sandbox, "lxc/104") == 0


def test_window_that_opens_later_is_no_failure(sandbox):
    now = int(sandbox.world.now())
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", action={"window": {"not_before": now + 86400}})
    assert (outcome["status"], outcome["reason"], outcome["skipped"]) == ("not_started", "window", True)
    assert "O(window_wait)" in outcome["message"]


@pytest.mark.parametrize("check", [False, True])
def test_window_is_waited_for(sandbox, check):
    now = int(sandbox.world.now())
    outcome = one(sandbox, "qemu/204", "pve1", "pve2", action={"window": {"not_before": now + 120}}, window_wait=200, check=check)
    assert outcome["status"] == "changed"
    if not check:
        assert sandbox.world.now() >= now + 120


def test_window_of_the_action_is_over(sandbox):
    now = int(sandbox.world.now())
    refused(one(sandbox, "qemu/204", "pve1", "pve2", action={"window": {"not_after": now - 10}}), "window", "ended")


def test_checks_are_the_same_in_check_mode(recorded, serve):
    state = copy.deepcopy(recorded)
    guest_of(state, 201)["config"]["hostpci0"] = "0000:01:00.0"
    moves = [
        action("lxc/101", "pve1", "pve2"),
        action("lxc/106", "pve3", "pve1"),
        action("qemu/201", "pve1", "pve2"),
        action("lxc/102", "pve2", "pve1"),
        action("qemu/204", "pve1", "pve3"),
        action("lxc/104", "pve1", "pve2", 2),
    ]
    keys = ("status", "changed", "reason", "before", "after", "mode")
    sandbox = serve(state)
    foretold = migrate(sandbox, moves, check=True, max_failures=9)
    assert requests(sandbox, "lxc/101") == 0
    sandbox.set_clock(200.0)
    done = migrate(sandbox, moves, max_failures=9)
    assert [{key: one[key] for key in keys} for one in foretold] == [{key: one[key] for key in keys} for one in done]
    assert [one["status"] for one in done] == ["changed", "refused", "refused", "ok", "changed", "not_started"]


def test_call_that_fails_is_told(sandbox):
    faults(sandbox, {"fault": "error", "path": "/nodes/pve1/lxc/101/config", "status": 500, "reason": "broken"})
    outcome = one(sandbox, "lxc/101", "pve1", "pve2", client=Asking(sandbox, max_retries=0))
    assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("failed", "refused", False)
    assert "broken" in outcome["message"]
