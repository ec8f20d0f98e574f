# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is never resized, whatever was asked for."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume

IGNORE_TAG = "foresight.ignore"

_ROLES = {
    "internal": ("internal_volume", "is an internal volume of LVM; it changes only together with the volume it belongs to"),
    "snapshot": ("snapshot", "is a snapshot; snapshots are never resized here"),
    "guest_disk": ("guest_disk", "is the disk of a guest; it is resized through its guest"),
}


def check_manageable(volume: Volume) -> None:
    """Refuse what is not ours to change: shared, damaged or excluded groups and volumes (rules 2 and 12)."""
    vg, lv = volume.vg, volume.lv
    if vg["lock_type"]:
        raise Refused("shared_vg", f"{vg['name']} is a shared volume group (lock type {vg['lock_type']}); shared groups are never changed.")
    if vg["foreign"]:
        raise Refused(
            "shared_vg", f"{vg['name']} belongs to another system (system id {vg['system_id']}); foreign groups are never changed."
        )
    if vg["exported"]:
        raise Refused("exported_vg", f"{vg['name']} is exported; import it first (vgimport {vg['name']}).")
    if vg["partial"]:
        raise Refused("partial_vg", f"A physical volume of {vg['name']} is missing; bring it back, or remove it from the group, first.")
    for owner, tags in ((vg["name"], vg["tags"]), (volume.name, lv["tags"])):
        if IGNORE_TAG in tags:
            raise Refused("ignored", f"{owner} is tagged {IGNORE_TAG}; take the tag off to have {volume.name} resized.")
    if lv["role"] in _ROLES:
        reason, text = _ROLES[lv["role"]]
        raise Refused(reason, f"{volume.name} {text}.")
    if lv["stack"]:
        layers = ", ".join(lv["stack"])
        raise Refused("stacked", f"{volume.name} carries another layer ({layers}) below its file system, which this module cannot resize.")


def check_writable(volume: Volume) -> None:
    """Refuse a volume that LVM holds read-only: its file system could not grow."""
    if not volume.is_writable:
        raise Refused("read_only", f"LVM holds {volume.name} read-only; make it writable first (lvchange --permission rw {volume.name}).")
