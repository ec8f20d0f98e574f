"""What migrations of containers and VMs share: the log's form, the phases' failures, volumes that are copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import ApiError
from .guest import Guest
from .model import Node, Volume
from .physics import MOVE_SECONDS, Link
from .properties import join_properties, split_properties
from .scheduler import Work
from .tasks import Interrupted, Task, TaskError
from .units import duration
from .volumes import free_name

if TYPE_CHECKING:
    from .world import World

KIB = 1024
_COPY_STEP = 5.0  # seconds between two looks at a copy


@dataclass
class Plan:
    """What was asked for."""

    target: Node
    online: bool = False
    restart: bool = False
    timeout: float = 180.0
    bwlimit: float = 0.0  # KiB/s
    storages: dict[str, str] = field(default_factory=dict)  # source storage → target storage; "" = any
    local_disks: bool = False
    force: bool = False
    conntrack: bool = False


class Migration:
    """One migration; it writes its task's log."""

    def __init__(self, world: World, guest: Guest, plan: Plan, task: Task) -> None:
        self.world, self.guest, self.plan, self.task = world, guest, plan, task
        self.source = world.nodes[guest.node]
        self.began = world.now()
        limit = plan.bwlimit or float(split_properties(world.datacenter.get("bwlimit", "")).get("migration", 0))
        self.link = Link(self.source, plan.target, limit * KIB or None)

    # ---- log ---------------------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """A line of the log."""
        stamp = datetime.fromtimestamp(self.world.now(), UTC).strftime("%Y-%m-%d %H:%M:%S")
        self.task.say(f"{stamp} {text}")

    def error(self, text: str) -> None:
        self.say(f"ERROR: {text}")

    @property
    def duration(self) -> str:
        return duration(self.world.now() - self.began)

    def finished(self) -> None:
        """The last line of one that went well."""
        self.say(f"migration finished successfully (duration {self.duration})")

    def aborted(self, reason: str) -> TaskError:
        """Nothing has changed, or it was undone."""
        self.error(f"migration aborted (duration {self.duration}): {reason}")
        return TaskError("migration aborted")

    def problems(self) -> TaskError:
        """Whoever reads this looks where the guest is."""
        self.error(f"migration finished with problems (duration {self.duration})")
        return TaskError("migration problems")

    # ---- checks ------------------------------------------------------------------------------------------------------

    def unlocked(self) -> None:
        """:raises TaskError: the guest is locked"""
        if self.guest.lock:
            raise self.aborted(f"{self.guest.word} is locked ({self.guest.lock})")

    def lock(self) -> None:
        """:raises TaskError: the guest is locked, a storage is not there, or the target does not answer"""
        self.unlocked()
        for volume, name in self.moves():
            storage = self.world.storages[name]
            if not storage.on(self.plan.target.name):
                raise self.aborted(f"storage '{name}' is not available on node '{self.plan.target.name}'")
            if volume.content not in storage.content:
                raise self.aborted(f"content type '{volume.content}' is not available on storage '{name}'")
        if not self.plan.target.in_cluster:
            raise self.aborted("Can't connect to destination address using public key")
        self.guest.config["lock"] = "migrate"

    def unlock(self) -> None:
        """The lock is taken off."""
        if self.guest.lock == "migrate":
            del self.guest.config["lock"]

    def moves(self) -> list[tuple[Volume, str]]:
        """The guest's volumes, each with the storage where it will be."""
        found = []
        for parts in self.guest.disks.values():
            volume = self.world.volume(parts["volume"], self.source.name)
            if volume is not None:
                shared = self.world.storages[volume.storage].shared
                found.append((volume, volume.storage if shared else self.storage_for(volume.storage)))
        return found

    def storage_for(self, storage: str) -> str:
        """The storage on the target for one of the source."""
        return self.plan.storages.get(storage) or self.plan.storages.get("") or storage

    def check_target(self) -> None:
        """:raises TaskError: the target is gone"""
        if not (self.plan.target.in_cluster and self.source.in_cluster):
            raise TaskError(f"connection to node '{self.plan.target.name}' lost")

    # ---- transfer ----------------------------------------------------------------------------------------------------

    def copy(self, size: float, progress: Callable[[float, float], None] | None = None) -> Work:
        """Send bytes over the link that others may use as well."""
        self.world.links.append(self.link)
        try:
            sent = 0.0
            while sent < size:
                self.check_target()
                rate = self.link.rate(self.world.links)
                seconds = min(_COPY_STEP, (size - sent) / rate)
                yield seconds
                sent += rate * seconds
                if progress is not None:
                    progress(sent, size)
        finally:
            self.world.links.remove(self.link)

    def relocate(self, volume: Volume, storage: str) -> None:
        """The volume lies on the target from now on, under a free name of the storage there."""
        old = volume.id
        self.world.volumes.remove(volume)
        target = self.world.storages[storage]
        node = None if target.shared else self.plan.target.name
        if storage != volume.storage or self.world.volume(old, self.plan.target.name):
            volume.storage = storage
            volume.name = free_name(self.world, target, self.plan.target.name, volume.vmid, form=volume.format)
        volume.node = node
        self.world.volumes.add(volume)
        default = "volume" if self.guest.kind == "lxc" else "file"
        for option, parts in self.guest.disks.items():
            if parts["volume"] == old:
                rest = {key: value for key, value in parts.items() if key != "volume"}
                self.guest.config[option] = join_properties({default: volume.id} | rest, default)
        self.say(f"volume '{old}' is '{volume.id}' on the target")

    def move(self) -> Work:
        """The configuration goes to the target."""
        yield MOVE_SECONDS
        self.check_target()
        self.world.move_guest(self.guest, self.plan.target.name)


def reason_of(error: Exception) -> str:
    """What a failure's log line calls it."""
    if isinstance(error, Interrupted):
        return "interrupted by signal"
    return error.message.rstrip("\n") if isinstance(error, ApiError) else str(error)
