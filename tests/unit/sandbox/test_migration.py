"""Migrations: the log's lines in order with numbers of the physics, the states in between, the ends that are no success."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from support.sandbox_client import Client, until

MIB = 1 << 20


def texts(log: list[str]) -> list[str]:
    """The lines without their times."""
    return [re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", "", line) for line in log]


def times(log: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(line[:19]) for line in log if re.match(r"\d{4}-", line)]


def in_order(log: list[str], patterns: list[str]) -> None:
    """Every pattern has a line, in this order, and every other line is one of progress."""
    lines = iter(texts(log))
    for pattern in patterns:
        for line in lines:
            if re.fullmatch(pattern, line):
                break
            assert line.startswith(("migration active, transferred", "auto-increased downtime")), f"{line!r} before {pattern!r}"
        else:
            pytest.fail(f"no line {pattern!r} in {log}")


LIVE = [
    r"conntrack state migration not supported or disabled, active connections might get dropped",
    r"starting migration of VM 204 to node 'pve2' \(127\.0\.0\.12\)",
    r"starting VM 204 on remote node 'pve2'",
    r"start remote tunnel",
    r"ssh tunnel ver 1",
    r"starting online/live migration on unix:/run/qemu-server/204\.migrate",
    r"set migration capabilities",
    r"migration speed limit: 100\.0 MiB/s",
    r"migration downtime limit: 100 ms",
    r"migration cachesize: 256\.0 MiB",
    r"set migration parameters",
    r"start migrate command to unix:/run/qemu-server/204\.migrate",
    r"average migration speed: [0-9.]+ [KMG]iB/s - downtime \d+ ms",
    r"migration completed, transferred [0-9.]+ [MG]iB VM-state",
    r"migration status: completed",
    r"migration finished successfully \(duration 00:00:\d\d\)",
    r"TASK OK",
]


@pytest.fixture
def busy(serve: Callable[..., Client], state: dict[str, Any]) -> Callable[..., Client]:
    """A cluster whose VM 204 uses 1 GiB and changes its memory at a given rate."""

    def start(dirty: float, **options: Any) -> Client:
        guest = next(g for g in state["guests"] if g["vmid"] == 204)
        guest["load"] = {"cpu": 0.5, "mem": 1024 * MIB, "dirty": dirty, "wave": 0, "noise": 0}
        return serve(state, **options)

    return start


def test_a_live_migration_writes_the_real_ones_log(busy: Callable[..., Client]) -> None:
    client = busy(20 * MIB)
    upid = client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, bwlimit=100 * 1024)
    log = client.well(upid)
    in_order(log, LIVE)
    progress = [line for line in texts(log) if line.startswith("migration active")]
    assert progress[0] == "migration active, transferred 100.0 MiB of 2.0 GiB VM-state, 100.0 MiB/s"
    # 1 GiB at 100 MiB/s of which 20 are changed again: 80 net, until the rest fits into 100 ms
    assert len(progress) == 12
    sent = float(next(re.search(r"transferred ([0-9.]+) GiB", line)[1] for line in texts(log) if "completed, transferred" in line))  # type: ignore[index]
    assert sent == pytest.approx(1024 / 80 * 100 / 1024, abs=0.1)
    assert times(log) == sorted(times(log))
    assert client.get("/nodes/pve2/qemu/204/status/current")["status"] == "running"
    assert "lock" not in client.get("/nodes/pve2/qemu/204/config")


def test_memory_that_changes_faster_than_the_link_is_moved_with_a_longer_downtime(busy: Callable[..., Client]) -> None:
    client = busy(150 * MIB)
    log = texts(client.well(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, bwlimit=100 * 1024)))
    assert any(", VM dirties lots of memory: 150.0 MiB/s" in line for line in log)
    limits = [int(match[1]) for line in log if (match := re.fullmatch(r"auto-increased downtime to continue migration: (\d+) ms", line))]
    assert limits == [200 << i for i in range(len(limits))]
    assert limits
    downtime = int(next(re.search(r"downtime (\d+) ms", line)[1] for line in log if line.startswith("average")))  # type: ignore[index]
    assert downtime > 5000


def test_while_it_migrates_a_vm_is_locked_and_found_on_its_source(busy: Callable[..., Client]) -> None:
    client = busy(MIB)
    upid = client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, bwlimit=64)
    until(lambda: client.get("/nodes/pve1/qemu/204/status/current").get("lock") == "migrate")
    assert client.get("/nodes/pve1/qemu/204/status/current")["status"] == "running"
    assert client.ask("PUT", "/nodes/pve1/qemu/204/config", body={"name": "x"}).reason == "VM is locked (migrate)"
    assert client.ask("GET", "/nodes/pve2/qemu/204/config").reason == "Configuration file 'nodes/pve2/qemu-server/204.conf' does not exist"
    assert client.get(f"/nodes/pve1/tasks/{upid}/status")["status"] == "running"
    client.delete(f"/nodes/pve1/tasks/{upid}")
    exitstatus, log = client.task(upid)
    assert exitstatus == "migration problems"
    assert texts(log)[-5:] == [
        "ERROR: online migrate failure - interrupted by signal",
        "aborting phase 2 - cleanup resources",
        "migrate_cancel",
        next(line for line in texts(log) if line.startswith("ERROR: migration finished with problems (duration ")),
        "TASK ERROR: migration problems",
    ]
    status = client.get("/nodes/pve1/qemu/204/status/current")
    assert status["status"] == "running"
    assert "lock" not in status


def test_a_target_that_dies_leaves_the_vm_where_it_runs(busy: Callable[..., Client]) -> None:
    client = busy(MIB)
    upid = client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, bwlimit=64)
    until(lambda: client.get("/nodes/pve1/qemu/204/status/current").get("lock") == "migrate")
    client.sandbox.command(["node_death", "pve2"])
    exitstatus, log = client.task(upid)
    assert exitstatus == "migration problems"
    assert "ERROR: online migrate failure - aborting" in texts(log)
    assert client.get("/nodes/pve1/qemu/204/status/current")["status"] == "running"


def test_a_container_is_down_between_its_shutdown_and_its_start(client: Client) -> None:
    log = client.well(client.post("/nodes/pve1/lxc/104/migrate", target="pve2", restart=1))
    lines = texts(log)
    assert lines[:3] == [
        "shutdown CT 104",
        "starting migration of CT 104 to node 'pve2' (127.0.0.12)",
        "volume 'shared:104/vm-104-disk-0.raw' is on shared storage 'shared'",
    ]
    assert lines[3:5] == ["start final cleanup", "start container on target node"]
    assert lines[5].startswith("# ")
    assert lines[5].endswith("pct start 104")
    assert re.fullmatch(r"migration finished successfully \(duration 00:00:0\d\)", lines[6])
    assert lines[7:] == ["TASK OK"]


def test_a_container_that_does_not_stop_runs_on(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    next(g for g in state["guests"] if g["vmid"] == 104)["load"]["shutdown_seconds"] = 60
    client = serve(state)
    exitstatus, log = client.task(client.post("/nodes/pve1/lxc/104/migrate", target="pve2", restart=1, timeout=10))
    assert exitstatus == "migration aborted"
    assert re.fullmatch(r"ERROR: migration aborted \(duration 00:00:10\): container did not stop", texts(log)[1])
    status = client.get("/nodes/pve1/lxc/104/status/current")
    assert status["status"] == "running"
    assert "lock" not in status


@pytest.fixture
def local(serve: Callable[..., Client], state: dict[str, Any]) -> Client:
    """VM 204 and container 104 with their disks on storages of their node; only pve1 and pve2 have ``fast``."""
    state["storages"] += [
        {"storage": "thin", "type": "lvmthin", "content": "images,rootdir", "total": 1 << 40},
        {"storage": "fast", "type": "lvmthin", "content": "images,rootdir", "total": 1 << 40, "nodes": "pve1,pve2"},
    ]
    for guest in state["guests"]:
        if guest["vmid"] == 204:
            guest["config"]["scsi0"] = "fast:vm-204-disk-0,size=4G"
        if guest["vmid"] == 104:
            guest["config"]["rootfs"] = "thin:vm-104-disk-0,size=8G"
    return serve(state)


def test_local_disks_of_a_running_vm_need_their_option(local: Client) -> None:
    possible = local.get("/nodes/pve1/qemu/204/migrate")
    assert [disk["volid"] for disk in possible["local_disks"]] == ["fast:vm-204-disk-0"]
    assert possible["allowed_nodes"] == ["pve2"]
    assert possible["not_allowed_nodes"]["pve3"] == {"unavailable_storages": ["fast"]}
    exitstatus, log = local.task(local.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1))
    assert exitstatus == "migration aborted"
    assert "aborting phase 1 - cleanup resources" in texts(log)
    log = local.well(local.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, with__local__disks=1))
    for text in (
        "found local disk 'fast:vm-204-disk-0' (attached)",
        "starting storage migration",
        "volume 'fast:vm-204-disk-0' is 'fast:vm-204-disk-0' on the target",
    ):
        assert text in texts(log)
    assert local.get("/nodes/pve1/storage/fast/content") == []
    assert [v["volid"] for v in local.get("/nodes/pve2/storage/fast/content")] == ["fast:vm-204-disk-0"]


def test_a_storage_that_the_target_lacks_is_refused(local: Client) -> None:
    """A VM at once, a container inside its task."""
    body = {"target": "pve3", "online": 1, "with-local-disks": 1}
    assert local.ask("POST", "/nodes/pve1/qemu/204/migrate", body=body).reason == "storage 'fast' is not available on node 'pve3'"
    local.well(local.post("/nodes/pve1/qemu/204/migrate", target="pve3", online=1, with__local__disks=1, targetstorage="fast:thin"))
    assert local.get("/nodes/pve3/qemu/204/config")["scsi0"] == "thin:vm-204-disk-0,size=4G"
    local.put("/storage/thin", nodes="pve1")
    exitstatus, log = local.task(local.post("/nodes/pve1/lxc/104/migrate", target="pve3", restart=1))
    assert exitstatus == "migration aborted"
    assert texts(log)[0] == "ERROR: migration aborted (duration 00:00:00): storage 'thin' is not available on node 'pve3'"


@pytest.mark.parametrize(
    ("path", "option"), [("/nodes/pve1/qemu/201/migrate", "targetstorage"), ("/nodes/pve1/lxc/101/migrate", "target-storage")]
)
@pytest.mark.parametrize(
    ("value", "status", "text"),
    [
        ("shared:nope", 500, "storage 'nope' does not exist"),
        ("shared:tiny", 500, "storage 'tiny' does not support {}"),
        ("shared:off", 500, "storage 'off' is disabled"),
        ("shared:local,shared:shared", 400, "failed to parse storage map: duplicate mapping for source 'shared'\n"),
        ("local,shared", 400, "failed to parse storage map: default target ID can only be provided once\n"),
        ("1,shared", 400, "failed to parse storage map: identity mapping cannot be combined with other mappings\n"),
    ],
)
def test_maps_of_storages_are_judged_before_there_is_a_task(
    serve: Callable[..., Client], state: dict[str, Any], path: str, option: str, value: str, status: int, text: str
) -> None:
    state["storages"] += [
        {"storage": "tiny", "type": "dir", "path": "/tiny", "content": "iso"},
        {"storage": "off", "type": "dir", "path": "/off", "disable": 1},
    ]
    client = serve(state)
    answer = client.ask("POST", path, body={"target": "pve2", option: value})
    found = answer.errors.get(option) if status == 400 else answer.reason
    assert (answer.status, found) == (status, text.format("vm images" if "qemu" in path else "CT rootdirs"))
    mover = Client(client.sandbox, token="capmgr@pve!mgr=55555555-5555-5555-5555-555555555555")
    vmid = path.split("/")[4]
    answer = mover.ask("POST", path, body={"target": "pve2", option: "shared"})
    assert answer.reason == f"Permission check failed (/vms/{vmid}, VM.Config.Disk)"


def test_a_locked_container_says_so_before_it_is_asked_to_move(client: Client) -> None:
    assert client.ask("GET", "/nodes/pve3/lxc/106/migrate").reason == "CT is locked (backup)"


def test_options_of_root_count_only_when_they_are_set(client: Client) -> None:
    path = "/nodes/pve1/qemu/201/migrate"
    assert client.ask("POST", path, body={"target": "pve2", "force": 1}).errors == {"force": "Only root may use this option."}
    assert client.ask("POST", path, body={"target": "pve2", "force": 0}).status == 200


def test_a_containers_local_volume_is_copied(local: Client) -> None:
    log = texts(local.well(local.post("/nodes/pve1/lxc/104/migrate", target="pve2", restart=1)))
    assert "found local volume 'thin:vm-104-disk-0' (in current VM config)" in log
    assert "volume 'thin:vm-104-disk-0' is 'thin:vm-104-disk-0' on the target" in log
    assert local.get("/nodes/pve2/lxc/104/config")["rootfs"] == "thin:vm-104-disk-0,size=8G"


def test_two_migrations_share_the_link_of_their_node(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    for node in state["nodes"]:
        node["link_bytes_per_second"] = 100 * MIB
    for guest in state["guests"]:
        if guest["vmid"] in (202, 204):
            guest["node"] = "pve1"
            guest["load"] = {"cpu": 0.1, "mem": 900 * MIB, "dirty": 0, "wave": 0, "noise": 0}
    client = serve(state)
    client.sandbox.set_clock(0)  # so that both begin at the same moment
    upids = [client.post(f"/nodes/pve1/qemu/{vmid}/migrate", target=target, online=1) for vmid, target in ((204, "pve2"), (202, "pve3"))]
    client.sandbox.set_clock(200)
    speeds = [line for upid in upids for line in texts(client.well(upid)) if line.startswith("migration active")]
    assert sum(line.endswith(", 50.0 MiB/s") for line in speeds) >= 20


def test_the_datacenters_limit_holds_where_the_request_has_none(busy: Callable[..., Client]) -> None:
    client = busy(0)
    client.put("/cluster/options", bwlimit="migration=51200")
    log = texts(client.well(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1)))
    assert "migration speed limit: 50.0 MiB/s" in log


def test_a_target_that_does_not_answer_is_noticed_before_anything_stops(client: Client) -> None:
    client.sandbox.command(["node_death", "pve2"])
    exitstatus, log = client.task(client.post("/nodes/pve1/lxc/104/migrate", target="pve2", restart=1))
    assert exitstatus == "migration aborted"
    assert texts(log)[0] == "ERROR: migration aborted (duration 00:00:00): Can't connect to destination address using public key"
    assert client.get("/nodes/pve1/lxc/104/status/current")["status"] == "running"


def test_a_network_for_migrations_is_told(busy: Callable[..., Client]) -> None:
    client = busy(0)
    client.put("/cluster/options", migration="secure,network=127.0.0.0/24")
    log = texts(client.well(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1)))
    assert log[1] == "use dedicated network address for sending migration traffic (127.0.0.12)"


def test_a_running_container_never_migrates_online(client: Client) -> None:
    exitstatus, log = client.task(client.post("/nodes/pve1/lxc/104/migrate", target="pve2", restart=1, online=1))
    assert exitstatus == "migration aborted"
    assert texts(log)[0].endswith("lxc live migration is currently not implemented")
    client.put("/nodes/pve1/lxc/104/config", lock="backup")
    log = client.task(client.post("/nodes/pve1/lxc/104/migrate", target="pve2", online=1))[1]
    assert texts(log)[0].endswith("CT is locked (backup)")


def test_devices_of_its_node_keep_a_vm_there(client: Client) -> None:
    path = "/nodes/pve1/qemu/201"
    client.put(f"{path}/config", serial0="socket", usb0="host=spice")
    assert client.get(f"{path}/migrate")["local_resources"] == []
    client.put(f"{path}/config", usb1="mapping=stick")
    possible = client.get(f"{path}/migrate")
    assert (possible["local_resources"], possible["mapped-resources"]) == (["usb1"], ["usb1"])
    with client.sandbox.world.lock:
        client.sandbox.world.guests[201].config["hostpci0"] = "host=0000:00:02"
    exitstatus, log = client.task(client.post(f"{path}/migrate", target="pve2"))
    assert exitstatus == "migration aborted"
    assert texts(log)[0].endswith("can't migrate VM which uses local devices: hostpci0")
