"""Everything that lv_resize refuses: one table of volumes, what is asked of each, and the code of the refusal.

The name of a case begins with the code. Each group has a host of its own, so that what it spoils spoils nobody else's case.
"""

from __future__ import annotations

from typing import Any

from lab.volumes.batch import Case
from lab.volumes.matrix import GROW, LARGE, NOT_CLEAN, SHRINK
from lab.volumes.recipes import Recipe

LUKS = "echo pw | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {device} -"
# Mounted where only one process sees it, which keeps nothing else mounted.
ELSEWHERE = """
unshare -m --propagation private sh -c 'umount /srv/*; mount {device} /mnt && exec sleep 3600' < /dev/null > /dev/null 2>&1 &
until lvs --noheadings -o lv_device_open vg0/{name} | grep -q open; do :; done
"""
IN_THE_WAY = "< /dev/null > /dev/null 2>&1 &"
# pvmove looks after its copies only once an hour, so it is not done before the tests are.
MOVING = "pvmove -q -b -i 3600 -n {name} $(lvs --noheadings -o devices vg0/{name} | sed 's/(.*//')"
SECOND_DISK = "lvcreate -q -y -L 120M -n {name}_second vg0; btrfs device add -f /dev/vg0/{name}_second /srv/{name} > /dev/null"
# A group of its own on a small disk, for what befalls whole groups.
OTHER_GROUP = """
loop() {{ truncate -s 64M /root/$1.img; losetup --find --show /root/$1.img; }}
vgcreate -q --setautoactivation n {name}_vg $(loop {name})
lvcreate -q -y -an -Zn -L 16M -n other {name}_vg
"""
EXPORTED = "vgexport -q {name}_vg"
FOREIGN = "vgchange -q -y --systemid elsewhere {name}_vg"
PARTIAL = "vgextend -q {name}_vg $(loop {name}_two); losetup -d $(losetup -n -O NAME -j /root/{name}_two.img)"
ERRORS = "echo seen > /sys/fs/ext4/$(basename $(readlink -f {device}))/trigger_fs_error"
FILL = "fallocate -l 200M /srv/{name}/more; sync"
CONTAINER = "mkdir -p /var/lib/lxc/{name}; echo 'lxc.rootfs.path = lvm:{device}' > /var/lib/lxc/{name}/config"
OTHER_LINE = "sed -i '1i /dev/vg0/other /srv/{name} ext4 noauto 0 0' /etc/fstab"
# What bears a name lies at the beginning of a file system.
COPY = """
sed -i "s:^{device} :UUID=$(blkid -o value -s UUID {device}) :" /etc/fstab
lvcreate -q -y -Wy -L 16M -n {name}_copy vg0; sync; dd if={device} of=/dev/vg0/{name}_copy bs=1M count=4 conv=fsync status=none
udevadm trigger --settle /dev/vg0/{name}_copy
"""
OTHER_UUID = "3r9lOQ-AFFe-1t46-SQON-DpMr-WryR-wp2Q1I"
# Nothing is left mounted, and no fstab names it.
OFF: dict[str, Any] = {"mounted": False, "fstab": None}


def grow(name: str, recipe: Recipe, size: int = GROW, quick: bool = False, sound: bool = True, **request: Any) -> Case:
    return Case(name, recipe, size, request, name.partition(":")[0], quick, sound)


def shrink(name: str, recipe: Recipe, size: int = SHRINK, quick: bool = False, **request: Any) -> Case:
    return Case(name, recipe, size, {"allow_shrink": True, **request}, name.partition(":")[0], quick)


def hidden(tool: str) -> str:
    """Where on_host.py finds it, and nobody else."""
    return f"mkdir -p /root/hidden; mv $(command -v {tool}) /root/hidden/"


