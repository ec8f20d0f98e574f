# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the host has what a guest shall get: decided for all guests of a task before anything is changed, in their order."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import DISK, Limits
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Lists
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.pending import State
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.refusals import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human


class Terms(t.NamedTuple):
    """What the caller keeps free on each node, and how far limits may exceed a node."""

    reserve: t.Mapping[str, float]
    reserves: t.Mapping[str, t.Mapping[str, float]]
    overcommit: t.Mapping[str, t.Any]

    def of(self, node: str, resource: str) -> float:
        """What a node keeps free of cpu or memory."""
        return {**self.reserve, **self.reserves.get(node, {})}.get(resource, 0)


class Admission:
    """What nodes and storages have left, less what guests of this task were given. Nothing is given back: use falls later than limits do.

    :param cache: bytes of a node's ZFS cache, which gives way but counts as used.
    """

    def __init__(self, lists: Lists, terms: Terms, cache: t.Callable[[str], int]) -> None:
        self._lists = lists
        self._terms = terms
        self._cache = cache
        self._free: t.Dict[str, float] = {}
        self._room: t.Dict[t.Tuple[str, str], float] = {}
        self._limits: t.Dict[t.Tuple[str, str], float] = {}

    def admit(self, guest: Entry, state: State, changes: Limits, *, running: bool) -> None:
        """Take what the guest gets more from what is left.

        :raises Refused: there is not enough; nothing is taken then.
        :raises Failure: of a call.
        """
        node, now = str(guest["node"]), state.wanted
        after: Limits = {**now, **changes}
        takes = [
            self._cpu(node, guest, state, now, after, running=running),
            self._memory(node, guest, now, after, running=running),
            self._disks(node, guest, state, changes),
        ]
        for take in takes:
            take()

    # ---- cores -------------------------------------------------------------------------------------------------------

    def _cpu(self, node: str, guest: Entry, state: State, now: Limits, after: Limits, *, running: bool) -> t.Callable[[], None]:
        before, wanted = state.vcpus(now), state.vcpus(after)
        if wanted is None or before is None or wanted <= before:
            return _nothing
        has, reserve = float(self._node(node)["maxcpu"]), self._terms.of(node, "cpu")
        if wanted > has - reserve:
            raise Refused(
                "host_cores",
                f"Cannot give {guest['id']} {wanted:g} cores: {node} has {has:g}, less its reserve of {reserve:g} (O(reserve), O(reserves.{node})).",
            )
        return self._overcommitted("cpu", node, guest, wanted - before if running else 0, has - reserve, "cores")

    # ---- memory ------------------------------------------------------------------------------------------------------

    def _memory(self, node: str, guest: Entry, now: Limits, after: Limits, *, running: bool) -> t.Callable[[], None]:
        growth = int(after["memory"] or 0) - int(now["memory"] or 0)
        if growth <= 0:
            return _nothing
        entry, reserve = self._node(node), int(self._terms.of(node, "memory"))
        has, name = int(entry["maxmem"]), f"{human(int(after['memory'] or 0))} of memory"
        if int(after["memory"] or 0) > has - reserve:
            raise Refused(
                "host_memory",
                f"Cannot give {guest['id']} {name}: {node} has {human(has)}, less its reserve of {human(reserve)} (O(reserve), O(reserves.{node})).",
            )
        if not running:
            return self._overcommitted("memory", node, guest, 0, has - reserve, "memory")
        if node not in self._free:
            self._free[node] = has - max(0, int(entry["mem"]) - self._cache(node)) - reserve
        free = self._free[node]
        if growth > free:
            raise Refused(
                "host_memory",
                f"Cannot give {guest['id']} {name}, {human(growth)} more: {node} has {human(max(0, int(free)))} left after its reserve of "
                f"{human(reserve)} and what earlier guests of this task get (O(reserve), O(reserves.{node})).",
            )
        take = self._overcommitted("memory", node, guest, growth, has - reserve, "memory")

        def both() -> None:
            take()
            self._free[node] = free - growth

        return both

    # ---- limits of all guests together -------------------------------------------------------------------------------

    def _overcommitted(self, resource: str, node: str, guest: Entry, growth: float, usable: float, word: str) -> t.Callable[[], None]:
        """Limits of running guests together, where the caller bounds them."""
        factor = self._terms.overcommit.get(resource)
        if factor is None or not growth:
            return _nothing
        place, key = (node, resource), "maxcpu" if resource == "cpu" else "maxmem"
        together = self._limits.get(place)
        if together is None:
            together = sum(float(one.get(key) or 0) for one in self._lists.running_on(node))
        if together + growth > factor * usable:
            shown: t.Callable[[float], str] = (lambda value: f"{value:g}") if resource == "cpu" else (lambda value: human(int(value)))
            raise Refused(
                "overcommit",
                f"Cannot give {guest['id']} {shown(growth)} more {word}: the limits of the guests that run on {node} would be "
                f"{shown(together + growth)} together, needed is at most {shown(factor * usable)} (O(overcommit.{resource}), O(reserve)).",
            )
        return lambda: self._limits.update({place: together + growth})

    # ---- disks -------------------------------------------------------------------------------------------------------

    def _disks(self, node: str, guest: Entry, state: State, changes: Limits) -> t.Callable[[], None]:
        wanted: t.Dict[str, int] = {}
        for key, value in changes.items():
            if key.startswith(DISK):
                disk = state.disks[key[len(DISK) :]]
                wanted[disk.storage] = wanted.get(disk.storage, 0) + int(value or 0) - disk.size
        left = {}
        for storage, growth in wanted.items():
            entry = self._lists.storages.get((node, storage))
            if entry is None or entry.get("status") != "available":
                raise Refused("storage", f"Cannot grow disks of {guest['id']}: the storage {storage} is not available on {node}.")
            place = ("", storage) if entry.get("shared") else (node, storage)
            free = self._room.get(place, float(int(entry.get("maxdisk") or 0) - int(entry.get("disk") or 0)))
            if growth > free and not self._terms.overcommit.get("storage"):
                raise Refused(
                    "storage",
                    f"Cannot grow disks of {guest['id']} by {human(growth)}: {storage} has {human(max(0, int(free)))} free "
                    f"(O(overcommit.storage) grows them all the same, for storages that allocate what is written).",
                )
            left[place] = free - growth
        return lambda: self._room.update(left)

    def _node(self, node: str) -> Entry:
        entry = self._lists.nodes[node]
        if entry.get("maxcpu") is None or entry.get("mem") is None:
            raise Failure(failures.REFUSED, f"The API tells no figures of node {node}", "Needed is that it is online")
        return entry


def _nothing() -> None:
    """Nothing is taken."""
