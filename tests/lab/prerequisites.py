"""What this machine must have to run the lab, told with the apt line that brings it."""

from __future__ import annotations

import os
import shutil
import sys

from lab.errors import LabUnavailable

PACKAGE_OF_TOOL = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "zstd": "zstd",
}
PACKAGE_OF_BUILD_TOOL = {
    "debootstrap": "debootstrap",
    "mke2fs": "e2fsprogs",
    "unshare": "util-linux",
    "chroot": "coreutils",
    "tar": "tar",
}
SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def extend_path() -> None:
    """Let the tools in the sbin folders be found by users whose PATH lacks them."""
    known = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(known + [path for path in SYSTEM_PATHS if path not in known])


def require(building: bool) -> None:
    """Raise LabUnavailable unless a host can be restored here (``building``: also an image be built)."""
    if not sys.platform.startswith("linux"):
        raise LabUnavailable(f"The VM lab runs on Linux only; this is {sys.platform}.")
    extend_path()
    tools = dict(PACKAGE_OF_TOOL)
    if building:
        tools.update(PACKAGE_OF_BUILD_TOOL)
    missing = sorted({package for tool, package in tools.items() if shutil.which(tool) is None})
    if missing:
        raise LabUnavailable(f"The VM lab needs packages that are not installed: apt-get install {' '.join(missing)}")
    if building and os.geteuid() != 0:
        raise LabUnavailable(
            f"No VM image is cached, and building one (debootstrap) needs root; this is user id {os.geteuid()}. "
            "Run the same command as root; root's image lies in root's own cache."
        )
