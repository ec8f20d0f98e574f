"""Creating, cloning, templates and deleting: nothing of it was recorded, so it is held to the schema and to what is known of the real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client, until

TEMPLATE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"


@pytest.fixture
def roomy(serve: Callable[..., Client], state: dict[str, Any]) -> Client:
    """The recordings' cluster with a container template, a thin pool that can take snapshots, and a pool."""
    state["volumes_more"] = [{"volid": TEMPLATE, "content": "vztmpl", "size": 126000000, "format": "tzst"}]
    state["storages"].append(
        {"storage": "thin", "type": "lvmthin", "content": "images,rootdir", "vgname": "pve", "thinpool": "data", "total": 1 << 40}
    )
    return serve(state)


def test_a_vm_is_created_started_and_removed(roomy: Client) -> None:
    log = roomy.well(
        roomy.post(
            "/nodes/pve1/qemu",
            vmid=300,
            name="new",
            memory=2048,
            cores=2,
            scsi0="thin:8",
            net0="virtio,bridge=vmbr0",
            tags="B;a",
            pool="lab",
        )
    )
    assert log == ["TASK OK"]
    config = roomy.get("/nodes/pve1/qemu/300/config")
    assert config["scsi0"] == "thin:vm-300-disk-0,size=8G"
    assert config["memory"] == "2048"
    assert config["cores"] == 2
    assert config["tags"] == "a;b"
    assert config["boot"] == "order=scsi0;net0"
    assert config["net0"].startswith("virtio=BC:24:11:")
    assert config["net0"].endswith(",bridge=vmbr0")
    assert config["meta"].startswith("creation-qemu=")
    assert config["smbios1"].startswith("uuid=")
    assert "lock" not in config
    assert [v["volid"] for v in roomy.get("/nodes/pve1/storage/thin/content")] == ["thin:vm-300-disk-0"]
    assert roomy.get("/pools/lab", type="qemu")["members"][-1]["vmid"] == 300
    roomy.well(roomy.post("/nodes/pve1/qemu/300/status/start"))
    assert roomy.get("/nodes/pve1/qemu/300/status/current")["status"] == "running"
    assert roomy.ask("DELETE", "/nodes/pve1/qemu/300").reason == "VM 300 is running - destroy failed"
    roomy.well(roomy.post("/nodes/pve1/qemu/300/status/stop"))
    roomy.well(roomy.delete("/nodes/pve1/qemu/300"))
    assert roomy.ask("GET", "/nodes/pve1/qemu/300/config").reason == "Configuration file 'nodes/pve1/qemu-server/300.conf' does not exist"
    assert roomy.get("/nodes/pve1/storage/thin/content") == []
    assert all(member.get("vmid") != 300 for member in roomy.get("/pools/lab")["members"])


def test_a_container_is_created_from_a_template(roomy: Client) -> None:
    upid = roomy.post(
        "/nodes/pve1/lxc",
        vmid=301,
        ostemplate=TEMPLATE,
        hostname="ct",
        storage="thin",
        rootfs="thin:4",
        net0="name=eth0,bridge=vmbr0,ip=dhcp",
        unprivileged=1,
        start=1,
    )
    assert upid.split(":")[5] == "vzcreate"
    assert any(TEMPLATE in line for line in roomy.well(upid))
    config = roomy.get("/nodes/pve1/lxc/301/config")
    assert config["rootfs"] == "thin:vm-301-disk-0,size=4G"
    assert config["ostype"] == "debian"
    assert (config["memory"], config["swap"]) == (512, 512)
    assert config["net0"].startswith("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:")
    until(lambda: roomy.get("/nodes/pve1/lxc/301/status/current")["status"] == "running")


