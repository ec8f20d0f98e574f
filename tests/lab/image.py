"""The guest image in the cache: found by the hash of everything it is made of, or built once."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import machine, prerequisites, rootfs, snapshot
from lab.paths import LAB, cache_root

KEEP = 2
_IMAGES = "images"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Image:
    """A complete image: kernel, initramfs, root disk and memory of the stopped VM, and the keys to get in."""

    directory: Path

    @property
    def kernel(self) -> Path:
        return self.directory / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.directory / "initrd.img"

    @property
    def root(self) -> Path:
        """qcow2 with the root file system as it was when the VM was stopped."""
        return self.directory / "root.qcow2"

    @property
    def memory(self) -> Path:
        """QEMU's migration stream of the stopped VM, compressed with zstd."""
        return self.directory / "memory.zst"

    @property
    def key(self) -> Path:
        return self.directory / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"


def content_hash() -> str:
    """Hash of the files the image is built from, and of the QEMU that made the snapshot."""
    digest = hashlib.sha256()
    sources = [LAB / name for name in ("image.py", "rootfs.py", "snapshot.py", "machine.py", "guest_packages.txt")]
    sources += sorted(path for path in (LAB / "guest").rglob("*") if path.is_file())
    for path in sources:
        digest.update(f"{path.relative_to(LAB)} {bool(path.stat().st_mode & 0o100)}\n".encode())
        digest.update(path.read_bytes())
    version = subprocess.run([machine.QEMU, "--version"], check=True, capture_output=True)
    digest.update(version.stdout)
    return digest.hexdigest()[:16]


def cached() -> Image | None:
    """The finished image of the present sources, or None."""
    directory = cache_root() / _IMAGES / content_hash()
    return Image(directory) if directory.is_dir() else None


def ensure(say: Say) -> Image:
    """Give the image of the present sources; build it when the cache lacks it (minutes).

    A build happens in a temporary folder and appears under its name only when complete; a second caller waits for the first.
    """
    prerequisites.require(building=False)
    found = cached()
    if found is not None:
        return found
    prerequisites.require(building=True)
    with _build_lock(say):
        found = cached()
        if found is None:
            found = _build(content_hash(), say)
            _drop_old(found.directory)
    return found


@contextmanager
def _build_lock(say: Say) -> Iterator[None]:
    cache_root().mkdir(parents=True, exist_ok=True)
    with (cache_root() / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build of the image")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(name: str, say: Say) -> Image:
    images = cache_root() / _IMAGES
    images.mkdir(parents=True, exist_ok=True)
    for left_over in images.glob(".build-*"):
        shutil.rmtree(left_over)
    started = time.monotonic()
    directory = Path(tempfile.mkdtemp(prefix=".build-", dir=images))
    directory.chmod(0o755)
    rootfs.build(directory, say)
    snapshot.take(Image(directory), say)
    final = images / name
    directory.rename(final)
    say(f"image ready in {time.monotonic() - started:.0f} s: {final}")
    return Image(final)


def _drop_old(newest: Path) -> None:
    """Keep the newest images only; one that a running host still uses stays until a later build."""
    others = [path for path in newest.parent.iterdir() if path != newest and not path.name.startswith(".")]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    used = {link.resolve() for link in (cache_root() / "hosts").glob("*/image")}
    for path in others[KEEP - 1 :]:
        if path.resolve() not in used:
            shutil.rmtree(path)
