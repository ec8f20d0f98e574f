"""The changing commands of every flow of lv_resize, in their order: the points at which it is killed.

The lists were noted from real runs; a test compares them with what lv_resize says, so that the points keep their names.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.volumes.batch import Case
from lab.volumes.matrix import BALLAST, MOUNT, OPERATIONS, UNMOUNT
from lab.volumes.recipes import Recipe
from lab.wrappers import When

GROW_VOLUME, REDUCE_VOLUME = "lvm lvextend", "lvm lvreduce"
_VFAT_END = ("fsck.vfat", "fsck.vfat")  # puts the label back; looks whether all is well
# Kind, operation and permissions; then the steps.
STEPS: dict[tuple[str, str, tuple[str, ...]], tuple[str, ...]] = {
    ("ext4", "grow mounted", ()): (GROW_VOLUME, "resize2fs"),
    ("ext4", "grow unmounted", ()): ("e2fsck", GROW_VOLUME, "resize2fs"),
    ("ext4", "shrink mounted", UNMOUNT): ("umount", "e2fsck", "resize2fs", REDUCE_VOLUME, "e2fsck", "mount"),
    ("ext4", "shrink unmounted", ()): ("e2fsck", "resize2fs", REDUCE_VOLUME, "e2fsck"),
    ("xfs", "grow mounted", ()): (GROW_VOLUME, "xfs_growfs"),
    # A rehearsal first; where nothing is mounted, each of both mounts it for itself.
    ("xfs", "grow unmounted", MOUNT): ("unshare", GROW_VOLUME, "unshare"),
    ("btrfs", "grow mounted", ()): ("btrfs", GROW_VOLUME, "btrfs"),
    ("btrfs", "grow unmounted", MOUNT): ("unshare", GROW_VOLUME, "unshare"),
    ("btrfs", "shrink mounted", ()): ("sh", REDUCE_VOLUME),
    ("btrfs", "shrink unmounted", MOUNT): ("unshare", REDUCE_VOLUME),
    ("swap", "grow mounted", UNMOUNT): ("swapoff", GROW_VOLUME, "mkswap", "swapon"),
    ("swap", "shrink mounted", UNMOUNT): ("swapoff", "mkswap", REDUCE_VOLUME, "swapon"),
    ("vfat", "grow mounted", UNMOUNT): ("umount", "fsck.vfat", GROW_VOLUME, "fatresize", *_VFAT_END, "mount"),
    ("vfat", "shrink mounted", UNMOUNT): ("umount", "fsck.vfat", "fatresize", REDUCE_VOLUME, *_VFAT_END, "mount"),
    ("f2fs", "grow mounted", UNMOUNT): ("umount", "fsck.f2fs", "fsck.f2fs", GROW_VOLUME, "resize.f2fs", "fsck.f2fs", "mount"),
    ("f2fs", "shrink mounted", UNMOUNT): ("umount", "fsck.f2fs", "fsck.f2fs", "resize.f2fs", REDUCE_VOLUME, "fsck.f2fs", "mount"),
}


@dataclass(frozen=True)
class Flow:
    """One way through lv_resize."""

    kind: str
    operation: str
    permissions: tuple[str, ...]
    steps: tuple[str, ...]

    @property
    def name(self) -> str:
        return " with ".join([f"{self.kind} {self.operation}", *self.permissions])


@dataclass(frozen=True)
class Point:
    """One moment: ``before`` or ``after`` one step of a flow."""

    flow: Flow
    step: int
    when: When

    @property
    def name(self) -> str:
        return f"{self.flow.name}: {self.when} step {self.step + 1}, {self.flow.steps[self.step]}"

    @property
    def quick(self) -> bool:
        return self.name in QUICK

    def case(self) -> Case:
        """The volume that this point needs for itself, and what is asked of it."""
        operation = next(operation for operation in OPERATIONS if operation.name == self.flow.operation)
        given = (*self.flow.permissions, *(("allow_shrink",) if operation.shrinks else ()))
        recipe = Recipe(
            self.flow.kind,
            operation.start,
            mounted=operation.mounted,
            ballast=BALLAST if operation.shrinks else 0,
            fstab="" if operation.mounted else None,
        )
        # What a kill leaves of ext is not marked clean.
        return Case(self.name, recipe, operation.size, dict.fromkeys((*given, "allow_fsck"), True))


FLOWS = [Flow(*key, steps) for key, steps in STEPS.items()]
QUICK = (
    "xfs grow mounted: before step 2, xfs_growfs",
    "ext4 shrink mounted with allow_unmount: after step 3, resize2fs",
)


def points(flow: Flow) -> list[Point]:
    return [Point(flow, step, when) for step in range(len(flow.steps)) for when in ("before", "after")]