GROWING = [
    grow("wrong_option", Recipe(**OFF), reserve="much"),
    grow("not_found", Recipe(None), lv="{name}_missing"),
    grow("precondition_changed: another size", Recipe(**OFF), expect={"size": "100M"}),
    grow("precondition_changed: another uuid", Recipe(**OFF), expect={"uuid": OTHER_UUID}, quick=True),
    grow("no_space", Recipe(**OFF), size=100_000),
    grow("reserve", Recipe(**OFF), reserve="4000 extents", quick=True),
    grow("step_too_small", Recipe(size=128, **OFF), size=132),
    grow("pool_full", Recipe(layout="thin", **OFF), size=9000),
    grow("inactive", Recipe(**OFF, spoil="lvchange -q -an vg0/{name}")),
    grow("read_only: mounted so", Recipe(spoil="mount -o remount,ro /srv/{name}"), quick=True),
    grow("read_only: the volume", Recipe(**OFF, spoil="lvchange -q --permission r vg0/{name}")),
    grow("in_use: in another mount namespace", Recipe(**OFF, spoil=ELSEWHERE), quick=True),
    grow("fsck_needed", Recipe(**OFF, spoil=NOT_CLEAN), quick=True),
    grow("filesystem_errors", Recipe(spoil=ERRORS), sound=False),
    grow("filesystem_feature: bigalloc", Recipe(make="mkfs.ext4 -q -O bigalloc {device}")),
    grow("filesystem_larger", Recipe(**OFF, spoil="lvreduce -q -f -y --size 200M vg0/{name}"), sound=False),
    grow("snapshot_origin", Recipe(spoil="lvcreate -q -y -s -L 16M -n {name}_s vg0/{name}"), quick=True),
    grow("snapshot", Recipe(spoil="lvcreate -q -y -s -L 16M -n {name}_s vg0/{name}"), lv="{name}_s"),
    grow("pool: not named exactly", Recipe(None, layout="pool")),
    grow("internal_volume", Recipe(None), lv="pool_tdata"),
    grow("guest_disk: by its name", Recipe(name="vm-101-disk-{}", **OFF), quick=True),
    grow("guest_disk: of a container", Recipe(**OFF, spoil=CONTAINER)),
    grow("ignored", Recipe(**OFF, spoil="lvchange -q --addtag foresight.ignore vg0/{name}")),
    grow("stacked: LUKS", Recipe(None, spoil=LUKS), named_exactly=True, quick=True),
    grow("unknown_filesystem: none", Recipe(None), quick=True),
    grow("unknown_filesystem: minix", Recipe(None, make="mkfs.minix {device} > /dev/null")),
    grow("in_progress: copies are synchronised", Recipe(layout="raid1, synchronising", **OFF)),
    grow("in_progress: pvmove", Recipe(**OFF, spoil=MOVING)),
    grow("name_clash: vfat", Recipe("vfat", **OFF, spoil="lvcreate -q -y -Wn -Zn -L 16M -n {name}1 vg0")),
    grow("filesystem_not_supported: btrfs on two devices", Recipe("btrfs", spoil=SECOND_DISK)),
    grow("exported_vg", Recipe(None, spoil=OTHER_GROUP + EXPORTED), vg="{name}_vg", lv="other"),
    grow("shared_vg: of another system", Recipe(None, spoil=OTHER_GROUP + FOREIGN), vg="{name}_vg", lv="other"),
    grow("partial_vg", Recipe(None, spoil=OTHER_GROUP + PARTIAL), vg="{name}_vg", lv="other"),
    grow("not_in_fstab", Recipe("vfat", fstab=None), allow_unmount=True),
    # No other case of this group needs it.
    grow("missing_tool: mkswap", Recipe("swap", **OFF, spoil=hidden("mkswap")), quick=True),
]
SHRINKING = [
    Case("shrink_not_allowed", Recipe(size=LARGE, **OFF), SHRINK, {}, "shrink_not_allowed", quick=True),
    shrink("too_small: less than is used", Recipe(size=LARGE, spoil=FILL), size=200, allow_unmount=True, quick=True),
    shrink("too_small: less than is used and the margin", Recipe(size=LARGE, spoil=FILL), allow_unmount=True, margin="100%"),
    shrink("too_small: btrfs", Recipe("btrfs", size=LARGE, spoil=FILL), size=220),
    shrink("too_small: f2fs", Recipe("f2fs", size=LARGE, spoil=FILL), size=220, allow_unmount=True),
    shrink("too_small: vfat", Recipe("vfat", size=LARGE, spoil="head -c 300M /dev/zero > /srv/{name}/more"), allow_unmount=True),
    shrink("mounted", Recipe(size=LARGE), quick=True),
    shrink("not_in_fstab: no entry", Recipe(size=LARGE, fstab=None), allow_unmount=True, quick=True),
    shrink("not_in_fstab: noauto", Recipe(size=LARGE, fstab="noauto"), allow_unmount=True),
    shrink("not_in_fstab: read-only there", Recipe(size=LARGE, fstab="ro"), allow_unmount=True),
    shrink("not_in_fstab: another line first", Recipe(size=LARGE, spoil=OTHER_LINE), allow_unmount=True),
    shrink("duplicate_uuid: a copy", Recipe(size=LARGE, spoil=COPY), allow_unmount=True),
    shrink(
        "busy: an open file",
        Recipe(size=LARGE, spoil="sleep 3600 < /srv/{name}/data/large > /dev/null 2>&1 &"),
        allow_unmount=True,
        quick=True,
    ),
    shrink(
        "busy: the directory of a process",
        Recipe(size=LARGE, spoil=f"(cd /srv/{{name}} && exec sleep 3600) {IN_THE_WAY}"),
        allow_unmount=True,
    ),
    shrink(
        "busy: a mount in it", Recipe(size=LARGE, spoil="mkdir /srv/{name}/deep; mount -t tmpfs none /srv/{name}/deep"), allow_unmount=True
    ),
    shrink("busy: a mount over it", Recipe(size=LARGE, spoil="mount --bind /srv/{name} /srv/{name}"), allow_unmount=True),
    shrink("fsck_needed: while shrinking", Recipe(size=LARGE, **OFF, spoil=NOT_CLEAN)),
    shrink("snapshot_origin: thick", Recipe(size=LARGE, **OFF, spoil="lvcreate -q -y -s -L 16M -n {name}_s vg0/{name}")),
    shrink("snapshot_origin: thin", Recipe(size=LARGE, layout="thin", **OFF, spoil="lvcreate -q -y -s -n {name}_s vg0/{name}")),
    shrink("shrink_not_supported: none, named exactly", Recipe(None, size=LARGE), named_exactly=True, quick=True),
    shrink(
        "shrink_not_supported: minix, named exactly", Recipe(None, size=LARGE, make="mkfs.minix {device} > /dev/null"), named_exactly=True
    ),
    shrink("shrink_not_supported: pool", Recipe(None), size=300, lv="pool", named_exactly=True),
    shrink("stacked: LUKS, named exactly", Recipe(None, size=LARGE, spoil=LUKS), named_exactly=True),
]


TOOLS = [
    Case("missing_tool: resize2fs", Recipe(spoil=hidden("resize2fs")), GROW, {}, "missing_tool"),
    Case("missing_tool: xfs_growfs", Recipe("xfs", spoil=hidden("xfs_growfs")), GROW, {}, "missing_tool"),
    Case("missing_tool: btrfs", Recipe("btrfs", spoil=hidden("btrfs")), GROW, {}, "missing_tool"),
    Case("missing_tool: resize.f2fs", Recipe("f2fs", **OFF, spoil=hidden("resize.f2fs")), GROW, {}, "missing_tool"),
    Case("missing_tool: fatresize", Recipe("vfat", **OFF, spoil=hidden("fatresize")), GROW, {}, "missing_tool"),
]
GROUPS: dict[str, list[Case]] = {"growing": GROWING, "shrinking": SHRINKING, "tools": TOOLS}
