# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts and wishes that the property tests of a resize draw: every kind of file system, in use or not, sound or in trouble."""

from __future__ import annotations

from driver import KINDS, data_volume, ext4, machine_with, xfs
from hypothesis import strategies as st
from simulated_volume import EXTENT, Volume

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin, Reserve

# Kinds of file systems; None: a volume without any.
KNOWN = (*sorted(KINDS), "ext4", "xfs", None)
# btrfs shrinks to 256 MiB at least, and FAT32 begins there.
LARGE = ("btrfs", "vfat")
# The tools that make a file system larger, of all kinds.
GROWING = ("resize2fs", "xfs_growfs", "btrfs", "fatresize", "resize.f2fs", "mkswap")
TROUBLES = (
    *("read_only", "unmounted", "hidden", "inactive", "open", "dirty", "sync", "snapshot", "ignored", "guest", "luks", "shared"),
    *("partial", "missing", "oversized", "read_only_volume"),
)


@st.composite
def volumes(draw):
    """The volume vg0/data in a state that a resize can start from, half grown and half shrunk ones included."""
    name = draw(st.sampled_from(KNOWN))
    least = 80 if name in LARGE else 20
    extents = draw(st.integers(least + 5, least + 120))
    segment, stripes = draw(st.sampled_from([("linear", 1), ("linear", 1), ("striped", 2), ("raid1", 2)]))
    extents -= extents % 2 if segment == "striped" else 0
    fs = None
    if name is not None:
        fs = draw(made(name, max(least, extents - draw(st.sampled_from([0, 0, 1, 5])))))
        # That fatresize has no room to copy the directories is seen only once it is unmounted (see is_opened).
        most = 0.97 if name == "vfat" else 1.0
        fs.used = int(draw(st.sampled_from([0.0, 0.2, 0.6, most])) * max(0, fs.blocks - fs.overhead)) * fs.block_size
    in_use = name is not None and draw(st.sampled_from([True, True, False]))
    mountpoints = [KINDS[name].place] if in_use else []
    return name, data_volume(extents, fs=fs, mountpoints=mountpoints, segment=segment, stripes=stripes)


@st.composite
def made(draw, name, extents):
    """A file system of this kind that fills so many extents, with what the kind can differ in."""
    if name == "ext4":
        return ext4(extents, inode_blocks=draw(st.sampled_from([128, 512, 2048])))
    if name == "xfs":
        return xfs(extents, group=draw(st.sampled_from([2560, 5121, 38400])))
    return KINDS[name].make(extents)


@st.composite
def scenarios(draw, healthy=False):
    """A host and a wish; unless ``healthy``, the host may have one or two troubles that a resize must refuse or survive."""
    name, volume = draw(volumes())
    at_boot = KINDS[name or "ext4"].fstab
    others = [[at_boot.replace("defaults", "ro")], [at_boot.replace("defaults", "noauto")], []]
    fstab = draw(st.sampled_from([[at_boot], [at_boot], *others]))
    machine = machine_with(volume, free=draw(st.one_of(st.just(2000), st.just(2000), st.integers(0, 100))), fstab=fstab)
    if not healthy:
        for trouble in draw(st.lists(st.sampled_from(TROUBLES), max_size=2, unique=True)):
            spoil(trouble, machine, volume)
    return machine, draw(wishes(volume))


@st.composite
def wishes(draw, volume):
    """Growth or shrinking, of whole extents or not, or the present size."""
    more = draw(st.one_of(st.integers(10, 80), st.integers(1, 80), st.integers(-70, -1), st.just(0)))
    wish = {
        "size": max(EXTENT, (volume.extents + more) * EXTENT - draw(st.sampled_from([0, 0, 1]))),
        "named_exactly": draw(st.sampled_from([True, True, False])),
        "allow_shrink": draw(st.sampled_from([True, True, False])),
        "allow_unmount": draw(st.sampled_from([True, True, False])),
        "allow_mount": draw(st.booleans()),
        "margin": draw(st.sampled_from([Margin(percent=10.0), Margin()])),
    }
    wish["reserve"] = Reserve(extents=draw(st.sampled_from([0, 0, 10, 60])))
    if draw(st.booleans()):
        wish["expect_size"] = (volume.extents + draw(st.sampled_from([0, 0, 0, 0, -1, 3]))) * EXTENT
    return wish


def spoil(trouble, machine, volume):
    """Give the host one trouble."""
    fs = volume.fs
    actions = {
        "read_only": lambda: setattr(volume, "read_only", True),
        "read_only_volume": lambda: setattr(volume, "writable", False),
        "unmounted": volume.mountpoints.clear,
        "hidden": lambda: machine.hidden.add("/srv"),
        "inactive": lambda: (setattr(volume, "active", False), volume.mountpoints.clear()),
        "open": lambda: is_opened(volume),
        "dirty": lambda: fs and has_met_errors(fs),
        "sync": lambda: setattr(volume, "in_progress", "sync"),
        "snapshot": lambda: machine.volumes.update(s=Volume("s", "uuid-s", 5, role="snapshot", origin="data")),
        "ignored": lambda: volume.tags.append("foresight.ignore"),
        "guest": lambda: setattr(volume, "role", "guest_disk"),
        "luks": lambda: volume.stack.append("luks"),
        "shared": lambda: machine.group.update(lock_type="sanlock"),
        "partial": lambda: machine.group.update(partial=True),
        "missing": lambda: machine.missing.update(GROWING),
        "oversized": lambda: fs and setattr(fs, "blocks", volume.extents * EXTENT // fs.block_size + 5),
    }
    actions[trouble]()


def is_opened(volume):
    """Somebody has it open, beside the mounts that are seen.

    Of what has to be unmounted that is seen only then: too late to be foretold, and the run after one that was killed there refuses, and
    leaves it unmounted.
    """
    volume.is_open = True
    if volume.fs is not None and volume.fs.kind in ("f2fs", "vfat"):
        volume.mountpoints.clear()


def has_met_errors(fs):
    """Where its own bookkeeping tells of them; what a check finds in vfat and f2fs is tried in filesystems/test_offline_growth.py."""
    if fs.kind == "ext4":
        fs.state = "clean with errors"
    elif fs.kind == "btrfs":
        fs.errors = 3
