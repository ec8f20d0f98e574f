from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.disks import Disk, check_disks, disks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.sight import Closer
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Lists

GIB = 1 << 30


def move(kind="qemu"):
    return Move("m1", "lab", f"{kind}/101", kind, 101, "pve1", "pve2", None, 1, (), {}, None, (), {})


def storages(**more):
    entry = {"status": "available", "content": "images,rootdir", "shared": 0}
    found = {(node, "local"): dict(entry) for node in ("pve1", "pve2")}
    found.update({(node, "ceph"): {**entry, "shared": 1} for node in ("pve1", "pve2")})
    found["pve2", "local"].update(more)
    return Lists({}, {}, found)


def check(config, kind="qemu", **more):
    return check_disks(move(kind), Closer({}, config, {}), storages(**more))


def test_disks_of_a_vm():
    config = {
        "scsi0": "local:vm-101-disk-0,iothread=1,size=32G",
        "efidisk0": "file=local:vm-101-disk-1,efitype=4m,size=528K",
        "unused0": "local:vm-101-disk-2",
        "ide2": "local:iso/debian.iso,media=cdrom,size=600M",
        "ide3": "none,media=cdrom",
        "ide0": "local:vm-101-cloudinit,media=cdrom,size=4M",
        "scsihw": "virtio-scsi-single",
        "net0": "virtio=BC:24:11:00:00:00",
    }
    assert disks(move(), config) == [
        Disk("efidisk0", "local", 528 << 10, False, False),
        Disk("ide0", "local", 4 << 20, False, False),
        Disk("ide2", "local", 600 << 20, False, True),
        Disk("scsi0", "local", 32 * GIB, False, False),
        Disk("unused0", "local", 0, False, False),
    ]


def test_disks_of_a_container():
    config = {
        "rootfs": "local:101/vm-101-disk-0.raw,size=8G",
        "mp0": "/srv,mp=/srv,shared=1",
        "mp1": "volume=ceph:vm-101-disk-1,mp=/data,size=1T",
    }
    assert disks(move("lxc"), config) == [
        Disk("mp0", None, 0, True, False),
        Disk("mp1", "ceph", 1 << 40, False, False),
        Disk("rootfs", "local", 8 * GIB, False, False),
    ]


def test_only_what_is_not_shared_needs_room():
    assert check({"scsi0": "local:a,size=4G", "scsi1": "local:b,size=4G", "scsi2": "ceph:c,size=9G"}) == {"local": 8 * GIB}
    assert check({"rootfs": "ceph:a,size=4G", "mp0": "/srv,mp=/srv,shared=1"}, "lxc") == {}


@pytest.mark.parametrize(
    ("config", "kind", "more", "reason"),
    [
        ({"scsi0": "zfs:a,size=4G"}, "qemu", {}, "storage"),
        ({"scsi0": "local:a,size=4G"}, "qemu", {"status": "unknown"}, "storage"),
        ({"scsi0": "local:a,size=4G"}, "qemu", {"content": "rootdir,iso"}, "storage"),
        ({"rootfs": "local:a,size=4G"}, "lxc", {"content": "images"}, "storage"),
        ({"ide2": "local:iso/debian.iso,media=cdrom"}, "qemu", {}, "local_resource"),
        ({"mp0": "/srv,mp=/srv"}, "lxc", {}, "local_resource"),
    ],
)
def test_what_the_target_cannot_take(config, kind, more, reason):
    with pytest.raises(Refused) as raised:
        check(config, kind, **more)
    assert raised.value.reason == reason
    assert "Needed is" in str(raised.value)
