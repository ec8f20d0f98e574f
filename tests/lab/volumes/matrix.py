"""The matrix of lv_resize: what each kind of file system answers to growing and shrinking, mounted and not; and the layouts.

``mounted`` means for swap: in use. What a kind needs a permission for is asked without it and with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.volumes.batch import DONE, Case
from lab.volumes.recipes import MAKE, Recipe

SMALL, LARGE = 320, 480  # MiB; FAT32 takes neither less nor much more with the same clusters
GROW, SHRINK = 481, 321  # rounded up to whole extents
# The data is written behind this, so that shrinking has something to move.
BALLAST = 260


@dataclass(frozen=True)
class Operation:
    """One column of the matrix."""

    name: str
    start: int
    size: int
    mounted: bool

    @property
    def shrinks(self) -> bool:
        return self.size < self.start


OPERATIONS = (
    Operation("grow mounted", SMALL, GROW, True),
    Operation("grow unmounted", SMALL, GROW, False),
    Operation("shrink mounted", LARGE, SHRINK, True),
    Operation("shrink unmounted", LARGE, SHRINK, False),
)
# For each kind and operation: the permissions given (allow_shrink is always given when shrinking) and the answer to them.
Expected = dict[str, dict[tuple[str, ...], str]]
UNMOUNT, MOUNT = ("allow_unmount",), ("allow_mount",)
EXT: Expected = {
    "grow mounted": {(): DONE},
    "grow unmounted": {(): DONE},
    "shrink mounted": {(): "mounted", UNMOUNT: DONE},
    "shrink unmounted": {(): DONE},
}
# Nothing of it works while it is mounted.
OFFLINE: Expected = {
    "grow mounted": {(): "mounted", UNMOUNT: DONE},
    "grow unmounted": {(): DONE},
    "shrink mounted": {(): "mounted", UNMOUNT: DONE},
    "shrink unmounted": {(): DONE},
}
MATRIX: dict[str, Expected] = {
    "ext2": EXT,
    "ext3": EXT,
    "ext4": EXT,
    "vfat": OFFLINE,
    "f2fs": OFFLINE,
    "swap": OFFLINE,
    "btrfs": {
        "grow mounted": {(): DONE},
        "grow unmounted": {(): "not_mounted", MOUNT: DONE},
        "shrink mounted": {(): DONE},
        "shrink unmounted": {(): "not_mounted", MOUNT: DONE},
    },
    "xfs": {
        "grow mounted": {(): DONE},
        "grow unmounted": {(): "not_mounted", MOUNT: DONE},
        "shrink mounted": {(): "shrink_not_supported"},
        "shrink unmounted": {(): "shrink_not_supported"},
    },
}
QUICK = {
    ("ext4", "grow mounted"),
    ("ext4", "grow unmounted"),
    ("ext4", "shrink mounted"),
    ("ext4", "shrink unmounted"),
    ("xfs", "grow mounted"),
    ("xfs", "grow unmounted"),
    ("xfs", "shrink mounted"),
}


def matrix_case(kind: str, operation: Operation, permissions: tuple[str, ...], expected: str) -> Case:
    """One field of the matrix, asked with these permissions."""
    given = (*permissions, *(("allow_shrink",) if operation.shrinks else ()))
    ballast = BALLAST if operation.shrinks and expected == DONE else 0
    # Only what is mounted stands in fstab: an entry for what is not would have it mounted in the end.
    recipe = Recipe(kind, operation.start, mounted=operation.mounted, ballast=ballast, fstab="" if operation.mounted else None)
    name = " with ".join([operation.name, *permissions])
    return Case(name, recipe, operation.size, dict.fromkeys(given, True), expected, quick=(kind, operation.name) in QUICK)


def _matrix() -> dict[str, list[Case]]:
    return {
        kind: [
            matrix_case(kind, operation, permissions, expected)
            for operation in OPERATIONS
            for permissions, expected in MATRIX[kind][operation.name].items()
        ]
        for kind in MAKE
    }


NOT_CLEAN = "debugfs -w -R 'ssv state 2' {device} 2>/dev/null"


def _growth(name: str, recipe: Recipe, expected: str = DONE, **more: Any) -> Case:
    return Case(name, recipe, GROW, more, expected)


def _shrinkage(name: str, recipe: Recipe, expected: str = DONE, **more: Any) -> Case:
    return Case(name, recipe, SHRINK, {"allow_shrink": True, **more}, expected)


def unmounted(**recipe: Any) -> Recipe:
    return Recipe(mounted=False, fstab=None, **recipe)


LAYOUTS = [
    *[_growth(f"grow ext4 on {layout}", Recipe(layout=layout)) for layout in ("striped", "raid1", "mirror", "thin", "cache")],
    _growth("grow xfs on striped", Recipe("xfs", layout="striped")),
    *[
        _shrinkage(f"shrink ext4 on {layout}", unmounted(size=LARGE, layout=layout, ballast=BALLAST))
        for layout in ("striped", "raid1", "mirror", "thin", "cache")
    ],
]
SPECIAL = [
    _growth("grow ext4 with hyphens in its name", Recipe(name="my--da-ta-{}")),
    _growth("grow ext4 without resize_inode", Recipe(make="mkfs.ext4 -q -b 4096 -O ^resize_inode {device}")),
    _growth("grow a volume without a file system, named exactly", Recipe(None), named_exactly=True),
    _growth("grow a thin pool, named exactly", Recipe(None, layout="pool"), named_exactly=True),
    Case("grow the metadata of a thin pool", Recipe(None, layout="pool"), SMALL, {"named_exactly": True, "metadata_size": "12M"}),
    _growth("grow ext4 that is not clean, repair allowed", unmounted(spoil=NOT_CLEAN), allow_fsck=True),
    _growth("finish what was half grown", Recipe(spoil="lvextend -q --size 481M vg0/{name}")),
    _shrinkage(
        "finish what was half shrunk", unmounted(size=LARGE, spoil="e2fsck -fp {device} > /dev/null; resize2fs {device} 324M 2> /dev/null")
    ),
    # The kernel and resize2fs leave out a last group that is too small, each by its own rule.
    *[
        Case(f"grow ext4 to {size} MiB, {'mounted' if mounted else 'unmounted'}", Recipe(size=128, mounted=mounted, fstab=None), size, {})
        for size in (260, 392, 388)
        for mounted in (True, False)
    ],
]
# Each group has a host of its own.
GROUPS: dict[str, list[Case]] = {**_matrix(), "layouts": LAYOUTS, "special": SPECIAL}
