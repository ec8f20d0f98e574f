"""Storages and what lies on them, beyond the recordings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.sandbox_client import Client

NOPE = {"storage": "No such storage."}


@pytest.mark.parametrize(
    ("path", "query", "status", "told"),
    [
        ("/nodes/pve1/storage", {"storage": "nope"}, 400, NOPE),
        ("/nodes/pve1/storage", {"storage": "shared", "content": "iso"}, 400, NOPE),
        ("/nodes/pve1/storage/nope/status", {}, 400, NOPE),
        ("/nodes/pve1/storage/nope/content", {}, 500, "storage 'nope' does not exist"),
        ("/nodes/pve1/storage/nope/rrddata", {"timeframe": "hour"}, 500, "RRD error: "),
    ],
)
def test_a_storage_that_is_not_there(client: Client, path: str, query: dict[str, str], status: int, told: Any) -> None:
    answer = client.ask("GET", path, **query)
    assert answer.status == status
    if status == 400:
        assert answer.errors == told
    else:
        assert answer.reason.startswith(told)


def test_a_storage_is_where_it_is(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["storages"].append(
        {"storage": "some", "type": "lvm", "content": "images", "vgname": "vg0", "nodes": ["pve1", "pve2"], "total": 1000}
    )
    client = serve(state)
    assert [s["storage"] for s in client.get("/nodes/pve3/storage", content="images")] == ["local", "shared"]
    assert client.ask("GET", "/nodes/pve3/storage/some/content").reason == "storage 'some' is not available on node 'pve3'"
    assert client.get("/storage/some")["nodes"] == "pve1,pve2"
    entries = [e["id"] for e in client.get("/cluster/resources", type="storage") if e["storage"] == "some"]
    assert entries == ["storage/pve1/some", "storage/pve2/some"]
    assert client.get("/nodes/pve1/disks/lvm")["children"][0]["name"] == "vg0"


def test_use_follows_the_volumes(client: Client) -> None:
    before = client.get("/nodes/pve1/storage/shared/status")
    client.post("/nodes/pve1/storage/shared/content", vmid=101, filename="vm-101-disk-7.raw", size="10G")
    after = client.get("/nodes/pve2/storage/shared/status")
    assert after["used"] > before["used"]
    assert after["used"] + after["avail"] == after["total"]
    assert client.ask("POST", "/nodes/pve1/storage/shared/content", body={"vmid": 101, "filename": "other", "size": "1G"}).status == 500


def test_definitions_are_made_changed_and_removed(client: Client) -> None:
    client.post("/storage", storage="more", type="dir", path="/srv/more", content="images")
    assert (
        client.ask("POST", "/storage", body={"storage": "more", "type": "dir", "path": "/x"}).reason
        == "create storage failed: storage ID 'more' already defined"
    )
    client.put("/storage/more", content="images,rootdir", disable=1)
    assert client.get("/storage/more")["content"] == "images,rootdir"
    assert next(s for s in client.get("/nodes/pve1/storage") if s["storage"] == "more")["active"] == 0
    assert "more" not in [s["storage"] for s in client.get("/nodes/pve1/storage", enabled=1)]
    client.delete("/storage/more")
    assert client.ask("GET", "/storage/more").reason == "storage 'more' does not exist"


def test_jobs_are_kept(client: Client) -> None:
    client.post("/cluster/replication", id="201-0", target="pve2", type="local", schedule="*/5")
    assert client.get("/cluster/replication")[0]["guest"] == 201
    assert client.get("/nodes/pve1/replication/201-0/status")["fail_count"] == 0
    assert client.ask("GET", "/nodes/pve1/replication/201-1/status").reason == "no such replication job '201-1'"
    client.post("/cluster/backup", id="nightly", vmid="101,201", schedule="02:00", storage="local")
    assert client.get("/cluster/backup/nightly")["vmid"] == "101,201"
    assert 101 not in [guest["vmid"] for guest in client.get("/cluster/backup-info/not-backed-up")]
    assert client.ask("GET", "/cluster/backup/none").errors == {"id": "No such job 'none'"}
    client.well(client.delete("/nodes/pve1/qemu/201", purge=1))
    assert client.get("/cluster/replication") == []


def test_volumes_are_named_as_their_storage_names_them(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["storages"] += [
        {"storage": "tank", "type": "zfspool", "content": "images,rootdir", "pool": "tank", "total": 1 << 40},
        {"storage": "thin", "type": "lvmthin", "content": "images,rootdir", "total": 1 << 40},
    ]
    client = serve(state)
    client.put("/nodes/pve1/lxc/101/config", mp0="tank:1,mp=/a", mp1="thin:1,mp=/b", mp2="shared:1,mp=/c")
    config = client.get("/nodes/pve1/lxc/101/config")
    assert [config[f"mp{i}"].partition(",")[0] for i in range(3)] == [
        "tank:subvol-101-disk-0",
        "thin:vm-101-disk-0",
        "shared:101/vm-101-disk-1.raw",
    ]
    client.put("/nodes/pve1/qemu/201/config", scsi1="tank:1", scsi2="shared:1,format=qcow2")
    config = client.get("/nodes/pve1/qemu/201/config")
    assert [config[f"scsi{i}"] for i in (1, 2)] == ["tank:vm-201-disk-0,size=1G", "shared:201/vm-201-disk-1.qcow2,size=1G"]
    assert client.get("/nodes/pve1/disks/zfs")[0]["name"] == "tank"


def test_a_node_without_a_cluster(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["cluster"] = {"name": None}
    state["nodes"] = state["nodes"][:1]
    state["guests"] = [guest for guest in state["guests"] if guest["node"] == "pve1"]
    state["ha"] = {}
    client = serve(state)
    assert [entry["type"] for entry in client.get("/cluster/status")] == ["node"]
    assert "hastate" not in client.get("/cluster/resources", type="node")[0]


def test_who_sees_which_volumes(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    """Disks are shown to those who may change them, and to nobody else."""
    state["volumes_more"] = [
        {"volid": "local:iso/x.iso", "content": "iso", "node": "pve1"},
        {"volid": "local:snippets/x.yml", "content": "snippets", "node": "pve1"},
        {"volid": "local:backup/vzdump-lxc-104.tar", "content": "backup", "vmid": 104, "node": "pve1"},
    ]
    state["roles"].append({"roleid": "Space", "privs": ["Datastore.AllocateSpace", "Datastore.Audit", "VM.Backup"]})
    state["acl"].append({"path": "/", "ugid": "one@pve", "roleid": "Space", "propagate": 1})
    client = serve(state)
    tokens = {
        "viewer@pve!ro=22222222-2222-2222-2222-222222222222": (set(), {"iso"}),
        "ops@pve!cap=33333333-3333-3333-3333-333333333333": ({"images", "rootdir"}, {"iso"}),
        "one@pve!tok=66666666-6666-6666-6666-666666666666": (set(), {"iso", "backup"}),
    }
    for token, (shared, local) in tokens.items():
        who = Client(client.sandbox, token=token)
        assert {one["content"] for one in who.get("/nodes/pve1/storage/shared/content")} == shared
        assert {one["content"] for one in who.get("/nodes/pve1/storage/local/content")} == local
    assert {one["content"] for one in client.get("/nodes/pve1/storage/local/content")} == {"iso", "snippets", "backup"}
