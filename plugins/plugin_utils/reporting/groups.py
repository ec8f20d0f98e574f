# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volume groups before and after the plan. Pure; sizes bytes."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Collection, Mapping, Sequence

Document = Mapping[str, t.Any]
OTHER = "other"


class Part(t.NamedTuple):
    """One volume's share of a VG, what the plan adds to it, and what it takes from it for the others."""

    name: str
    size: int
    growth: int
    freed: int = 0


@dataclasses.dataclass
class GroupView:
    """One volume group. `marks` are words about it: recorded, synthetic, partial, exported, shared with."""

    entity: str
    size: int
    parts: list[Part]
    free: int
    marks: list[str]

    @property
    def name(self) -> str:
        return self.entity.partition(":")[2]

    @property
    def growth(self) -> int:
        return sum(part.growth for part in self.parts)

    @property
    def free_after(self) -> int:
        return max(0, self.free + self.freed - self.growth)

    @property
    def freed(self) -> int:
        return sum(part.freed for part in self.parts)

    @property
    def urgency(self) -> tuple[bool, float, str]:
        """Sorts the groups that change to the front, then those with the least free share."""
        return not self.growth, self.free_after / self.size, self.entity


def group_views(
    groups: Mapping[str, Document], volumes: Mapping[str, Document], actions: Sequence[Document], synthetic: Collection[str] = ()
) -> list[GroupView]:
    """Return every VG with its volumes and what these actions add to them, those that change first.

    :param groups, volumes: entity attributes by entity key; what belongs to no volume shown here (hidden parts of pools) is "other".
    :param synthetic: entity keys of volumes whose history was generated.
    """
    targets = {str(action["target"]): action for action in actions if action.get("kind") == "lv_resize"}
    members: dict[str, list[Part]] = {}
    for key, volume in volumes.items():
        size = volume.get("size_bytes")
        if size and volume.get("pool") is None and volume.get("role") != "internal":
            action = targets.get(key)
            part = Part(str(volume.get("lv")), int(size), _growth(int(size), action), _freed(int(size), action))
            members.setdefault(f"vg:{volume.get('host')}/{volume.get('vg')}", []).append(part)
    generated = {"vg:" + key.partition(":")[2].rpartition("/")[0] for key in synthetic}
    views = []
    for entity, group in groups.items():
        size, free = group.get("size_bytes"), group.get("free_bytes")
        if not size or free is None:
            continue
        parts = sorted(members.get(entity, []))
        rest = size - free - sum(part.size for part in parts)
        views.append(
            GroupView(entity, size, parts + ([Part(OTHER, rest, 0)] if rest > 0 else []), free, _marks(group, entity in generated))
        )
    return sorted(views, key=lambda view: view.urgency)


def _growth(size: int, action: Document | None) -> int:
    """Return what an action takes from the VG: for a mirror more than the volume grows. Nothing if the volume has that size already."""
    if action is None or action["to"].get("size", 0) <= size:
        return 0
    cost = (action.get("cost") or {}).get("bytes")
    return int(cost) if isinstance(cost, int) else int(action["to"]["size"]) - size


def _freed(size: int, action: Document | None) -> int:
    """Return what the VG gets back from a volume that shrinks. Nothing if it has done so already."""
    if action is None or action["to"].get("size", size) >= size:
        return 0
    freed = (action.get("cost") or {}).get("freed_bytes")
    return int(freed) if isinstance(freed, int) else size - int(action["to"]["size"])


def _marks(group: Document, synthetic: bool) -> list[str]:
    shared = group.get("shared_with") or []
    words = [("synthetic", synthetic), *((word, group.get(word)) for word in ("recorded", "partial", "exported"))]
    return [word for word, holds in words if holds] + ([f"shared with {', '.join(shared[:3])}"] if shared else [])
