# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entity keys as users write them → kind, host and parts; the blank attributes of an entity that only has history."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.lvm import LV_ATTRIBUTES, VG_ATTRIBUTES
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.lxc import guest_key
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import is_host, is_name

FORMS = (
    "host:HOST, lv:HOST/VG/LV, vg:HOST/VG, node:CLUSTER/NODE, guest:CLUSTER/lxc/ID, storage:CLUSTER/NODE/STORAGE, "
    "storage:CLUSTER/STORAGE (a shared one), kpi:SERVICE/NAME"
)


class Key(t.NamedTuple):
    """A key taken apart."""

    text: str
    kind: str
    host: str | None
    parts: tuple[str, ...]

    def blank_attributes(self) -> dict[str, t.Any]:
        """Return the attributes of an entity of which nothing is known but its key."""
        if self.kind == "lv":
            return {**dict.fromkeys(LV_ATTRIBUTES), "host": self.host, "vg": self.parts[1], "lv": self.parts[2], "tags": [], "stack": []}
        if self.kind == "vg":
            return {**dict.fromkeys(VG_ATTRIBUTES), "host": self.host, "vg": self.parts[1], "tags": [], "pvs": [], "shared_with": []}
        if self.kind in ("node", "guest"):
            return {"cluster": self.parts[0], "name" if self.kind == "node" else "id": "/".join(self.parts[1:])}
        if self.kind == "storage":
            node = self.parts[1] if len(self.parts) == 3 else None
            return {"cluster": self.parts[0], "node": node, "name": self.parts[-1], "shared": node is None}
        return {}


def parse_key(text: str) -> Key:
    """Take an entity key apart.

    :raises InputError: if it has none of the known forms.
    """
    kind, colon, rest = text.partition(":")
    parts = tuple(rest.split("/"))
    names = all(is_name(part) for part in parts[1:])
    valid = bool(colon) and is_host(parts[0]) and names
    if valid and kind == "host" and len(parts) == 1:
        return Key(text, kind, parts[0], parts)
    if valid and ((kind == "lv" and len(parts) == 3) or (kind == "vg" and len(parts) == 2)):
        return Key(text, kind, parts[0], parts)
    if valid and kind in ("node", "kpi") and len(parts) == 2:
        return Key(text, kind, None, parts)
    if valid and kind == "storage" and len(parts) in (2, 3):
        return Key(text, kind, None, parts)
    if valid and kind == "guest" and guest_key(parts[0], "/".join(parts[1:])) is not None:
        return Key(text, kind, None, parts)
    raise InputError(f"{text!r} is no entity key; needed is one of {FORMS} (O(entity)).")
