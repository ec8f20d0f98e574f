# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts documents as the modules return them, for the tests of record and import_history."""

from __future__ import annotations

GIB = 2**30
NOW = 1_763_700_000


def lv(name="data", vg="vg0", uuid=None, size=10 * GIB, fs_size=9 * GIB, used=5 * GIB, **more):
    """One volume with an ext4 file system."""
    return {
        "vg": vg, "vg_uuid": f"VG-{vg}", "name": name, "uuid": uuid or f"LV-{vg}-{name}".replace("_", "-"), "path": f"/dev/{vg}/{name}",
        "dm_path": f"/dev/mapper/{vg}-{name}", "size": size, "active": True, "segment_type": "linear", "attr": "-wi-ao----", "tags": [],
        "origin": None, "pool": None, "snapshot_fraction": None, "sync_fraction": None, "data_fraction": None, "metadata_fraction": None,
        "metadata_size": None, "role": "plain", "stack": [], "in_progress": None,
        "filesystem": {
            "type": "ext4", "uuid": "f", "label": None, "device": "/dev/dm-0", "size": fs_size, "used": used, "avail": fs_size - 5 * GIB,
            "inodes": 1000, "inodes_used": 10, "mountpoints": ["/srv"], "read_only": False, "reason": None,
        },
        **more,
    }  # fmt: skip


def vg(name="vg0", uuid=None, size=100 * GIB, free=50 * GIB, **more):
    """One volume group."""
    extent = 4 * 2**20
    return {
        "name": name, "uuid": uuid or f"VG-{name}", "size": size, "free": free, "extent_bytes": extent, "extents": size // extent,
        "extents_free": 10, "tags": [], "lock_type": None, "system_id": None, "foreign": False, "partial": False, "exported": False,
        "pv_count": 1, **more,
    }  # fmt: skip


def lvm(at=NOW, lvs=None, vgs=None, **more):
    """A foresight_lvm document."""
    return {
        "schema": "foresight.lvm/1", "observed_at": at, "machine_id": "m1", "boot_id": "b1", "available": True, "reason": None,
        "message": None, "lvm_version": "2.03", "pvs": [{"name": "/dev/sdb", "uuid": "PV1", "vg": "vg0", "size": 100 * GIB, "free": 0, "missing": False}],
        "vgs": [vg()] if vgs is None else vgs, "lvs": [lv()] if lvs is None else lvs, **more,
    }  # fmt: skip


def node(at=NOW, busy=100.0, uptime=1000.0, **more):
    """A foresight_node document; busy = seconds of one core that were used since boot."""
    return {
        "schema": "foresight.node/1", "observed_at": at, "machine_id": "m1", "boot_id": "b1", "cores": 4, "cpu_cores": 0.5,
        "load": {"1": 0.7, "5": 0.5, "15": 0.3},
        "memory": {"total": 8 * GIB, "used": 2 * GIB, "available": 6 * GIB, "cache": GIB, "swap_total": GIB, "swap_used": 0},
        "cpu_seconds": {"user": busy, "system": 0.0, "iowait": 0.0, "steal": 0.0, "idle": 4 * uptime - busy, "total": 4 * uptime},
        "disks": {"sda": {"read_bytes": 1000, "write_bytes": 2000}, "sda1": {"read_bytes": 900, "write_bytes": 1900},
                  "dm-0": {"read_bytes": 9, "write_bytes": 9}},
        "network": {"eth0": {"rx_bytes": 10, "tx_bytes": 20}, "lo": {"rx_bytes": 5, "tx_bytes": 5}},
        "pressure": {"cpu": {"some": {"avg10": 1.0, "avg60": 12.5, "avg300": 3.0, "total_seconds": 9.0}}},
        "uptime_seconds": uptime, **more,
    }  # fmt: skip


def container(name="lxc/web", cpu_seconds=50.0, **more):
    """One container."""
    return {
        "id": name, "name": name.partition("/")[2], "state": "running", "cpu_cores_limit": 2.0, "cpu_seconds": cpu_seconds, "memory_bytes": GIB,
        "memory_limit": 2 * GIB, "swap": {"total": GIB, "used": 0}, "filesystem": {"total": 4 * GIB, "used": GIB, "free": 3 * GIB},
        "io": {"read_bytes": 100, "write_bytes": 200}, "net": {"rx_bytes": 1, "tx_bytes": 2}, "pids": 12, "pids_limit": None, "pressure": None,
        "oom_kills": 0, **more,
    }  # fmt: skip


def lxc(at=NOW, containers=None, cluster=None, **more):
    """A foresight_lxc document."""
    return {
        "schema": "foresight.lxc/1", "observed_at": at, "machine_id": "m1", "boot_id": "b1", "available": True, "reason": None, "message": None,
        "cluster": cluster, "cgroup_version": 2, "containers": [container()] if containers is None else containers, **more,
    }  # fmt: skip


def cluster(at=NOW, **more):
    """A foresight_cluster document with one node and two guests."""
    return {
        "cluster": "prod", "host": "prod-api", "observed_at": at, "api_skew": 4000, "demand": {"basis": "current"},
        "nodes": [{"name": "pve1", "cpu": 32.0, "memory": 256 * GIB, "online": True, "overhead": {"cpu": 1.0, "memory": GIB}}],
        "guests": [
            {"id": "lxc/101", "name": "web", "node": "pve1", "running": True, "cpu": 1.5, "memory": 4 * GIB, "cpu_max": 4, "memory_max": 8 * GIB},
            {"id": "qemu/102", "name": "db", "node": "pve1", "running": False, "cpu": 0, "memory": 0, "cpu_max": 4, "memory_max": 8 * GIB},
        ],
        **more,
    }  # fmt: skip
