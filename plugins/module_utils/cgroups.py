# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control groups, version 1 or 2: where the group of a container lies, and who lives in it."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

MOUNT = "/sys/fs/cgroup"


class Cgroups:
    """The mounted hierarchy (version 2) or hierarchies (version 1, also where both are mounted)."""

    def __init__(self, files: TargetFiles) -> None:
        self.files = files
        self.version: int | None = None
        self._controllers: dict[str, str] = {}
        if files.exists(f"{MOUNT}/cgroup.controllers"):
            self.version = 2
            return
        for name in files.names(MOUNT):
            for controller in name.split(","):
                if files.is_directory(f"{MOUNT}/{name}"):
                    self._controllers.setdefault(controller, f"{MOUNT}/{name}")
        if "memory" in self._controllers or "cpu" in self._controllers:
            self.version = 1

    def directory(self, controller: str, group: str) -> str:
        """Directory of a group; version 2 has one for all controllers."""
        if self.version == 2:
            return f"{MOUNT}/{group}"
        return f"{self._controllers.get(controller, f'{MOUNT}/{controller}')}/{group}"

    def text(self, controller: str, group: str, name: str) -> str | None:
        """One file of a group."""
        return self.files.text(f"{self.directory(controller, group)}/{name}")

    def exists(self, group: str) -> bool:
        """Whether there is such a group."""
        return any(self.files.is_directory(self.directory(controller, group)) for controller in ("memory", "cpu", "freezer", "systemd"))

    def find_init(self, group: str) -> int | None:
        """Process id of the first process of the container in a group: the one that is number 1 in its own process namespace."""
        for controller in ("memory", "cpu", "freezer", "systemd"):
            waiting = [self.directory(controller, group)]
            while waiting:
                directory = waiting.pop(0)
                for process in self.files.lines(f"{directory}/cgroup.procs"):
                    if self._is_first(process):
                        return int(process)
                inner = [f"{directory}/{name}" for name in self.files.names(directory)]
                waiting += sorted((path for path in inner if self.files.is_directory(path)), key=_is_unlikely)
            if self.version == 2:
                return None
        return None

    def _is_first(self, process: str) -> bool:
        for line in self.files.lines(f"/proc/{process}/status"):
            if line.startswith("NSpid:"):
                numbers = line.split()[1:]
                return len(numbers) >= 2 and numbers[1] == "1"
        return False

    def group_of(self, process: int) -> str | None:
        """The group of the container that a process lives in: cut off below LXC's own directory."""
        for line in self.files.lines(f"/proc/{process}/cgroup"):
            _number, controllers, path = line.split(":", 2)
            if (self.version == 2 and not controllers) or "memory" in controllers.split(","):
                parts = path.strip("/").split("/")
                for position, part in enumerate(parts):
                    if part.startswith("lxc.payload."):
                        return "/".join(parts[: position + 1])
                    if part in ("lxc", "lxc.payload"):
                        return "/".join(parts[: position + 2])
                return "/".join(parts)
        return None


def _is_unlikely(path: str) -> bool:
    return not path.endswith(("/init.scope", "/ns", "/.lxc"))
