# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding and running the tools of the target."""

from __future__ import annotations

import os
import typing as t

SYSTEM_DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"]

# C: messages and numbers are parsed. The second one: Ansible's own open descriptors are no news of LVM's.
ENVIRONMENT = {"LC_ALL": "C", "LVM_SUPPRESS_FD_WARNINGS": "1"}

# What carries a tool, by the name that Debian, Ubuntu, Fedora, RHEL and SUSE share for it (or Debian's, where they differ).
PACKAGES = {
    "blkid": "util-linux",
    "btrfs": "btrfs-progs",
    "cryptsetup": "cryptsetup",
    "dumpe2fs": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "fatresize": "fatresize",
    "fsck.f2fs": "f2fs-tools",
    "fsck.vfat": "dosfstools",
    "lsblk": "util-linux",
    "lvm": "lvm2",
    "lxc-config": "lxc",
    "lxc-info": "lxc",
    "mkswap": "util-linux",
    "mount": "mount",
    "resize.f2fs": "f2fs-tools",
    "resize2fs": "e2fsprogs",
    "sudo": "sudo",
    "swapoff": "mount",
    "swapon": "mount",
    "tune2fs": "e2fsprogs",
    "umount": "mount",
    "unshare": "util-linux",
    "wipefs": "util-linux",
    "xfs_db": "xfsprogs",
    "xfs_growfs": "xfsprogs",
    "xfs_info": "xfsprogs",
}


class Result(t.NamedTuple):
    """What a command left behind."""

    rc: int
    out: str
    err: str


class CommandFailed(Exception):
    """A command ended with another status than 0."""

    def __init__(self, command: list[str], result: Result) -> None:
        self.command = command
        self.result = result
        said = result.err.strip() or result.out.strip() or "it said nothing"
        super().__init__(f"{' '.join(command)} ended with status {result.rc}: {said}")


class MissingTool(Exception):
    """A tool is not installed, or not where it was looked for."""

    def __init__(self, tool: str) -> None:
        self.tool = tool
        self.package = PACKAGES.get(os.path.basename(tool), os.path.basename(tool))
        super().__init__(f"{tool} was not found; install the package {self.package}, or name its directory in the option search_path")


class Commands:
    """Runs tools by name, found along a search path, with output that can be parsed.

    ``run_command`` is C(AnsibleModule.run_command) or anything called like it:
    C((args, environ_update=..., expand_user_and_vars=..., [data=...]) -> (rc, out, err)).
    """

    def __init__(self, run_command: t.Callable[..., tuple[int, str, str]], search_path: list[str] | None = None) -> None:
        self._run_command = run_command
        self._search_path = list(search_path or [])
        self._found: dict[str, str | None] = {}

    def find(self, tool: str) -> str | None:
        """Path of a tool: the search path first, then PATH, then the directories that an ssh login often lacks."""
        if tool not in self._found:
            self._found[tool] = self._look_for(tool)
        return self._found[tool]

    def _look_for(self, tool: str) -> str | None:
        if os.path.isabs(tool):
            return tool if _is_program(tool) else None
        path = [entry for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
        for directory in self._search_path + path + SYSTEM_DIRECTORIES:
            candidate = os.path.join(directory, tool)
            if _is_program(candidate):
                return candidate
        return None

    def run(self, args: list[str], check: bool = True, data: str | None = None) -> Result:
        """Run a tool; ``args[0]`` is its name or path.

        Raises MissingTool when there is no such tool, CommandFailed when ``check`` is set and it ends with a status other than 0.
        """
        program = self.find(args[0])
        if program is None:
            raise MissingTool(args[0])
        # Arguments are meant literally: a mount point may hold a dollar sign.
        options: dict[str, t.Any] = {"environ_update": dict(ENVIRONMENT), "expand_user_and_vars": False}
        if data is not None:
            options["data"] = data
        result = Result(*self._run_command([program, *args[1:]], **options))
        if check and result.rc != 0:
            raise CommandFailed([program, *args[1:]], result)
        return result


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
