from __future__ import annotations

import os

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.guest_disks import find_guest_disks


def holds(guests, name="data", pool=None, paths=(), number=None, vg="vg0"):
    return guests.holds(vg, name, pool, tuple(paths), number)


@pytest.mark.parametrize(
    "name",
    [
        "vm-101-disk-0",
        "base-9000-disk-1",
        "vm-101-disk-0.qcow2",  # snapshots as a chain of volumes, Proxmox VE 9
        "vm-101-cloudinit",
        "vm-101-state-before_upgrade",
        "vm-101-fleece-0",
        "snap_vm-101-disk-0_daily",
        "subvol-102-disk-0",
        "containers_web1",
        "virtual-machines_db.block",
        "volume-0b2d9d4e-6c7a-4a53-8f1e-3f6f9f0a7b21",
    ],
)
def test_names_of_storage_managers(tree, name):
    assert holds(find_guest_disks(tree({})), name)


@pytest.mark.parametrize("name", ["data", "vm-images", "vm-backup-disk-1", "base", "volume-data", "vm-101-disk-0-copy"])
def test_names_of_people(tree, name):
    assert not holds(find_guest_disks(tree({})), name)


STORAGE = """dir: local
\tpath /var/lib/vz

lvmthin: local-lvm
\tthinpool data
\tvgname pve
\tcontent rootdir,images

lvm: shared
\tvgname san
"""


def test_thin_pools_of_proxmox(tree):
    guests = find_guest_disks(tree({"/etc/pve/storage.cfg": STORAGE}))
    assert guests.thin_pools == {("pve", "data")}
    assert holds(guests, "anything", pool="data", vg="pve")
    assert not holds(guests, "anything", pool="data", vg="other")
    assert not holds(guests, "root", vg="pve")


def test_thin_pools_of_lxd(tree):
    assert holds(find_guest_disks(tree({})), "custom_x", pool="LXDThinPool")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/pve/qemu-server/101.conf", "scsi1: /dev/vg0/data,size=40G\n"),
        ("/etc/pve/lxc/102.conf", "mp0: /dev/vg0/data,mp=/srv\n"),
        ("/etc/libvirt/qemu/web.xml", "<disk type='block'><source dev='/dev/vg0/data'/></disk>\n"),
        ("/var/lib/lxc/c1/config", "lxc.rootfs.path = lvm:/dev/vg0/data\n"),
        ("/etc/xen/web.cfg", "disk = ['phy:/dev/vg0/data,xvda,w']\n"),
    ],
)
def test_configurations(tree, path, text):
    guests = find_guest_disks(tree({path: text}))
    assert holds(guests, paths=["/dev/mapper/vg0-data", "/dev/vg0/data"])
    assert not holds(guests, "data2", paths=["/dev/mapper/vg0-data2", "/dev/vg0/data2"])


def test_lxc_containers_in_a_configured_place(tree):
    files = {"/etc/lxc/lxc.conf": "lxc.lxcpath = /srv/lxc\n", "/srv/lxc/c1/config": "lxc.rootfs.path = lvm:/dev/vg0/data\n"}
    assert holds(find_guest_disks(tree(files)), paths=["/dev/vg0/data"])


def test_commented_lines_give_nothing_away(tree):
    guests = find_guest_disks(tree({"/var/lib/lxc/c1/config": "# lxc.rootfs.path = lvm:/dev/vg0/data\n"}))
    assert not holds(guests, paths=["/dev/vg0/data"])


def test_running_qemu(tree, tmp_path):
    files = tree(
        {
            "/proc/77/comm": "qemu-system-x86\n",
            "/proc/78/comm": "bash\n",
            "/proc/77/fd/.keep": "",
            "/proc/78/fd/.keep": "",
            "/sys/class/block/dm-3/dev": "253:3\n",
            "/sys/class/block/dm-4/dev": "253:4\n",
        }
    )
    os.symlink("/dev/dm-3", tmp_path / "proc/77/fd/9")
    os.symlink("/dev/mapper/vg0-b", tmp_path / "proc/77/fd/10")
    os.symlink("/dev/dm-4", tmp_path / "proc/78/fd/9")
    guests = find_guest_disks(files)
    assert holds(guests, number="253:3")
    assert holds(guests, paths=["/dev/mapper/vg0-b"])
    assert not holds(guests, number="253:4")
