# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one question to LVM: a full report of all groups, as rows of text."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands, MissingTool, Result

Row = t.Dict[str, str]

# Every column is old enough for lvm2 2.02.158 (2016), the first with `fullreport` and JSON.
COLUMNS = {
    "vg": (
        "vg_name,vg_uuid,vg_size,vg_free,vg_extent_size,vg_extent_count,vg_free_count,vg_tags,vg_systemid,vg_lock_type,"
        "vg_shared,vg_clustered,vg_partial,vg_exported,pv_count,vg_profile"
    ),
    "pv": "pv_name,pv_uuid,pv_size,dev_size,pv_free,pv_missing,pv_allocatable,pv_in_use",
    "lv": (
        "lv_uuid,lv_name,lv_path,lv_dm_path,lv_size,lv_attr,lv_layout,lv_role,lv_parent,lv_active,lv_tags,lv_merging,lv_converting,"
        "move_pv,origin,pool_lv,data_percent,snap_percent,metadata_percent,sync_percent,lv_metadata_size,"
        "raid_sync_action,lv_kernel_major,lv_kernel_minor,lv_device_open,lv_snapshot_invalid,lv_profile"
    ),
    "pvseg": "pvseg_start",
    "seg": "lv_uuid,segtype,devices,seg_monitor,chunk_size",
}


class NoReport(Exception):
    """LVM gave no report; ``reason`` is the code for C(available: false)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Report(t.NamedTuple):
    """Rows of the report by kind; those of one group share C(group), its position."""

    groups: list[dict[str, list[Row]]]
    warnings: str


def report_arguments() -> list[str]:
    """Arguments of C(lvm) for the report: bytes, JSON, hidden volumes, and groups that this host may not change."""
    arguments = ["fullreport", "--units", "b", "--nosuffix", "--reportformat", "json", "-a", "--foreign", "--shared"]
    for section, columns in COLUMNS.items():
        arguments += ["--configreport", section, "-o", columns]
    return arguments


def fetch_report(commands: Commands, root: bool, sudo: bool) -> Report:
    """Ask LVM once for everything.

    ``root``: whether we are root; ``sudo``: whether to run the report through C(sudo -n) when we are not.
    Raises NoReport when LVM is not installed, not allowed, too old, or broken.
    """
    lvm = commands.find("lvm")
    if lvm is None:
        raise NoReport("not_installed", str(MissingTool("lvm")))
    if not root and not sudo:
        raise NoReport(
            "needs_root", "LVM answers root only: use become, or allow its one report by sudo (docs/observing.md) and set the option sudo"
        )
    command = [lvm, *report_arguments()]
    if not root:
        command = ["sudo", "-n", *command]
    try:
        result = commands.run(command, check=False)
    except MissingTool as error:
        raise NoReport("needs_root", str(error)) from error
    return _parse(result, by_sudo=not root)


def _parse(result: Result, by_sudo: bool) -> Report:
    said = " ".join(line.strip() for line in (result.err.strip() or result.out.strip()).splitlines())[:1000]
    # A warning about one broken group makes the status 5, and the report is whole nevertheless.
    try:
        groups = json.loads(result.out)["report"]
    except (ValueError, KeyError, TypeError):
        reason = "needs_root" if by_sudo and result.err.startswith("sudo:") else "failed"
        message = f"lvm fullreport ended with status {result.rc} and no report in JSON (lvm2 2.02.158 or newer is needed): {said}"
        raise NoReport(reason, message) from None
    return Report(groups, said if result.err.strip() else "")


def local_system_id(commands: Commands) -> str | None:
    """The system id by which this host owns groups (lvmsystemid(7)); None when it has none."""
    result = commands.run(["lvm", "systemid"], check=False)
    _label, _colon, system_id = result.out.strip().partition(":")
    return system_id.strip() or None


def lvm_version(commands: Commands) -> str | None:
    """Version of lvm2 as it says itself, such as C(2.03.16(2) (2022-05-18))."""
    for line in commands.run(["lvm", "version"], check=False).out.splitlines():
        label, _colon, version = line.partition(":")
        if label.strip() == "LVM version":
            return version.strip() or None
    return None
