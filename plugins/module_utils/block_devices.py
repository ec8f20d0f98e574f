# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tree of block devices, by one call of lsblk."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands

COLUMNS = "NAME,KNAME,TYPE,SIZE,FSTYPE,UUID,LABEL,MAJ:MIN"


class BlockDevice(t.NamedTuple):
    """One block device; ``number`` is C(MAJOR:MINOR), by which LVM, lsblk and the mount table agree."""

    number: str
    path: str
    kind: str
    fstype: str | None
    uuid: str | None
    label: str | None
    partition_table: str | None
    children: list[str]


def read_block_devices(commands: Commands) -> dict[str, BlockDevice]:
    """All block devices by number; empty where lsblk is missing or too old for JSON (util-linux before 2.27)."""
    if commands.find("lsblk") is None:
        return {}
    # PTTYPE came after JSON did: an older lsblk refuses the whole question for one unknown column.
    for columns in (COLUMNS + ",PTTYPE", COLUMNS):
        result = commands.run(["lsblk", "--json", "--bytes", "--output", columns], check=False)
        devices = _parse(result.out)
        if devices is not None:
            return devices
    return {}


def _parse(text: str) -> dict[str, BlockDevice] | None:
    try:
        trees = json.loads(text)["blockdevices"]
    except (ValueError, KeyError, TypeError):
        return None
    devices: dict[str, BlockDevice] = {}
    waiting = list(trees)
    while waiting:
        entry = waiting.pop()
        children = entry.get("children") or []
        # A device with two parents is listed below each, sometimes with its children only the first time.
        number = entry["maj:min"].strip()
        known = devices.get(number)
        numbers = [child["maj:min"].strip() for child in children]
        devices[number] = _device(entry, number, numbers or (known.children if known else []))
        waiting.extend(children)
    return devices


def _device(entry: dict[str, t.Any], number: str, children: list[str]) -> BlockDevice:
    on_mapper = entry["kname"].startswith("dm-")
    return BlockDevice(
        number=number,
        path="/dev/mapper/" + entry["name"] if on_mapper else "/dev/" + entry["kname"],
        kind=entry["type"],
        fstype=entry.get("fstype"),
        uuid=entry.get("uuid"),
        label=_unescaped(entry.get("label")),
        partition_table=entry.get("pttype"),
        children=children,
    )


def _unescaped(text: str | None) -> str | None:
    """lsblk writes bytes beyond ASCII as C(\\xNN) in the C locale."""
    if text is None or "\\x" not in text:
        return text
    raw = re.sub(rb"\\x([0-9a-fA-F]{2})", lambda match: bytes([int(match.group(1), 16)]), text.encode("utf-8"))
    return raw.decode("utf-8", "replace")
