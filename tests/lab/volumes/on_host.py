"""Runs on a lab host: fills volumes with data, notes how they are, and tells later what has become of them.

    on_host.py write [{"name": …, "ballast": MiB} …]   data on each mounted volume, and its checksums
    on_host.py note NAME …                             size, signature and mount of each, as they are now
    on_host.py inspect NAME …                          one JSON object: the same again, what differs, the data, a full check

Nothing of it is shared with the collection under test.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

NOTES = Path("/root/volumes")
SMALL_FILES = 200
LARGE_BYTES = 8 << 20
# A check that changes nothing, with the exit statuses that mean "clean".
CHECKS = {
    "ext2": ["e2fsck", "-f", "-n"],
    "ext3": ["e2fsck", "-f", "-n"],
    "ext4": ["e2fsck", "-f", "-n"],
    "xfs": ["xfs_repair", "-n"],
    "btrfs": ["btrfs", "check", "--readonly"],
    "f2fs": ["fsck.f2fs", "--dry-run"],
    "vfat": ["fsck.vfat", "-n"],
}
# Exit statuses alone are not believed here either.
DAMAGE = {"f2fs": ("[FIX]", "[ASSERT]", "Fail"), "vfat": ("differ", "Dirty bit", "fixed", "Reclaimed", "not properly unmounted")}


def said(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout.strip()


def device(name: str) -> str:
    return f"/dev/vg0/{name}"


def folder(name: str) -> Path:
    return Path("/srv") / name


def checksums(top: Path) -> dict[str, str]:
    found = {}
    for path in sorted(top.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(top))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def write(name: str, ballast: int) -> None:
    """Small files in folders, names with spaces and unicode, and a large one: behind ``ballast`` MiB that are taken away again."""
    top = folder(name) / "data"
    top.mkdir()
    draw = random.Random(name)
    if ballast:
        with (folder(name) / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, ballast << 20)
        os.sync()
    for number in range(SMALL_FILES):
        place = top / f"folder {number % 7}" / "größer 漢字"[: number % 9 + 1].strip()
        place.mkdir(parents=True, exist_ok=True)
        (place / f"file {number:03d} ä").write_bytes(draw.randbytes(draw.choice((0, 1, 700, 4096, 30_000))))
    (top / "large").write_bytes(draw.randbytes(LARGE_BYTES))
    os.sync()
    if ballast:
        (folder(name) / "ballast").unlink()
        os.sync()  # a mounted f2fs is read by its last checkpoint
    (NOTES / f"{name}.data").write_text(json.dumps(checksums(top)))


def seen(names: list[str]) -> dict[str, dict[str, object]]:
    """How volumes are now: bytes, what blkid reads on them, where they are mounted or used as swap and with which options.

    Each tool is asked once for all: a process costs 20 ms here.
    """
    sizes = dict(
        line.split() for line in said("lvs", "--noheadings", "--units", "b", "--nosuffix", "-o", "lv_name,lv_size", "vg0")[1].splitlines()
    )
    existing = [name for name in names if os.path.exists(device(name))]
    signatures: dict[str, list[str]] = {}
    for line in said("blkid", "-p", "-o", "export", "-s", "UUID", "-s", "LABEL", "-s", "TYPE", *map(device, existing))[1].splitlines():
        if line.startswith("DEVNAME="):
            current = signatures.setdefault(line.partition("=")[2], [])
        elif "=" in line:
            current.append(line)
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    swaps = [line.split() for line in Path("/proc/swaps").read_text().splitlines()]

    def of(rows: list[list[str]], name: str) -> list[list[str]]:
        return [fields for fields in rows if name in existing and os.path.realpath(fields[0]) == os.path.realpath(device(name))]

    return {
        name: {
            "size": int(sizes[name]) if name in sizes else None,
            "signature": sorted(signatures.get(device(name), [])),
            "mounted": sorted(" ".join(fields[1:4]) for fields in of(mounts, name)),
            "swap": [f"priority {fields[-1]}" for fields in of(swaps, name)],
        }
        for name in names
    }


def differences(name: str) -> list[str]:
    """What is not as ``write`` left it; the volume must be mounted."""
    was, now = json.loads((NOTES / f"{name}.data").read_text()), checksums(folder(name) / "data")
    return sorted(
        f"{path}: {'lost' if path not in now else 'changed'}" for path in was.keys() | now.keys() if was.get(path) != now.get(path)
    )


def umount(place: str) -> str:
    """Whoever is in the way was put there by a test, a mount over it too."""
    said("fuser", "-k", "-M", "-m", place)
    deadline = time.monotonic() + 20
    while True:
        words = said("umount", "--recursive", place)[1]
        mounted = said("mountpoint", "-q", place)[0] == 0
        if not mounted or time.monotonic() > deadline:
            return words if mounted else ""
        time.sleep(0.1)


def full_check(name: str) -> str:
    """An empty text when a full check of the unmounted file system finds nothing."""
    kind = said("blkid", "-p", "-o", "value", "-s", "TYPE", device(name))[1]
    if kind not in CHECKS:
        return ""
    command = [*CHECKS[kind], device(name)]
    status, words = said(*command)
    if status or any(sign in words for sign in DAMAGE.get(kind, ())):
        return f"{' '.join(command)} ended with {status}: {words[-2000:]}"
    return ""


def data(name: str) -> list[str]:
    """Everything that is wrong with data and file system; leaves the volume unmounted."""
    place = str(folder(name))
    said("lvchange", "-q", "-ay", f"vg0/{name}")
    if said("mountpoint", "-q", place)[0] != 0:
        status, words = said("mount", device(name), place)
        if status:
            return [f"cannot be mounted: {words}"]
    wrong = differences(name)
    left = umount(place)
    wrong += [f"cannot be unmounted: {left}"] if left else []
    found = "" if left else full_check(name)
    return wrong + ([found] if found else [])


def inspect(names: list[str]) -> dict[str, dict[str, object]]:
    now = seen(names)
    return {
        name: {
            "before": json.loads((NOTES / f"{name}.json").read_text()),
            "now": now[name],
            "wrong": data(name) if (NOTES / f"{name}.data").exists() else [],
        }
        for name in names
    }


def main() -> None:
    verb, *rest = sys.argv[1:]
    NOTES.mkdir(exist_ok=True)
    os.environ["PATH"] += ":/root/hidden"  # tools that a test keeps from everybody else
    if verb == "write":
        for volume in json.loads(rest[0]):
            write(volume["name"], volume["ballast"])
    elif verb == "note":
        for name, state in seen(rest).items():
            (NOTES / f"{name}.json").write_text(json.dumps(state))
    elif verb == "inspect":
        print(json.dumps(inspect(rest)))
    else:
        sys.exit(f"unknown verb {verb}")


if __name__ == "__main__":
    main()
