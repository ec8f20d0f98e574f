"""Volumes of guests: making, growing, copying and removing them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .errors import Refused
from .model import Storage, Volume

if TYPE_CHECKING:
    from .world import World


def free_name(world: World, storage: Storage, node: str, vmid: int, *, form: str = "raw") -> str:
    """The next free name for a guest's disk; ``form`` subvol is a container's on ZFS."""
    pattern = re.compile(rf"\b(?:vm|base|subvol|basevol)-{vmid}-disk-(\d+)")
    numbers = {int(match[1]) for volume in world.volumes_on(storage.id, node) if (match := pattern.search(volume.name))}
    number = next(i for i in range(len(numbers) + 1) if i not in numbers)
    name = f"{'subvol' if form == 'subvol' else 'vm'}-{vmid}-disk-{number}"
    return f"{vmid}/{name}.{form}" if storage.files else name


def add(
    world: World, storage: Storage, node: str, vmid: int, name: str, size: int, form: str, content: str, used: int | None = None
) -> Volume:
    """A new volume; a fresh one uses little."""
    place = None if storage.shared else node
    volume = Volume(storage.id, name, place, vmid, size, form, content, int(world.now()), size // 100 if used is None else used)
    world.volumes.add(volume)
    return volume


def allocate(
    world: World, storage: Storage, node: str, vmid: int, size: int, content: str, form: str = "raw", *, used: int | None = None
) -> Volume:
    """A new disk of a guest under the next free name.

    :raises Refused: the storage does not take such disks
    """
    if not storage.on(node):
        raise Refused(f"storage '{storage.id}' is not available on node '{node}'")
    if storage.disabled:
        raise Refused(f"storage '{storage.id}' is disabled")
    if content not in storage.content:
        raise Refused(f"storage '{storage.id}' does not support content-type '{content}'")
    if storage.type == "zfspool":
        form = "subvol" if content == "rootdir" else "raw"
    elif not storage.files or form == "subvol":
        form = "raw"
    return add(world, storage, node, vmid, free_name(world, storage, node, vmid, form=form), size, form, content, used)


def remove(world: World, volume_id: str, node: str) -> None:
    """Remove a volume; one that is gone already is none of our business."""
    volume = world.volume(volume_id, node)
    if volume is not None:
        world.volumes.remove(volume)
