# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document C(foresight_lvm): what LVM reports, joined with the file systems on its volumes."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import read_block_devices
from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.disk_usage import measure
from ansible_collections.foresight.capacity.plugins.module_utils.filesystems import MountTable, Top, describe, find_top
from ansible_collections.foresight.capacity.plugins.module_utils.guest_disks import GuestDisks, find_guest_disks
from ansible_collections.foresight.capacity.plugins.module_utils.identity import document_header
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_config import read_settings, tell_settings
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_query import NoReport, fetch_report, local_system_id, lvm_version
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_rows import LvRow, parse_group
from ansible_collections.foresight.capacity.plugins.module_utils.mounts import read_mounts
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

SCHEMA = "foresight.lvm/1"


def read_lvm(
    commands: Commands,
    now: int,
    statvfs: t.Callable[[str], t.Any] = os.statvfs,
    *,
    files: TargetFiles | None = None,
    root: bool | None = None,
    sudo: bool = False,
) -> dict[str, t.Any]:
    """The C(foresight_lvm) document of this host at ``now`` (UTC seconds of its own clock); changes nothing.

    ``statvfs`` measures a mounted file system, ``files`` reads the target's files, ``root`` tells whether we are root (default:
    asks the kernel), ``sudo`` lets a user who is not root get the report through C(sudo -n). LVM that is missing, closed to us or
    broken makes C(available: false) with a reason, never an error.
    """
    files = files or TargetFiles()
    is_root = os.geteuid() == 0 if root is None else root
    document = document_header(SCHEMA, files, now)
    document.update(available=False, reason=None, message=None, lvm_version=None, pvs=[], vgs=[], lvs=[])
    try:
        report = fetch_report(commands, is_root, sudo)
    except NoReport as error:
        document.update(reason=error.reason, message=error.message)
        return document
    groups = [parse_group(sections) for sections in report.groups]
    document.update(available=True, message=report.warnings or None, lvm_version=lvm_version(commands))
    document["pvs"] = [pv for group in groups for pv in group.pvs]
    document["vgs"] = [vg for group in groups for vg in group.vgs]
    _mark_foreign(document["vgs"], commands)
    rows = [row for group in groups for row in group.lvs]
    _tell_settings([row.entry for row in rows if row.entry["autoextend"]], commands)
    document["lvs"] = _volumes(rows, commands, files, statvfs) if rows else []
    return document


def _mark_foreign(vgs: list[dict[str, t.Any]], commands: Commands) -> None:
    """A group with a system id belongs to the one host that has this id."""
    if any(vg["system_id"] for vg in vgs):
        ours = local_system_id(commands)
        for vg in vgs:
            vg["foreign"] = vg["system_id"] is not None and vg["system_id"] != ours


def _tell_settings(entries: list[dict[str, t.Any]], commands: Commands) -> None:
    """Ask for the configuration once for each profile in use, and not at all where nothing is extended by dmeventd."""
    for profile in sorted({entry["autoextend"]["profile"] or "" for entry in entries}):
        settings = read_settings(commands, profile or None)
        for entry in entries:
            if (entry["autoextend"]["profile"] or "") == profile:
                tell_settings(entry, settings)


def _volumes(rows: list[LvRow], commands: Commands, files: TargetFiles, statvfs: t.Callable[[str], t.Any]) -> list[dict[str, t.Any]]:
    devices = read_block_devices(commands)
    table = MountTable(read_mounts(files), devices, [row.volume for row in rows], files)
    guests = find_guest_disks(files)
    tops = [find_top(row.volume, devices) if row.carries_data else None for row in rows]
    points = [table.measuring_point(table.mounts(top)) for top in tops if top is not None and top.reason is None]
    measured = measure([point for point in points if point is not None], statvfs)
    for row, top in zip(rows, tops):  # noqa: B905 (Python 3.8)
        if top is not None:
            row.entry.update(stack=top.stack, filesystem=describe(top, row.volume, table, measured), role=_role(row, top, guests))
    return [row.entry for row in rows]


def _role(row: LvRow, top: Top, guests: GuestDisks) -> str:
    entry = row.entry
    # What holds partitions or another's physical volume is a disk for somebody who is not this host.
    if top.reason in ("partitions", "physical_volume"):
        return "guest_disk"
    if guests.holds(entry["vg"], entry["name"], entry["pool"], row.volume.paths, row.volume.number):
        return "guest_disk"
    return str(entry["role"])


def find_vg(document: dict[str, t.Any], vg: str) -> dict[str, t.Any] | None:
    """The entry of a volume group by its name; None when there is none, or when two groups bear that name."""
    found = [entry for entry in document["vgs"] if entry["name"] == vg]
    return found[0] if len(found) == 1 else None


def find_lv(document: dict[str, t.Any], vg: str, lv: str) -> dict[str, t.Any] | None:
    """The entry of a logical volume by its names; None when there is none, or when the names fit two volumes."""
    found = [entry for entry in document["lvs"] if entry["vg"] == vg and entry["name"] == lv]
    return found[0] if len(found) == 1 else None