def test_a_container_without_its_template_is_not_created(roomy: Client) -> None:
    exitstatus, _unused = roomy.task(roomy.post("/nodes/pve1/lxc", vmid=301, ostemplate="local:vztmpl/none.tar.zst", rootfs="thin:4"))
    assert exitstatus == "unable to create CT 301 - volume 'local:vztmpl/none.tar.zst' does not exist"
    assert roomy.ask("GET", "/nodes/pve1/lxc/301/config").status == 500
    assert roomy.get("/nodes/pve1/storage/thin/content") == []


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("/nodes/pve1/qemu", {"vmid": 104}, "unable to create VM 104 - CT 104 already exists on node 'pve1'"),
        ("/nodes/pve1/lxc", {"vmid": 202, "ostemplate": TEMPLATE}, "unable to create CT 202 - VM 202 already exists on node 'pve2'"),
        ("/nodes/pve1/qemu", {"vmid": 300, "scsi0": "nope:4"}, "storage 'nope' does not exist"),
        ("/nodes/pve1/qemu", {"vmid": 300, "pool": "nope"}, "Permission check failed (pool 'nope' does not exist)"),
        ("/nodes/pve1/qemu/201/clone", {"newid": 104}, "unable to create VM 104 - CT 104 already exists on node 'pve1'"),
        (
            "/nodes/pve1/qemu/201/clone",
            {"newid": 300, "full": 0},
            "Linked clone feature is not supported for 'shared:201/vm-201-disk-0.raw' (scsi0)",
        ),
        ("/nodes/pve1/qemu/201/clone", {"newid": 300, "target": "pve2", "storage": "thin"}, "can't clone to non-shared storage 'thin'"),
        ("/nodes/pve1/qemu/205/template", {}, "unable to create template, because VM contains snapshots"),
        ("/nodes/pve1/qemu/204/template", {}, "you can't convert a VM to template if VM is running"),
    ],
)
def test_refused_at_once(roomy: Client, path: str, body: dict[str, Any], reason: str) -> None:
    answer = roomy.ask("POST", path, body=body)
    assert (answer.status, answer.reason) == (403 if reason.startswith("Permission") else 500, reason)


def test_while_it_is_created_a_guest_is_locked(roomy: Client) -> None:
    roomy.sandbox.set_clock(0)
    upid = roomy.post("/nodes/pve1/qemu", vmid=300, memory=512)
    until(lambda: roomy.get("/nodes/pve1/qemu/300/config").get("lock") == "create")
    assert roomy.ask("PUT", "/nodes/pve1/qemu/300/config", body={"cores": 2}).reason == "VM is locked (create)"
    roomy.sandbox.set_clock(200)
    roomy.well(upid)
    assert "lock" not in roomy.get("/nodes/pve1/qemu/300/config")


def test_a_full_clone_has_disks_and_an_identity_of_its_own(roomy: Client) -> None:
    roomy.put("/nodes/pve1/qemu/201/config", net0="virtio=BC:24:11:00:00:01,bridge=vmbr0")
    roomy.well(roomy.post("/nodes/pve1/qemu/201/clone", newid=300, name="copy", full=1, target="pve2"))
    old, new = roomy.get("/nodes/pve1/qemu/201/config"), roomy.get("/nodes/pve2/qemu/300/config")
    assert new["name"] == "copy"
    assert new["scsi0"] == "shared:300/vm-300-disk-0.raw,size=4G"
    assert new["smbios1"] != old["smbios1"]
    assert "BC:24:11:00:00:01" not in new["net0"]
    assert "lock" not in old
    assert "lock" not in new


def test_a_template_is_cloned_as_a_link_and_stays_while_it_is_used(roomy: Client) -> None:
    roomy.well(roomy.post("/nodes/pve1/qemu/201/template"))
    assert roomy.get("/nodes/pve1/qemu/201/config")["scsi0"] == "shared:201/base-201-disk-0.raw,size=4G"
    assert roomy.task(roomy.post("/nodes/pve1/qemu/201/status/start"))[0] == "you can't start a vm if it's a template"
    assert roomy.get("/nodes/pve1/qemu/201/feature", feature="clone")["hasFeature"] == 1
    roomy.well(roomy.post("/nodes/pve1/qemu/201/clone", newid=300))
    exitstatus, _unused = roomy.task(roomy.delete("/nodes/pve1/qemu/201"))
    assert exitstatus == "base volume is still in use by linked cloned 'shared:300/vm-300-disk-0.raw'"
    roomy.well(roomy.delete("/nodes/pve1/qemu/300"))
    roomy.well(roomy.delete("/nodes/pve1/qemu/201"))


def test_a_container_becomes_a_template_without_an_answer(roomy: Client) -> None:
    assert roomy.post("/nodes/pve1/lxc/101/template") is None
    until(lambda: roomy.get("/nodes/pve1/lxc/101/config").get("template") == 1)
    roomy.well(roomy.post("/nodes/pve1/lxc/101/clone", newid=300, hostname="copy"))
    assert roomy.get("/nodes/pve1/lxc/300/config")["hostname"] == "copy"
    assert "template" not in roomy.get("/nodes/pve1/lxc/300/config")


def test_what_protects_a_guest_from_deletion(roomy: Client) -> None:
    assert (
        roomy.ask("DELETE", "/nodes/pve3/lxc/109").reason == "unable to remove CT 109 - used in HA resources and purge parameter not set."
    )
    roomy.put("/nodes/pve1/lxc/101/config", protection=1)
    assert roomy.ask("DELETE", "/nodes/pve1/lxc/101").reason == "can't remove CT 101 - protection mode enabled"
    assert roomy.task(roomy.delete("/nodes/pve3/qemu/203"))[0] == "VM is locked (backup)"
    roomy.put("/nodes/pve1/lxc/101/config", delete="protection")
    roomy.well(roomy.delete("/nodes/pve1/lxc/101"))


