"""The whole cluster: one state, shared by the servers of all nodes. Whoever reads or changes it holds ``lock``."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

from .access import Access
from .broadcast import Broadcast
from .clock import Clock
from .errors import Refused
from .guest import QEMU, Guest, config_path
from .model import HighAvailability, Node, Pool, Storage, Volume
from .physics import Link
from .scheduler import Scheduler
from .tasks import Tasks
from .usage import Usage
from .volume_table import VolumeTable

Version = dict[str, str]


class World:
    """Everything that a state file describes, and what happened since. ``seed.py`` fills it."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.scheduler = Scheduler(clock, self.lock)
        self.tasks = Tasks(clock, self.scheduler)
        self.access = Access()
        self.usage = Usage(self)
        self.broadcast = Broadcast(self)
        self.pids = itertools.count(20001)
        self.fingerprint = ""
        self.power_changed: Callable[[str], None] = lambda _node: None
        self.clear()

    def clear(self) -> None:
        """An empty cluster."""
        self.scheduler.clear()
        self.tasks.clear()
        self.usage.clear()
        self.broadcast.clear()
        self.access.clear()
        self.name = ""
        self.cluster_version = 1
        self.version: Version = {}
        self.seeded_at = self.now()
        self.history = 0.0
        self.nodes: dict[str, Node] = {}
        self.storages: dict[str, Storage] = {}
        self.volumes = VolumeTable()
        self.guests: dict[int, Guest] = {}
        self.pools: dict[str, Pool] = {}
        self.links: list[Link] = []
        self.datacenter: dict[str, str] = {}
        self.ha = HighAvailability()
        self.backup_jobs: dict[str, dict[str, Any]] = {}
        self.replication_jobs: dict[str, dict[str, Any]] = {}
        self.timezones: dict[str, str] = {}

    def now(self) -> float:
        return self.clock.now()

    # ---- guests ------------------------------------------------------------------------------------------------------

    def guest(self, kind: str, node: str, vmid: int) -> Guest:
        """The guest under a node's path.

        :raises Refused: no such configuration file there
        """
        guest = self.guests.get(vmid)
        if guest is None or guest.kind != kind or guest.node != node:
            raise Refused(f"Configuration file '{config_path(kind, node, vmid)}' does not exist")
        return guest

    def vm(self, node: str, vmid: int) -> Guest:
        """A VM of a node, where the real one first asks whether it runs.

        :raises Refused: no such configuration file there
        """
        guest = self.guests.get(vmid)
        if guest is None or guest.kind != QEMU or guest.node != node:
            raise Refused(f"unable to find configuration file for VM {vmid} on node '{node}'")
        return guest

    def guests_on(self, node: str, kind: str | None = None) -> list[Guest]:
        return [guest for guest in self.usage.residents(node) if kind in (None, guest.kind)]

    def add_guest(self, guest: Guest) -> None:
        """A new guest."""
        self.guests[guest.vmid] = guest
        self.usage.moved()
        self.note(guest)

    def remove_guest(self, guest: Guest) -> None:
        """Forget a guest."""
        del self.guests[guest.vmid]
        self.usage.moved()

    def move_guest(self, guest: Guest, node: str) -> None:
        """Its configuration lies on another node from now on."""
        guest.node = node
        self.usage.moved()
        self.note(guest)

    def set_running(self, guest: Guest, running: bool) -> None:
        """It was started or it ended."""
        guest.running, guest.paused, guest.killed = running, False, 0.0
        guest.started_at = self.now() if running else 0.0
        guest.pid = next(self.pids) if running else 0
        self.note(guest)

    def note(self, guest: Guest) -> None:
        """Remember a change of what metrics show."""
        self.usage.changed(guest)
        guest.note(self.now(), self.nodes[guest.node].cpus)

    def pool_of(self, vmid: int) -> Pool | None:
        return next((pool for pool in self.pools.values() if vmid in pool.vms), None)

    # ---- nodes -------------------------------------------------------------------------------------------------------

    def quorate(self, view: Node) -> bool:
        """Whether more than half of the nodes see each other, as one of them sees it."""
        return sum(self.online(view, node) for node in self.nodes.values()) * 2 > len(self.nodes)

    def online(self, view: Node, node: Node) -> bool:
        """Whether ``view`` sees ``node`` in the cluster."""
        return node is view or (view.in_cluster and node.in_cluster)

    def need_quorum(self, view: Node) -> None:
        """:raises Refused: the node is without quorum"""
        if not self.quorate(view):
            raise Refused("cluster not ready - no quorum?")

    def need_cluster_file(self, view: Node, name: str, prefix: str = "") -> None:
        """:raises Refused: a cluster-wide file cannot be written without quorum; ``prefix`` is what the call's errors begin with"""
        self._need_lock(view, f"file-{name.replace('.', '_').replace('/', '_')}", prefix)

    def need_ha(self, view: Node, prefix: str = "") -> None:
        """:raises Refused: nothing can be told to the HA manager without quorum"""
        self._need_lock(view, "domain-ha", prefix)

    def _need_lock(self, view: Node, lock: str, prefix: str) -> None:
        if not self.quorate(view):
            raise Refused(f"{prefix}cfs-lock '{lock}' error: no quorum!")

    # ---- storages ----------------------------------------------------------------------------------------------------

    def storage(self, storage: str) -> Storage:
        """:raises Refused: no such storage"""
        found = self.storages.get(storage)
        if found is None:
            raise Refused(f"storage '{storage}' does not exist")
        return found

    def enabled_storage(self, storage: str, node: str) -> Storage:
        """:raises Refused: no such storage, or none that the node can use"""
        found = self.storage(storage)
        if found.disabled:
            raise Refused(f"storage '{storage}' is disabled")
        if not found.on(node):
            raise Refused(f"storage '{storage}' is not available on node '{node}'")
        return found

    def volume(self, volume: str, node: str) -> Volume | None:
        """The volume as a node sees it."""
        return self.volumes.get(volume, node)

    def volumes_on(self, storage: str, node: str) -> list[Volume]:
        return self.volumes.on(storage, node)
