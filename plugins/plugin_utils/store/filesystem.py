# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the file system under an SQLite store means for it."""

from __future__ import annotations

import os
import pathlib
import typing as t
from collections.abc import Mapping

_LOST_AT_REBOOT = ("tmpfs", "ramfs")
_CONTAINER_LAYER = ("overlay", "aufs", "fuse.fuse-overlayfs")
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "9p", "virtiofs")
_CONTAINER_VARIABLES = ("container", "KUBERNETES_SERVICE_HOST")
_CONTAINER_MARKERS = ("/run/.containerenv", "/.dockerenv")


class Mount(t.NamedTuple):
    """One mounted file system."""

    point: str
    kind: str


def warnings(path: str, *, mountinfo: str | None = None, container: bool | None = None) -> list[str]:
    """Return sentences for the user about the file system that holds path.

    :param mountinfo: text of /proc/self/mountinfo (proc_pid_mountinfo(5)); None reads it.
    :param container: whether this runs in a container; None looks.
    """
    mount = mount_of(os.path.realpath(path), _read_mountinfo() if mountinfo is None else mountinfo)
    if mount is None:
        return []
    advice = "name a lasting place with O(store), foresight_store or E(FORESIGHT_STORE): a mounted volume, or postgresql://…"
    if mount.kind in _LOST_AT_REBOOT:
        return [f"The store {path} lies on {mount.kind} (mounted at {mount.point}), which is gone after a restart; {advice}."]
    if mount.kind in _CONTAINER_LAYER and (in_container() if container is None else container):
        return [f"The store {path} lies on the container's own file system ({mount.kind}), which is gone with the container; {advice}."]
    if mount.kind in _NETWORK:
        return [
            (
                f"The store {path} lies on the network file system {mount.kind} (mounted at {mount.point}), where SQLite is not safe "
                "with writers on several machines; "
                "use a local disk, or postgresql://… for shared use (O(store), foresight_store or E(FORESIGHT_STORE))."
            )
        ]
    return []


def mount_of(path: str, mountinfo: str) -> Mount | None:
    """Return the mount that holds an absolute path: the longest mount point above it, and of equal ones the last mounted."""
    best: Mount | None = None
    for line in mountinfo.splitlines():
        fields, separator, rest = line.partition(" - ")
        if not separator:
            continue
        point = _unescape(fields.split()[4])
        above = point == "/" or path == point or path.startswith(point + "/")
        if above and (best is None or len(point) >= len(best.point)):
            best = Mount(point, rest.split()[0])
    return best


def in_container(environment: Mapping[str, str] | None = None) -> bool:
    """Return whether this process runs in a container (Podman and Docker leave a file, systemd-nspawn, LXC and Kubernetes a variable)."""
    environment = os.environ if environment is None else environment
    return any(environment.get(name) for name in _CONTAINER_VARIABLES) or any(
        pathlib.Path(marker).exists() for marker in _CONTAINER_MARKERS
    )


def _read_mountinfo() -> str:
    try:
        return pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # no /proc, as on macOS
        return ""


def _unescape(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point