def test_creating_needs_its_privileges(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    client = serve(state)
    cap = Client(client.sandbox, token="ops@pve!cap=33333333-3333-3333-3333-333333333333")
    assert (
        cap.ask("POST", "/nodes/pve1/qemu", body={"vmid": 300, "scsi0": "shared:4"}).reason
        == "Permission check failed (/storage/shared, Datastore.AllocateSpace)"
    )
    viewer = Client(client.sandbox, token="viewer@pve!ro=22222222-2222-2222-2222-222222222222")
    assert viewer.ask("POST", "/nodes/pve1/qemu", body={"vmid": 300}).reason == "Permission check failed"
    assert viewer.ask("POST", "/nodes/pve1/qemu/201/clone", body={"newid": 300}).reason == "Permission check failed (/vms/201, VM.Clone)"
    cap.well(cap.post("/nodes/pve1/qemu", vmid=300, memory=512))


def test_disks_are_added_unplugged_and_removed(roomy: Client) -> None:
    path = "/nodes/pve1/qemu/204/config"
    roomy.put(path, scsi1="thin:2")
    assert roomy.get(path)["scsi1"] == "thin:vm-204-disk-1,size=2G" or roomy.get(path)["scsi1"] == "thin:vm-204-disk-0,size=2G"
    volume = roomy.get(path)["scsi1"].partition(",")[0]
    roomy.put(path, delete="scsi1")
    assert roomy.get(path)["unused0"] == volume
    roomy.put(path, delete="unused0")
    assert roomy.get("/nodes/pve1/storage/thin/content") == []


def test_a_disk_moves_to_another_storage(roomy: Client) -> None:
    assert roomy.ask("POST", "/nodes/pve1/qemu/201/move_disk", body={"disk": "scsi0", "storage": "shared"}).status == 500
    log = roomy.well(roomy.post("/nodes/pve1/qemu/201/move_disk", disk="scsi0", storage="thin", delete=1))
    assert log[0] == "create full clone of drive scsi0 (shared:201/vm-201-disk-0.raw)"
    assert roomy.get("/nodes/pve1/qemu/201/config")["scsi0"] == "thin:vm-201-disk-0,size=4G"
    assert roomy.get("/nodes/pve1/storage/shared/content", vmid=201) == []


def test_a_vm_disk_grows_and_never_shrinks(roomy: Client) -> None:
    path = "/nodes/pve1/qemu/201/resize"
    roomy.well(roomy.put(path, disk="scsi0", size="+512M"))
    assert roomy.get("/nodes/pve1/qemu/201/config")["scsi0"].endswith("size=4608M")
    roomy.well(roomy.put(path, disk="scsi0", size="4608M"))
    assert roomy.task(roomy.put(path, disk="scsi0", size="1G"))[0] == "shrinking disks is not supported"
    assert roomy.task(roomy.put(path, disk="scsi1", size="1G"))[0] == "disk 'scsi1' does not exist"
    assert roomy.task(roomy.put(path, disk="scsi0", size="9G", digest="old"))[0] == "checksum mismatch (file change by other user?)"
    assert roomy.task(roomy.put("/nodes/pve3/qemu/203/resize", disk="scsi0", size="9G"))[0] == "VM is locked (backup)"


def test_a_locked_guest_becomes_no_template(roomy: Client) -> None:
    assert roomy.ask("POST", "/nodes/pve3/lxc/106/template").reason == "CT is locked (backup)"


def test_a_container_is_unprivileged_unless_somebody_who_may_says_otherwise(roomy: Client) -> None:
    path = "/nodes/pve1/lxc"
    roomy.well(roomy.post(path, vmid=300, ostemplate=TEMPLATE, storage="thin"))
    assert roomy.get(f"{path}/300/config")["unprivileged"] == 1
    owner = Client(roomy.sandbox, token="ops@pve!cap=33333333-3333-3333-3333-333333333333")
    body = {"vmid": 301, "ostemplate": TEMPLATE, "unprivileged": 0}
    assert owner.ask("POST", path, body=body).reason == "Permission check failed (/, Sys.Modify)"
    body = {"vmid": 301, "ostemplate": TEMPLATE, "mp0": "thin:1,mp=/data"}
    assert roomy.ask("POST", path, body=body).reason == "mount points configured, but 'rootfs' not set - aborting"
