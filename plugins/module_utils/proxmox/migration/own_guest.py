# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guest that this process runs in, which it never moves: found by the addresses of its network cards and by its SMBIOS UUID."""

from __future__ import annotations

import os
import re
import typing as t
import uuid
from contextlib import suppress

_MAC = re.compile(r"(?<![0-9A-F:])[0-9A-F]{2}(?::[0-9A-F]{2}){5}(?![0-9A-F:])", re.I)
_CARD = re.compile(r"net\d+")
_SMBIOS = re.compile(r"(?:^|,)uuid=([0-9a-fA-F-]{36})")
# Of loopback, and of cards that have none.
_NO_ADDRESS = "00:00:00:00:00:00"


class Identity(t.NamedTuple):
    """What this machine knows of itself. An unprivileged user may not read the UUID, nor does a container have one of its own."""

    addresses: t.FrozenSet[str]
    uuid: t.Optional[str]


def read_identity(root: str = "/") -> Identity:
    """Read it from the kernel."""
    cards = os.path.join(root, "sys/class/net")
    addresses = set()
    with suppress(OSError):
        addresses = {_line(os.path.join(cards, name, "address")) for name in os.listdir(cards)}
    told = _line(os.path.join(root, "sys/class/dmi/id/product_uuid"))
    return Identity(frozenset(addresses - {"", _NO_ADDRESS}), told or None)


def _line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip().lower()
    except OSError:
        return ""


def runs_in(identity: Identity, config: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """What shows that this process runs in the guest of a configuration; None for any other.

    A guest that reaches an API has a network card, so the cards alone are enough outside of nested containers.
    """
    for key, value in config.items():
        if _CARD.fullmatch(key):
            same = identity.addresses.intersection(match.lower() for match in _MAC.findall(str(value)))
            if same:
                return f"the address {min(same)} of its {key} is one of this machine's"
    found = _SMBIOS.search(str(config.get("smbios1", "")))
    if found and identity.uuid is not None and identity.uuid in _spellings(found[1]):
        return f"its SMBIOS UUID {found[1].lower()} is this machine's"
    return None


def _spellings(text: str) -> t.Set[str]:
    """A UUID in both orders of bytes: firmware and kernel do not always agree."""
    try:
        told = uuid.UUID(text)
    except ValueError:
        return set()
    return {str(told), str(uuid.UUID(bytes=told.bytes_le))}
