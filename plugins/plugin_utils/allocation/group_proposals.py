# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would help a VG that cannot serve its volumes: which physical volume to add, which volume to move to which VG of the host.

Only proposals, with the commands that a human would run and what they cost. pvmove is none of them: it moves extents between the
physical volumes of one VG, so the VG has no more free ones afterwards. To another VG a volume gets as a copy, or, where a physical
volume holds that volume and nothing else, together with it (vgsplit, vgmerge: vgsplit(8), vgmerge(8)).
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
    """What is left of a VG after sharing it: extents that nobody got, and those that each of its volumes did not get."""

    extents: int
    lacking: Mapping[str, int]


@dataclasses.dataclass(slots=True)
class _Place:
    """One VG: `left` = extents that may still be given away, what was proposed counted in; `pvs` = its physical volumes."""

    group: Group
    left: int
    lacking: Mapping[str, int]
    pvs: Sequence[Mapping[str, t.Any]]
    free_pvs: list[Mapping[str, t.Any]]
    volumes: Sequence[Volume]


class _Move(t.NamedTuple):
    """Moving a volume to another VG; `taken` = extents it takes there, `split` = the physical volumes that go with it, none = a copy."""

    volume: Volume
    target: _Place
    taken: int
    split: tuple[str, ...]

    @property
    def cost(self) -> tuple[int, str, str]:
        """Return what sorts the cheapest to the front: bytes to copy, then the name."""
        return (0 if self.split else self.volume.size_bytes), self.volume.entity, self.target.group.entity


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
    places = {key: _place(group, documents, spare.get(key), volumes.get(key, ())) for key, group in groups.items()}
    for proposal in sorted((one for one in proposals if one["kind"] == "vg_extend"), key=lambda one: str(one["target"])):
        place = next(place for place in places.values() if place.group.entity == proposal["target"])
        wanted = -(-proposal["bytes"] // place.group.extent_bytes)
        _choose_pv(proposal, wanted, place, places)
        moves = [move for volume in place.volumes for move in _moves(volume, wanted, place, places)]
        if moves:
            chosen = min(moves, key=lambda move: move.cost)
            chosen.target.left -= chosen.taken
            proposals.append(_told(chosen, place))


def _place(group: Group, documents: Sequence[Mapping[str, t.Any]], spare: Spare | None, volumes: Sequence[Volume]) -> _Place:
    document = next(one for one in documents if one["entity"] == group.entity)
    spare = spare or Spare(group.spendable, {})
    pvs, free = document.get("pvs") or (), document.get("free_pvs") or ()
    return _Place(group, spare.extents, spare.lacking, pvs, [pv for pv in free if pv.get("size_bytes")], volumes)


def _choose_pv(proposal: Document, wanted: int, place: _Place, places: Mapping[Key, _Place]) -> None:
    """Name the smallest free physical volume that suffices, and take it off the list of every VG of the host."""
    group = place.group
    enough = [pv for pv in place.free_pvs if (pv["size_bytes"] - _HEADER) // group.extent_bytes >= wanted]
    lacks = f"{group.vg} on {group.host} lacks {format_bytes(proposal['bytes'])} for what its volumes want"
    if not enough:
        why = ""
        if place.free_pvs:
            largest = max(pv["size_bytes"] for pv in place.free_pvs)
            why = f" No free physical volume of the host suffices; the largest has {format_bytes(largest)}."
        device = format_bytes(wanted * group.extent_bytes + _HEADER)
        proposal["message"] = f"{lacks}: add a device of at least {device} (pvcreate DEVICE; vgextend {group.vg} DEVICE).{why}"
        return
    chosen = min(enough, key=lambda pv: (pv["size_bytes"], str(pv["name"])))
    for other in places.values():
        if other.group.host == group.host:
            other.free_pvs = [pv for pv in other.free_pvs if pv["uuid"] != chosen["uuid"]]
    proposal["to"] = chosen["name"]
    proposal["message"] = (
        f"{lacks}: {chosen['name']} of {format_bytes(chosen['size_bytes'])} belongs to no VG and suffices (vgextend {group.vg} {chosen['name']})."
    )


def _moves(volume: Volume, wanted: int, place: _Place, places: Mapping[Key, _Place]) -> t.Iterator[_Move]:
    """Return the ways to move a volume to another VG of the host after which the VG lacks nothing, and the other one keeps its reserve."""
    if volume.refused_reason or place.group.refused_reason or volume.size_bytes % place.group.extent_bytes:
        return
    lacking = place.lacking.get(volume.entity, 0) * volume.copies
    extents = volume.size_bytes // place.group.extent_bytes * volume.copies
    for target in places.values():
        group = target.group
        if target is place or group.host != place.group.host or group.refused_reason:
            continue
        # With its demand: a volume that has to grow there is not helped by a VG that holds it as it is.
        needs = volume.size_bytes + place.lacking.get(volume.entity, 0) * place.group.extent_bytes
        taken = -(-needs // group.extent_bytes) * volume.copies
        if extents + lacking >= wanted and taken <= target.left:
            yield _Move(volume, target, taken, ())
        alone = _own_pvs(volume, place)
        # The physical volumes go along with all their extents: only what the volume itself lacks is no longer asked of this VG.
        if alone and lacking >= wanted and lacking <= target.left and group.extent_bytes == place.group.extent_bytes:
            leaving = sum(int(pv.get("free_bytes") or 0) for pv in alone) // place.group.extent_bytes
            if len(alone) < len(place.pvs) and leaving <= place.left:
                yield _Move(volume, target, lacking, tuple(str(pv["name"]) for pv in alone))


def _own_pvs(volume: Volume, place: _Place) -> list[Mapping[str, t.Any]]:
    """Return the physical volumes that the volume lies on, if nothing else lies on any of them."""
    under = [pv for pv in place.pvs if volume.lv in (pv.get("lvs") or ())]
    return under if all(list(pv.get("lvs") or ()) == [volume.lv] and not pv.get("missing") for pv in under) else []


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
        commands = (
            f"lvcreate -n {name} -l {extents} {target.vg}; make its file system and copy with the volume at rest; "
            f"change its device in /etc/fstab; lvremove {source.vg}/{name}"
        )
        how = f"as a copy of {format_bytes(volume.size_bytes)}"
    return {
        "kind": "lv_move",
        "host": volume.host,
        "target": volume.entity,
        "vg": source.vg,
        "lv": name,
        "from": source.vg,
        "to": target.vg,
        "bytes": volume.size_bytes,
        "extents": move.taken,
        "reason": "no_space",
        "message": (
            f"Instead of extending {source.vg}: {volume.entity} would fit into {target.vg}, {how}; {format_bytes(move.target.left * target.extent_bytes)} "
            f"stay free there besides its reserve. It is unmounted for it. Commands: {commands}."
        ),
        "cost": {"bytes": 0 if move.split else volume.size_bytes},
    }
