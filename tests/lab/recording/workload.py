"""Runs inside a lab host: makes volumes and fills them the way real services do, until it is killed.

Every file system gets a behaviour of its own: a database that grows with its load, a log that is rotated, homes that grow
in steps, backups that are purged. Space is taken with posix_fallocate, so an emulated CPU is no limit.
"""

from __future__ import annotations

import math
import os
import pathlib
import random
import subprocess
import sys
import time

MIB = 1024 * 1024
VOLUMES = {
    "db1": {
        "vg0": ["/dev/vdb"],
        "data": ("vg0", "1536M", "ext4", "database"),
        "log": ("vg0", "512M", "xfs", "log"),
        "archive": ("vg0", "2G", "xfs", "backup"),
        "spare": ("vg0", "256M", None, None),
    },
    "files1": {
        "vg0": ["/dev/vdb"],
        "vg1": ["/dev/vdc"],
        "home": ("vg0", "2G", "ext4", "home"),
        "mail-spool": ("vg0", "1G", "ext4", "database"),
        "cache": ("vg1", "1G", "xfs", "cache"),
        "media": ("vg1", "1G", "ext4", "steady"),
    },
}


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def build(host: str) -> dict[str, pathlib.Path]:
    """Make the volume groups and volumes; return the mount point of each behaviour's volume by its name."""
    mounts = {}
    for name, what in VOLUMES[host].items():
        if isinstance(what, list):
            run("vgcreate", name, *what)
            continue
        vg, size, kind = what[:3]
        run("lvcreate", "-y", "-Wy", "-L", size, "-n", name, vg)
        if kind is None:
            continue
        run(f"mkfs.{kind}", "-q", f"/dev/{vg}/{name}")
        folder = pathlib.Path("/srv") / name
        folder.mkdir(parents=True, exist_ok=True)
        run("mount", f"/dev/{vg}/{name}", str(folder))
        mounts[name] = folder
    return mounts


class Store:
    """Files of one volume: the oldest can be dropped, new ones take space at once."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.count = 0

    def add(self, size: float) -> None:
        path = self.folder / f"{self.count:08d}"
        free = os.statvfs(self.folder)
        room = free.f_bavail * free.f_frsize - 8 * MIB
        size = min(int(size), room)
        if size < 4096:
            return
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        self.count += 1

    def drop(self, share: float) -> None:
        files = sorted(self.folder.glob("[0-9]*"))
        for path in files[: math.ceil(len(files) * share)]:
            path.unlink()

    def used(self) -> float:
        state = os.statvfs(self.folder)
        return 1 - state.f_bavail / state.f_blocks


def step(kind: str, store: Store, dice: random.Random, seconds: float, tick: float) -> None:
    """One step of `tick` seconds at `seconds` after the start."""
    load = 1 + 0.6 * math.sin(2 * math.pi * seconds / 900)
    if kind == "database":
        store.add(max(0.0, dice.gauss(0.22 * load, 0.08)) * MIB * tick)
    elif kind == "log":
        store.add(max(0.01, dice.gauss(0.8 * load, 0.3)) * MIB * tick)
        if store.used() > 0.7:
            store.drop(0.85)
    elif kind == "backup":
        if int(seconds / 600) != int((seconds - tick) / 600):
            store.add(dice.uniform(240, 300) * MIB)
            if store.used() > 0.75:
                store.drop(0.5)
    elif kind == "home":
        if dice.random() < 0.02 * tick / 5:
            store.add(dice.expovariate(1 / 40) * MIB)
    elif kind == "cache":
        store.add(max(0.0, dice.gauss(0.9, 0.6)) * MIB * tick)
        if dice.random() < 0.01 * tick / 5 or store.used() > 0.85:
            store.drop(dice.uniform(0.3, 0.6))
    elif kind == "steady":
        store.add(0.12 * MIB * tick)


def main() -> None:
    host = sys.argv[1]
    tick = 5.0
    dice = random.Random(host)
    stores = {name: Store(folder) for name, folder in build(host).items()}
    kinds = {name: what[3] for name, what in VOLUMES[host].items() if isinstance(what, tuple)}
    started = time.monotonic()
    print("ready", flush=True)
    done = 0
    while True:
        for name, store in stores.items():
            step(kinds[name], store, dice, done * tick, tick)
        done += 1
        time.sleep(max(0.0, started + done * tick - time.monotonic()))


if __name__ == "__main__":
    main()
