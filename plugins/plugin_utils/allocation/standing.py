# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a volume or a VG is never changed, whatever the policy says (rules 2 and 12), from what was recorded of it."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping

IGNORE_TAG = "foresight.ignore"

_ROLES = {"internal": "internal", "snapshot": "snapshot", "pool": "thin_pool", "guest_disk": "guest_disk"}
# VG extents taken by one extent of a volume, by its segment type. The facts do not tell the number of legs and stripes: these are
# the usual numbers rounded up, and lv_resize counts them on the host, reserve included, before it grows anything.
_COPIES = (
    (re.compile(r"linear|striped|raid0(_meta)?|cache"), 1),
    (re.compile(r"mirror|raid1|raid(4|5|6|10)(_.+)?"), 2),
)
# The same given back by one extent less, rounded down. Of stripes LVM takes away whole rows only, and the facts do not tell how wide they are.
_FREED = (
    (re.compile(r"linear|cache"), 1),
    (re.compile(r"mirror|raid1"), 2),
)


def group_reason(attributes: Mapping[str, t.Any], seen_on: int) -> str | None:
    """Return why no volume of this VG is changed, or None.

    :param attributes: of the VG entity.
    :param seen_on: on how many hosts a VG of this UUID was recorded.
    """
    reasons = (
        (seen_on > 1 or bool(attributes.get("shared_with")), "shared_vg"),
        (bool(attributes.get("lock_type")) or bool(attributes.get("foreign")), "shared_vg"),
        (bool(attributes.get("exported")), "exported_vg"),
        (bool(attributes.get("partial")), "partial_vg"),
        (IGNORE_TAG in (attributes.get("tags") or ()), "ignored"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def volume_reason(attributes: Mapping[str, t.Any], *, excluded: bool, has_snapshots: bool) -> str | None:
    """Return why this volume is never changed, or None.

    :param attributes: of the LV entity.
    :param excluded: whether the policy excludes it.
    :param has_snapshots: whether a snapshot that is not thin hangs on it: LVM extends such an origin only while it is inactive.
    """
    filesystem = attributes.get("fs") or {}
    segments = attributes.get("segment_type")
    reasons = (
        (excluded, "excluded"),
        (IGNORE_TAG in (attributes.get("tags") or ()), "ignored"),
        (attributes.get("role") in _ROLES, _ROLES.get(str(attributes.get("role")))),
        (segments == "thin", "thin_volume"),
        (has_snapshots, "snapshot_origin"),
        (copies(attributes) is None, "segment_type"),
        (bool(attributes.get("in_progress")), "in_progress"),
        (attributes.get("active") is False, "inactive"),
        (bool(attributes.get("stack")), "stacked"),
        (bool(filesystem.get("read_only")), "read_only"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def copies(attributes: Mapping[str, t.Any]) -> int | None:
    """Return how many extents of the VG one extent of the volume takes, or None for segments that are not extended."""
    return _number(_COPIES, attributes)


def copies_freed(attributes: Mapping[str, t.Any]) -> int:
    """Return how many extents of the VG become free with one extent less of the volume; 0 = nobody can tell."""
    return _number(_FREED, attributes) or 0


def _number(table: tuple[tuple[re.Pattern[str], int], ...], attributes: Mapping[str, t.Any]) -> int | None:
    segments = str(attributes.get("segment_type"))
    return next((number for pattern, number in table if pattern.fullmatch(segments)), None)
