"""One lab host with a volume group, and lv_resize at work on it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import inventory
from lab.fleet import Lab
from lab.hosts import LabHost
from lab.volumes.recipes import ON_HOST, PREPARE, Recipe, Volume, script
from support.modules import Module, ModuleRun, Outcome

MIB = 2**20
PACKAGES = ("lvm2", "e2fsprogs", "xfsprogs", "btrfs-progs", "f2fs-tools", "dosfstools", "fatresize", "util-linux")
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Inspection:
    """What became of a volume: how it was noted, how it was before this look at it, and everything wrong with data and file system."""

    before: dict[str, Any]
    now: dict[str, Any]
    wrong: list[str]


@dataclass
class Bench:
    """One host with the group vg0 over two disks and a thin pool in it."""

    host: LabHost
    module: Module
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def volume(self, recipe: Recipe) -> Volume:
        """A name for a volume of this recipe; nothing is made yet."""
        return Volume(recipe.name.format(next(self._numbers)), recipe)

    def create(self, volumes: Sequence[Volume]) -> None:
        self.host.run("sh -s", data=script(volumes), timeout=1800)

    def make(self, recipe: Recipe | None = None) -> str:
        """Make one volume; gives its name."""
        volume = self.volume(recipe or Recipe())
        self.create([volume])
        return volume.name

    def resize(self, name: str, size: int, check: bool = False, vg: str = "vg0", **more: Any) -> Outcome:
        """Ask for ``size`` MiB."""
        return self.module.run(check, vg=vg, lv=name, size=size * MIB, **more)

    def start(self, name: str, size: int, **more: Any) -> ModuleRun:
        return self.module.start(vg="vg0", lv=name, size=size * MIB, **more)

    def uuid(self, name: str) -> str:
        return self.host.run(f"lvs --noheadings -o lv_uuid vg0/{name}").stdout.strip()

    def size(self, name: str) -> int:
        """Bytes of the volume as LVM tells them."""
        return int(self.host.run(f"lvs --noheadings --units b --nosuffix -o lv_size vg0/{name}").stdout)

    def power_cycle(self) -> None:
        """Cut the power and boot again; the volumes are active then, and mounted where fstab says so."""
        self.host.power_cycle()
        self.host.run("vgchange -q -ay vg0; udevadm settle")

    def note(self, names: Iterable[str]) -> None:
        """Take how these volumes are now for how they shall be in the end."""
        self.host.run(f"{ON_HOST} note {' '.join(names)}")

    def inspect(self, names: Iterable[str]) -> dict[str, Inspection]:
        """How these volumes are now, their data and a full check included; they are unmounted afterwards."""
        said = self.host.run(f"{ON_HOST} inspect {' '.join(names)}", timeout=1800).stdout
        return {name: Inspection(**found) for name, found in json.loads(said).items()}

    def check_data(self, name: str) -> None:
        """The data is what it was, and a full check finds the file system clean."""
        assert self.inspect([name])[name].wrong == []

    def drop(self, name: str) -> None:
        device = f"/dev/vg0/{name}"
        self.host.run(
            f"umount -q /srv/{name}; swapoff {device} 2>/dev/null; sed -i '\\:^{device} :d' /etc/fstab; lvremove -q -f -y vg0/{name}"
        )


@contextmanager
def bench_of(lab: Lab, name: str) -> Iterator[Bench]:
    """A fresh host of this name with its group, taken down at the end."""
    (host,) = lab.reset(name)
    try:
        host.put(_HERE / "on_host.py", "/root/on_host.py")
        host.run(PREPARE)
        yield Bench(host, Module(inventory.own_path(host.vm), name, "foresight.capacity.lv_resize"))
    finally:
        lab.down(name)


def versions(host: LabHost) -> dict[str, str]:
    """Versions of the kernel and of the tools on a host."""
    said = host.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *PACKAGES]).stdout
    return {"Linux": host.run("uname -r").stdout.strip(), **dict(line.split() for line in said.splitlines())}
