"""From Debian packages to a bootable root file system: kernel, initramfs, root.raw and the keys to get in."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab import mirror
from lab.errors import LabError
from lab.machine import ROOT_BYTES
from lab.paths import LAB, cache_root

SUITE = "bookworm"
HOST_KEY_ALIAS = "foresight-lab"
MASKED_UNITS = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty@tty1.service",
    "man-db.timer",
    "systemd-networkd-wait-online.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-timesyncd.service",
)
ENABLED_UNITS = ("systemd-networkd.service", "ssh.service")
# What the root disk needs before the root file system is there; everything else loads from it.
INITRAMFS_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "ext4")
Say = Callable[[str], None]


def build(directory: Path, say: Say) -> None:
    """Write ``vmlinuz``, ``initrd.img``, ``root.raw``, ``id_ed25519`` and ``known_hosts`` into ``directory``. Needs root."""
    root = directory / "rootfs"
    _unpack_packages(root, say)
    say("configuring the guest")
    _make_keys(directory, root)
    _configure(root)
    for name in ("vmlinuz", "initrd.img"):
        shutil.copyfile(root / name, directory / name)  # the links Debian keeps at the newest kernel
    say("writing the root file system")
    # -d copies the tree without a mount; no journal replay and no checks are ever needed on a throw-away disk.
    _run(["mke2fs", "-q", "-t", "ext4", "-L", "lab", "-m", "0", "-d", str(root), str(directory / "root.raw"), f"{ROOT_BYTES // 1024}k"])
    shutil.rmtree(root)


def guest_packages() -> list[str]:
    lines = (LAB / "guest_packages.txt").read_text().splitlines()
    return sorted(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _unpack_packages(root: Path, say: Say) -> None:
    """Give the installed, unconfigured system: from a cached archive of the same package list, or by debootstrap."""
    packages = guest_packages()
    key = hashlib.sha256("\n".join([SUITE, *packages]).encode()).hexdigest()[:16]
    archive = cache_root() / "bootstrap" / f"{key}.tar.zst"
    root.mkdir()
    if archive.is_file():
        say("unpacking the cached packages")
        _run(["tar", "--zstd", "--xattrs", "--numeric-owner", "-xpf", str(archive), "-C", str(root)])
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    debs = cache_root() / "debs"
    debs.mkdir(exist_ok=True)
    url = mirror.find(SUITE)
    say(f"installing {len(packages)} Debian packages and what they need (some minutes)")
    # A mount namespace of its own: whatever debootstrap mounts in the tree is gone when it ends, killed or not.
    bootstrap = ["debootstrap", "--variant=minbase", f"--cache-dir={debs}", f"--include={','.join(packages)}", SUITE, str(root), url]
    _run(["unshare", "--mount", "--propagation", "private", *bootstrap])
    for old in archive.parent.glob("*.tar.zst"):
        old.unlink()
    partial = archive.with_suffix(".partial")
    _run(
        [
            "tar",
            "--zstd",
            "--xattrs",
            "--numeric-owner",
            "-cpf",
            str(partial),
            "-C",
            str(root),
            "--exclude=./var/cache/apt/archives/*.deb",
            ".",
        ]
    )
    partial.rename(archive)


def _make_keys(directory: Path, root: Path) -> None:
    """One key pair to log in with, one host key, known from the start: nothing is trusted on first use."""
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "foresight-lab", "-f", str(directory / "id_ed25519")])
    ssh = root / "root" / ".ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(directory / "id_ed25519.pub", ssh / "authorized_keys")
    for old in (root / "etc" / "ssh").glob("ssh_host_*"):
        old.unlink()
    host_key = root / "etc" / "ssh" / "ssh_host_ed25519_key"
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", HOST_KEY_ALIAS, "-f", str(host_key)])
    public = host_key.with_suffix(".pub").read_text()
    (directory / "known_hosts").write_text(f"{HOST_KEY_ALIAS} {public}")


def _configure(root: Path) -> None:
    shutil.copytree(LAB / "guest", root, dirs_exist_ok=True, symlinks=True)
    _give_to_root(root)
    (root / "etc" / "hostname").write_text(f"{HOST_KEY_ALIAS}\n")
    (root / "etc" / "fstab").write_text("")
    (root / "etc" / "initramfs-tools" / "modules").write_text("".join(f"{name}\n" for name in INITRAMFS_MODULES))
    _in_guest(root, ["systemctl", "mask", "--quiet", *MASKED_UNITS])
    _in_guest(root, ["systemctl", "enable", "--quiet", *ENABLED_UNITS])
    _in_guest(root, ["update-initramfs", "-u", "-k", "all"])


def _give_to_root(root: Path) -> None:
    """The files copied from the checkout belong to whoever checked it out; in the guest they are root's."""
    for path in (LAB / "guest").rglob("*"):
        copy = root / path.relative_to(LAB / "guest")
        os.chown(copy, 0, 0, follow_symlinks=False)
        copy.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)


def _in_guest(root: Path, command: list[str]) -> None:
    script = 'mount -t proc proc "$1/proc" && root=$1 && shift && exec chroot "$root" "$@"'
    _run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(root), *command])


def _run(command: list[str]) -> None:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-20:])
        raise LabError(f"{command[0]} ended with {done.returncode} while the image was built:\n{' '.join(command)}\n{last}")
