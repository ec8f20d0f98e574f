# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document C(foresight_lvm): what LVM reports, joined with the file systems on its volumes."""

from __future__ import annotations

import typing as t


def find_vg(document: dict[str, t.Any], vg: str) -> dict[str, t.Any] | None:
    """The entry of a volume group by its name; None when there is none, or when two groups bear that name."""
    found = [entry for entry in document["vgs"] if entry["name"] == vg]
    return found[0] if len(found) == 1 else None


def find_lv(document: dict[str, t.Any], vg: str, lv: str) -> dict[str, t.Any] | None:
    """The entry of a logical volume by its names; None when there is none, or when the names fit two volumes."""
    found = [entry for entry in document["lvs"] if entry["vg"] == vg and entry["name"] == lv]
    return found[0] if len(found) == 1 else None
