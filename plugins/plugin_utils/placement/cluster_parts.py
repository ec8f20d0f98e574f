# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of the cluster document: the storages of nodes and disks of guests, pins, and what migrations are predicted to cost."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

LIKELY = "0.5"
MODES = ("live", "restart", "offline")


@dataclasses.dataclass(frozen=True, slots=True)
class Migration:
    """What a migration of a guest is predicted to cost (`migration` of the document); None = not known. targets: the same for one node each."""

    mode: str | None
    bytes: float | None
    seconds: float | None
    downtime_seconds: float | None
    targets: Mapping[int, Migration]


def within(fields: Fields, key: str) -> Mapping[str, t.Any]:
    """Return a mapping inside a document, empty where there is none."""
    inner = fields.inner(key)
    return inner.document if inner else {}


def read_migration(fields: Fields | None, at: Mapping[str, int]) -> Migration | None:
    """Return what is predicted of the migrations of a guest: the median of each cost.

    :param at: positions of the nodes; predictions for others are left out.
    """
    if fields is None:
        return None

    def likely(key: str) -> float | None:
        cost = fields.inner(key)
        return cost.optional_number(LIKELY) if cost else None

    targets = fields.inner("targets")
    there = {at[name]: read_migration(targets.inner(name), at) for name in targets.document if name in at} if targets else {}
    return Migration(
        mode=fields.choice("mode", MODES, "") or None,
        bytes=likely("bytes"),
        seconds=likely("seconds"),
        downtime_seconds=likely("downtime_seconds"),
        targets={node: one for node, one in there.items() if one is not None},
    )


def read_storage(nodes: Sequence[Fields], guests: Sequence[Fields], home: Ints) -> tuple[tuple[str, ...], Floats, Floats, Bools]:
    """Return the storages that are not shared, bytes of guests on them [g, s], bytes free [n, s], and whether a guest's disks can be had [g, n]."""
    places = [_places(node) for node in nodes]
    local = sorted({name for place in places for name, storage in place.items() if not storage.flag("shared", False)})
    column = {name: number for number, name in enumerate(local)}
    free = np.full((len(nodes), len(local)), np.inf)
    for row, place in enumerate(places):
        for name, storage in place.items():
            if name in column and storage.has("bytes") and storage.has("used"):
                free[row, column[name]] = max(0.0, storage.number("bytes") - storage.number("used"))
    disks = np.zeros((len(guests), len(local)))
    reachable = np.ones((len(guests), len(nodes)), dtype=bool)
    # Where no storages are told, every disk can be had; a storage that no node tells is on none of those that tell theirs.
    silent = np.array([not place for place in places], dtype=bool)
    has = {name: np.array([not place or name in place for place in places], dtype=bool) for place in places for name in place}
    for row, guest in enumerate(guests):
        for number, disk in enumerate(guest.items("disks")):
            fields = Fields(disk, f"Disk {number} of {guest.name}", f"{guest.option}.disks[{number}]")
            name = fields.text("storage")
            if name in column:
                disks[row, column[name]] += fields.number("bytes", 0.0)
            reachable[row] &= has.get(name, silent)
        reachable[row, home[row]] = True
    return tuple(local), disks, free, reachable


def read_pins(guests: Sequence[Fields], at: Mapping[str, int]) -> Bools:
    """Return where the pins of each guest let it be [g, n]."""
    found = np.ones((len(guests), len(at)), dtype=bool)
    for row, guest in enumerate(guests):
        wanted = guest.texts("pinned_to")
        if wanted:
            # A node that is gone is one that the guest cannot be on.
            found[row] = False
            found[row, [at[name] for name in wanted if name in at]] = True
    return found


def _places(node: Fields) -> dict[str, Fields]:
    """Return the storages of a node; one of which nothing is told is its own."""
    storages = node.inner("storages")
    if not storages:
        return {}
    return {
        name: storages.inner(name) or Fields({}, f"{name} of {storages.name}", f"{storages.option}.{name}") for name in storages.document
    }
