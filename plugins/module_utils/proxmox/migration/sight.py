# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there right now: the guest of a move, its target and what the API itself says of moving it. Nothing is decided here."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reading import arc_bytes

MIGRATIONS = {"lxc": "vzmigrate", "qemu": "qmigrate"}
QUEUED = "hamigrate"


class Closer(t.NamedTuple):
    """One guest looked at more closely, on the node where it is."""

    status: Entry
    config: Entry
    possible: Entry

    @property
    def running(self) -> bool:
        return self.status.get("status") == "running"

    @property
    def memory(self) -> int:
        """Bytes that it needs on its new node at once; a stopped one none."""
        return max(0, int(self.status.get("mem") or 0), int(self.status.get("memhost") or 0)) if self.running else 0

    @property
    def managed(self) -> bool:
        """Whether the HA manager moves it."""
        return bool((self.status.get("ha") or {}).get("managed"))

    def told(self, name: str) -> t.Any:
        """A field of what the API says of moving it: with underscores for VMs, with hyphens for containers."""
        return self.possible.get(name, self.possible.get(name.replace("_", "-")))


def look_closer(client: Client, node: str, guest: str) -> Closer:
    """Read one guest on its node.

    :raises Failure: also when it is not there any more.
    """
    path = f"/nodes/{node}/{guest}"
    return Closer(client.get(f"{path}/status/current"), client.get(f"{path}/config"), {})


def ask_possible(client: Client, node: str, guest: str, target: str) -> Entry:
    """What the API says of moving a guest. It is not asked of a locked VM, which it refuses to judge."""
    try:
        answer: Entry = client.get(f"/nodes/{node}/{guest}/migrate", target=target)
    except Failure as failure:
        # Containers have this method since release 9; without it the task itself tells.
        if failure.kind != failures.UNSUPPORTED:
            raise
        return {}
    return answer


def is_running(client: Client, node: str, guest: str) -> bool:
    """Whether it runs, as its node says it; lists are some seconds old."""
    return bool(client.get(f"/nodes/{node}/{guest}/status/current").get("status") == "running")


def migrations(client: Client, node: str, guest: str) -> t.List[Entry]:
    """Tasks of a node that move the guest, or ask the HA manager to, newest first; those that run have no C(endtime)."""
    kind, _unused, vmid = guest.partition("/")
    kinds = (MIGRATIONS[kind], QUEUED)
    return [entry for entry in tasks.of_guest(client, node, int(vmid)) if entry.get("type") in kinds]


def free_memory(client: Client, node: str) -> int:
    """Bytes that guests can still have on a node: what the kernel can give, and the ZFS cache, which gives way."""
    memory = client.get(f"/nodes/{node}/status").get("memory") or {}
    available = memory.get("available")
    free = int(memory.get("total") or 0) - int(memory.get("used") or 0) if available is None else int(available)
    return free + (arc_bytes(client, node) if client.has_arc_size else 0)


def free_bytes(client: Client, node: str, storage: str) -> int:
    """Bytes that are free on a storage of a node."""
    return int(client.get(f"/nodes/{node}/storage/{storage}/status").get("avail") or 0)
