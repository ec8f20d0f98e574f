"""All volumes of the cluster, found by id and node, by storage and node, and by guest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from .model import Volume

Place = tuple[str, str | None]


class VolumeTable:
    """``node`` of a place is None on shared storages. What a place holds in use is counted, so 20,000 volumes cost nothing to ask for."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[str, Volume]] = defaultdict(dict)
        self._used: dict[Place, int] = defaultdict(int)

    def __iter__(self) -> Iterator[Volume]:
        for volumes in self._places.values():
            yield from volumes.values()

    def get(self, volume: str, node: str) -> Volume | None:
        """The volume as a node sees it."""
        storage = volume.partition(":")[0]
        return self._places.get((storage, None), {}).get(volume) or self._places.get((storage, node), {}).get(volume)

    def on(self, storage: str, node: str) -> list[Volume]:
        """The volumes of a storage as a node sees it."""
        return [*self._places.get((storage, None), {}).values(), *self._places.get((storage, node), {}).values()]

    def used(self, storage: str, node: str) -> int:
        """Bytes in use of a storage as a node sees it."""
        return self._used.get((storage, None), 0) + self._used.get((storage, node), 0)

    def of_guest(self, vmid: int) -> list[Volume]:
        """All volumes of a guest."""
        return [volume for volume in self if volume.vmid == vmid]

    def add(self, volume: Volume) -> None:
        """A new volume, or one that was moved."""
        place = (volume.storage, volume.node)
        self._places[place][volume.id] = volume
        self._used[place] += volume.used

    def remove(self, volume: Volume) -> None:
        """Before a volume goes, or its name or place changes."""
        place = (volume.storage, volume.node)
        del self._places[place][volume.id]
        self._used[place] -= volume.used

    def drop_guest(self, vmid: int) -> None:
        """All volumes of a guest are gone."""
        for volume in self.of_guest(vmid):
            self.remove(volume)
