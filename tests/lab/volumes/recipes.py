"""How a volume of a test is made: its layout, its file system, data on it, and what is spoilt afterwards."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

ON_HOST = "python3 /root/on_host.py"
# A full group of two disks and a pool, once per host.
PREPARE = """
set -eu
vgcreate -q vg0 /dev/vdb /dev/vdc
lvcreate -q -y --type thin-pool -L 512M -n pool vg0 2>/dev/null
"""
# How each kind is made on {device}. Blocks of 4 KiB where a small volume would get others.
MAKE = {
    "ext2": "mkfs.ext2 -q -b 4096 -L data {device}",
    "ext3": "mkfs.ext3 -q -b 4096 -L data {device}",
    "ext4": "mkfs.ext4 -q -b 4096 -L data {device}",
    "xfs": "mkfs.xfs -q -L data {device}",
    "btrfs": "mkfs.btrfs -q -L data {device}",
    "f2fs": "mkfs.f2fs -q -l data {device}",
    "vfat": "mkfs.vfat -F 32 -n DATA {device} > /dev/null",
    "swap": "mkswap -q -L data {device}",
}
FILE_SYSTEMS = tuple(kind for kind in MAKE if kind != "swap")
# With options that are nobody's default: a remount that forgets them is seen.
OPTIONS = "nosuid,noatime"
SWAP_OPTIONS = "sw,pri=7"
LAYOUTS = {
    "linear": "lvcreate -q -y -Wy -L {size}M -n {name} vg0",
    "striped": "lvcreate -q -y -Wy -i2 -L {size}M -n {name} vg0",
    "raid1": "lvcreate -q -y -Wy --type raid1 -m1 --nosync -L {size}M -n {name} vg0",
    "mirror": "lvcreate -q -y -Wy --type mirror -m1 --nosync -L {size}M -n {name} vg0",
    "raid1, synchronising": "lvcreate -q -y -Wy --type raid1 -m1 -L {size}M -n {name} vg0 && dmsetup message vg0-{name} 0 frozen",
    "pool": "lvcreate -q -y --type thin-pool -L {size}M -n {name} vg0 2>/dev/null",
    "thin": "lvcreate -q -y -V {size}M --thinpool pool -n {name} vg0 2>/dev/null",
    "cache": "lvcreate -q -y -Wy -L {size}M -n {name} vg0 && lvcreate -q -y --type cache-pool -L 16M -n {name}_c vg0 "
    "&& lvconvert -q -y --type cache --cachepool vg0/{name}_c vg0/{name}",
}


@dataclass(frozen=True)
class Recipe:
    """One volume. ``kind`` None is a volume without a file system; ``make`` takes the place of the usual mkfs line.

    ``ballast``: MiB that are filled before the data is written and freed afterwards, so that the data does not lie in front.
    ``name``: with a number in the place of {}; no number at its end, for fatresize takes such a volume for a partition of another.
    ``fstab``: the options of its entry in /etc/fstab; None leaves it without one. ``spoil`` is shell that runs at the end.
    """

    kind: str | None = "ext4"
    size: int = 320
    layout: str = "linear"
    mounted: bool = True
    ballast: int = 0
    fstab: str | None = ""
    name: str = "data{}v"
    make: str | None = None
    spoil: str = ""


@dataclass(frozen=True)
class Volume:
    """A recipe with the name that its volume got."""

    name: str
    recipe: Recipe

    @property
    def has_data(self) -> bool:
        return self.recipe.kind in FILE_SYSTEMS

    def _lines(self, text: str) -> str:
        return text.format(name=self.name, size=self.recipe.size, device=f"/dev/vg0/{self.name}")

    def created(self) -> list[str]:
        """Shell that makes it, mounted if it can be."""
        recipe = self.recipe
        lines = [self._lines(LAYOUTS[recipe.layout])]
        make = recipe.make or (MAKE[recipe.kind] if recipe.kind else None)
        if make:
            # On a busy host udev may miss what mkfs wrote, and lsblk, which asks it, then shows nothing.
            lines += [self._lines(make), self._lines("udevadm trigger --settle {device}")]
        if recipe.fstab is not None and recipe.kind in MAKE:
            lines += [f"echo {shlex.quote(self._fstab())} >> /etc/fstab"]
        if self.has_data:
            lines += [self._lines("mkdir -p /srv/{name}"), self._lines(f"mount -o {OPTIONS} {{device}} /srv/{{name}}")]
        return lines

    def _fstab(self) -> str:
        more = f",{self.recipe.fstab}" if self.recipe.fstab else ""
        if self.recipe.kind == "swap":
            return self._lines(f"{{device}} none swap {SWAP_OPTIONS}{more} 0 0")
        return self._lines(f"{{device}} /srv/{{name}} {self.recipe.kind} {OPTIONS}{more} 0 2")

    def finished(self) -> list[str]:
        """Shell that brings it into the state the test wants, once the data is written."""
        lines = []
        if self.recipe.kind == "swap" and self.recipe.mounted:
            lines.append(self._lines("swapon -p 7 {device}"))
        elif self.has_data and not self.recipe.mounted:
            lines += [self._lines("umount /srv/{name}"), self._lines("udevadm trigger --settle {device}")]
        return [*lines, self._lines(self.recipe.spoil)] if self.recipe.spoil else lines


def script(volumes: Sequence[Volume]) -> str:
    """Shell that makes all these volumes, their data first and what spoils them last, and notes how they are then."""
    with_data = [{"name": volume.name, "ballast": volume.recipe.ballast} for volume in volumes if volume.has_data]
    lines = ["set -eu"]
    lines += [line for volume in volumes for line in volume.created()]
    lines += [f"{ON_HOST} write {shlex.quote(json.dumps(with_data))}"] if with_data else []
    lines += [line for volume in volumes for line in volume.finished()]
    lines += [f"{ON_HOST} note {shlex.join(volume.name for volume in volumes)}"]
    return "\n".join(lines) + "\n"
