# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""VGs as documents for `lv_allocate`: extents, reserve, physical volumes, and which physical volumes of the host are free."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.standing import group_reason
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, Store

Document = dict[str, t.Any]
_PV_KEYS = ("name", "uuid", "size_bytes", "free_bytes", "missing", "allocatable", "lvs")


def group_documents(
    notebook: Store, hosts: Sequence[str] | None, reserve: Callable[[str | None, int, int], int]
) -> dict[tuple[str, str], Document]:
    """Return the VGs of these hosts (None = all) by host and name.

    :param reserve: gives the extents to keep free of a host's VG of so many extents of so many bytes.
    """
    everywhere = notebook.find_entities(kinds=["vg"])
    free = _free_pvs(notebook.find_entities(kinds=["host"]))
    holders: dict[str, set[str]] = {}
    for entity in everywhere:
        holders.setdefault(str(entity.attributes.get("uuid")), set()).add(str(entity.host))
    chosen = None if hosts is None else set(hosts)
    groups = {}
    for entity in everywhere:
        attributes = entity.attributes
        if chosen is not None and entity.host not in chosen:
            continue
        if not all(attributes.get(name) for name in ("uuid", "extent_bytes", "extents")) or attributes.get("extents_free") is None:
            logger("lvm").warning("%s is left out: its facts have no UUID, extent size, number of extents or of free ones.", entity.key)
            continue
        reason = group_reason(attributes, len(holders[attributes["uuid"]]))
        groups[str(entity.host), str(attributes["vg"])] = {
            "entity": entity.key,
            "host": entity.host,
            "vg": attributes["vg"],
            "uuid": attributes["uuid"],
            "size_bytes": attributes.get("size_bytes"),
            "extent_bytes": attributes["extent_bytes"],
            "extents": attributes["extents"],
            "extents_free": _free_extents(attributes),
            "reserve_extents": reserve(entity.host, int(attributes["extents"]), int(attributes["extent_bytes"])),
            "pvs": [{key: pv.get(key) for key in _PV_KEYS} for pv in attributes.get("physical_volumes") or ()],
            "free_pvs": free.get(str(entity.host), []),
            "shared": reason == "shared_vg",
            "refused_reason": reason,
            "observed_at": attributes.get("observed_at"),
            "recorded": bool(attributes.get("recorded")),
        }
    return groups


def _free_extents(attributes: Mapping[str, t.Any]) -> int:
    """Return the free extents that LVM gives to volumes: none on physical volumes that are missing or not allocatable (`pvchange -xn`)."""
    left, extent_bytes = int(attributes["extents_free"]), int(attributes["extent_bytes"])
    for pv in attributes.get("physical_volumes") or ():
        if pv.get("missing") or pv.get("allocatable") is False:
            # Of one whose free bytes nobody knows all may be free.
            barred = pv.get("size_bytes") if pv.get("free_bytes") is None else pv["free_bytes"]
            left -= left if barred is None else -(-int(barred) // extent_bytes)
    return max(0, left)


def _free_pvs(hosts: Sequence[Entity]) -> dict[str, list[Document]]:
    """Return the free physical volumes of each host; one that several hosts see is a shared disk, and nobody's to take."""
    seen: dict[str, int] = {}
    for entity in hosts:
        for pv in entity.attributes.get("free_pvs") or ():
            seen[str(pv["uuid"])] = seen.get(str(pv["uuid"]), 0) + 1
    return {str(entity.host): [pv for pv in entity.attributes.get("free_pvs") or () if seen[str(pv["uuid"])] == 1] for entity in hosts}
