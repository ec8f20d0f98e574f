# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would help a VG that cannot serve its volumes: which physical volume to add, which volume to move to which VG of the host.

Only proposals, with the commands that a human would run and what they cost. pvmove is none of them: it moves extents between the
physical volumes of one VG, so the VG has no more free ones afterwards. To another VG a volume gets as a copy, or, where a physical
volume holds that volume and nothing else, together with it (vgsplit, vgmerge: vgsplit(8), vgmerge(8)).

The proposals start from where the plan ends: with the sizes that its changes leave, and without what it gives away.
"""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = dict[str, t.Any]
Key = tuple[str, str]
# What LVM keeps for itself at the beginning of a device, metadata and alignment (1 MiB by default, pvcreate(8)), twice to be safe.
_HEADER = 2 * 2**20


class Spare(t.NamedTuple):
    """What is left of a VG after sharing it: extents that nobody got, those that each of its volumes did not get, and those it got.

    :ivar changes: extents by which each volume grows, or with a negative number shrinks, in the same plan; absent = stays as it is.
    """

    extents: int
    lacking: Mapping[str, int]
    changes: Mapping[str, int]


@dataclasses.dataclass(slots=True)
class _Place:
    """One VG: `left` = extents that may still be given away, what was proposed counted in; `pvs` = its physical volumes.

    `proposed` = extents by which the plan proposes that volumes grow that are not managed; they are counted as given away.
    """

    group: Group
    left: int
    lacking: Mapping[str, int]
    changes: Mapping[str, int]
    proposed: Mapping[str, int]
    pvs: Sequence[Mapping[str, t.Any]]
    free_pvs: list[Mapping[str, t.Any]]
    volumes: Sequence[Volume]


class _Move(t.NamedTuple):
    """Moving a volume to another VG; `taken` = extents it takes there, `split` = the physical volumes that go with it, none = a copy.

    `size` = its bytes after the plan.
    """

    volume: Volume
    size: int
    target: _Place
    taken: int
    split: tuple[str, ...]

    @property
    def cost(self) -> tuple[int, str, str]:
        """Return what sorts the cheapest to the front: bytes to copy, then the name."""
        return (0 if self.split else self.size), self.volume.entity, self.target.group.entity


def complete(
    proposals: list[Document],
    documents: Sequence[Mapping[str, t.Any]],
    groups: Mapping[Key, Group],
    spare: Mapping[Key, Spare],
    volumes: Mapping[Key, Sequence[Volume]],
) -> None:
    """Say in each proposal to extend a VG with which physical volume, and add which volume could be moved instead.

    What several VGs of a host are told holds together: a physical volume is offered once, and no VG falls below its reserve.

    :param documents: the VG documents with their `pvs` and the host's `free_pvs`, if they have any.
    :param spare: of the VGs that were shared; of the others everything is spare.
    """
    growth = _proposed_growth(proposals)
    places = {key: _place(group, documents, spare.get(key), volumes.get(key, ()), growth) for key, group in groups.items()}
    for proposal in sorted((one for one in proposals if one["kind"] == "vg_extend"), key=lambda one: str(one["target"])):
        place = next(place for place in places.values() if place.group.entity == proposal["target"])
        wanted = -(-proposal["bytes"] // place.group.extent_bytes)
        _choose_pvs(proposal, wanted, place, places)
        moves = [move for volume in place.volumes for move in _moves(volume, wanted, place, places)]
        if moves:
            chosen = min(moves, key=lambda move: move.cost)
            chosen.target.left -= chosen.taken
            proposals.append(_told(chosen, place))


def _proposed_growth(proposals: Sequence[Document]) -> dict[str, int]:
    """Return by entity the bytes by which volumes would grow that are not managed."""
    resized = (one for one in proposals if one["kind"] == "lv_resize")
    return {one["target"]: one["to"]["size"] - one["from"]["size"] for one in resized if one["to"]["size"] > one["from"]["size"]}


def _place(
    group: Group, documents: Sequence[Mapping[str, t.Any]], spare: Spare | None, volumes: Sequence[Volume], growth: Mapping[str, int]
) -> _Place:
    document = next(one for one in documents if one["entity"] == group.entity)
    spare = spare or Spare(group.spendable, {}, {})
    pvs, free = document.get("pvs") or (), document.get("free_pvs") or ()
    proposed = {volume.entity: growth.get(volume.entity, 0) // group.extent_bytes for volume in volumes}
    free = [pv for pv in free if pv.get("size_bytes")]
    return _Place(group, spare.extents, spare.lacking, spare.changes, proposed, pvs, free, volumes)


def _choose_pvs(proposal: Document, wanted: int, place: _Place, places: Mapping[Key, _Place]) -> None:
    """Name the smallest free physical volumes that suffice, and take them off the list of every VG of the host."""
    group = place.group
    count, extents = _devices(wanted, place)
    enough = [pv for pv in place.free_pvs if (pv["size_bytes"] - _HEADER) // group.extent_bytes >= extents]
    chosen = sorted(enough, key=lambda pv: (pv["size_bytes"], str(pv["name"])))[:count]
    lacks = f"{group.vg} on {group.host} lacks {format_bytes(proposal['bytes'])} for what its volumes want"
    if len(chosen) < count:
        proposal["message"] = f"{lacks}: {_to_add(count, extents, group, place.free_pvs, len(enough))}"
        return
    uuids = {pv["uuid"] for pv in chosen}
    for other in places.values():
        if other.group.host == group.host:
            other.free_pvs = [pv for pv in other.free_pvs if pv["uuid"] not in uuids]
    proposal["to"] = " ".join(str(pv["name"]) for pv in chosen)
    sizes = " and ".join(f"{pv['name']} of {format_bytes(pv['size_bytes'])}" for pv in chosen)
    suffices = "belongs to no VG and suffices"
    if count > 1:
        suffices = f"belong to no VG and suffice together, each of {count} copies on another one"
    proposal["message"] = f"{lacks}: {sizes} {suffices} (vgextend {group.vg} {proposal['to']})."


def _devices(wanted: int, place: _Place) -> tuple[int, int]:
    """Return how many physical volumes a VG needs for so many extents, and the extents of each.

    LVM puts no two copies of a volume on one physical volume. With this size each of them has room for one copy of every volume
    that is kept more than once, wherever LVM puts it, and all of them together for the rest.
    """
    kept = [volume for volume in place.volumes if volume.copies > 1 and place.lacking.get(volume.entity)]
    count = max((volume.copies for volume in kept), default=1)
    return count, max(-(-wanted // count), sum(place.lacking[volume.entity] for volume in kept))


def _to_add(count: int, extents: int, group: Group, free_pvs: Sequence[Mapping[str, t.Any]], enough: int) -> str:
    """Return which devices to add where the free physical volumes of the host do not suffice."""
    device = format_bytes(extents * group.extent_bytes + _HEADER)
    largest = format_bytes(max((pv["size_bytes"] for pv in free_pvs), default=0))
    if count == 1:
        why = f" No free physical volume of the host suffices; the largest has {largest}." if free_pvs else ""
        return f"add a device of at least {device} (pvcreate DEVICE; vgextend {group.vg} DEVICE).{why}"
    why = f" Free physical volumes of the host of that size: {enough}; the largest has {largest}." if free_pvs else ""
    return (
        f"add {count} devices of at least {device} each, for LVM keeps each of {count} copies on another one "
        f"(pvcreate DEVICES; vgextend {group.vg} DEVICES).{why}"
    )


def _moves(volume: Volume, wanted: int, place: _Place, places: Mapping[Key, _Place]) -> t.Iterator[_Move]:
    """Return the ways to move a volume to another VG of the host after which the VG lacks nothing, and the other one keeps its reserve."""
    extent = place.group.extent_bytes
    if volume.refused_reason or place.group.refused_reason or volume.size_bytes % extent or not _frees_for_copies(volume, place):
        return
    lacking, change, proposed = (of.get(volume.entity, 0) for of in (place.lacking, place.changes, place.proposed))
    size = volume.size_bytes + change * extent
    # With its demand: a volume that has to grow there is not helped by a VG that holds it as it is.
    needs = size + (proposed + lacking) * extent
    for target in places.values():
        group = target.group
        if target is place or group.host != place.group.host or group.refused_reason:
            continue
        there = -(-needs // group.extent_bytes)
        taken = there * volume.copies
        if _given_up(volume, place) >= wanted and taken <= target.left and _holds_copies(volume, there, target):
            yield _Move(volume, size, target, taken, ())
        # The physical volumes go along with all their extents: only what the volume itself lacks is no longer asked of this VG. What
        # the plan gives it lies on others, for its own are full.
        alone = [] if change or proposed or group.extent_bytes != extent else _own_pvs(volume, place)
        more = lacking * volume.copies
        if alone and wanted <= more <= target.left and len(alone) < len(place.pvs) and _holds_copies(volume, lacking, target):
            yield _Move(volume, size, target, more, tuple(str(pv["name"]) for pv in alone))


def _given_up(volume: Volume, place: _Place) -> int:
    """Return the extents that the VG has more, or is asked for less, without the volume."""
    change, more = place.changes.get(volume.entity, 0), place.lacking.get(volume.entity, 0) + place.proposed.get(volume.entity, 0)
    kept = volume.size_bytes // place.group.extent_bytes + min(change, 0)
    # What LVM frees is known for some kinds only; of the others one extent for one is certain.
    return kept * min(volume.copies, max(1, volume.copies_freed)) + (max(change, 0) + more) * volume.copies


def _frees_for_copies(volume: Volume, place: _Place) -> bool:
    """Return whether what the volume frees lies on as many physical volumes as the copies of the others that lack something need."""
    others = (other.copies for other in place.volumes if other is not volume and place.lacking.get(other.entity))
    return volume.copies >= max(others, default=1)


def _holds_copies(volume: Volume, extents: int, target: _Place) -> bool:
    """Return whether each copy finds its extents on another physical volume there, wherever LVM puts what was given away before."""
    if volume.copies == 1:
        return True
    given = target.group.spendable - target.left
    roomy = [
        pv
        for pv in target.pvs
        if not pv.get("missing")
        and pv.get("allocatable") is not False
        and int(pv.get("free_bytes") or 0) // target.group.extent_bytes - given >= extents
    ]
    return len(roomy) >= volume.copies


def _own_pvs(volume: Volume, place: _Place) -> list[Mapping[str, t.Any]]:
    """Return the physical volumes that the volume lies on, if nothing else lies on any of them.

    They have to be full: in free extents LVM may put what the plan gives to others, and the reserve would go along.
    """
    under = [pv for pv in place.pvs if volume.lv in (pv.get("lvs") or ())]
    alone = (list(pv.get("lvs") or ()) == [volume.lv] and not pv.get("missing") and not pv.get("free_bytes") for pv in under)
    return under if all(alone) else []


def _told(move: _Move, place: _Place) -> Document:
    volume, source, target = move.volume, place.group, move.target.group
    name, extents = volume.lv, move.taken // volume.copies
    if move.split:
        devices = " ".join(move.split)
        commands = (
            f"umount it; lvchange -an {source.vg}/{name}; vgsplit {source.vg} TEMPORARY {devices}; vgmerge {target.vg} TEMPORARY; "
            f"lvchange -ay {target.vg}/{name}; change its device in /etc/fstab and mount it"
        )
        how = f"with {devices}, which holds nothing else, and without copying"
    else:
        kind = ", of the same type with as many copies" if volume.copies > 1 else ""
        commands = (
            f"lvcreate -n {name} -l {extents} {target.vg}{kind}; make its file system and copy with the volume at rest; "
            f"change its device in /etc/fstab; lvremove {source.vg}/{name}"
        )
        how = f"as a copy of {format_bytes(move.size)}{' (its size after this plan)' if move.size != volume.size_bytes else ''}"
    return {
        "kind": "lv_move",
        "host": volume.host,
        "target": volume.entity,
        "vg": source.vg,
        "lv": name,
        "from": source.vg,
        "to": target.vg,
        "bytes": move.size,
        "extents": move.taken,
        "reason": "no_space",
        "message": (
            f"Instead of extending {source.vg}: {volume.entity} would fit into {target.vg}, {how}; {format_bytes(move.target.left * target.extent_bytes)} "
            f"stay free there besides its reserve. It is unmounted for it. Commands: {commands}."
        ),
        "cost": {"bytes": 0 if move.split else move.size},
    }
