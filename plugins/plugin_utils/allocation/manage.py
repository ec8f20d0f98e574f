# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes the policy names, and with which limits (rule 12: everything is observed, changing is opt-in)."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import check_exclude, is_exact, matches
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import parse_bytes

_KNOWN = ("match", "min", "max", "priority", "allow_shrink", "allow_unmount")


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `manage`: a glob or JMESPath expression and the limits of the volumes it chooses, sizes in bytes."""

    match: str
    min_bytes: int | None = None
    max_bytes: int | None = None
    priority: float = 1.0
    allow_shrink: bool = False
    allow_unmount: bool = False


def read_manage(entries: t.Any) -> list[Entry]:
    """Return the entries of `manage`, sizes as texts (`20 GiB`) or bytes.

    :raises InputError: for anything but a list of mappings with known keys and a match each.
    """
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise InputError(
            f"manage is {type(entries).__name__}; needed is a list of mappings such as {{match: 'lv:web1/vg0/*'}} (O(manage))."
        )
    return [_entry(Fields(entry, f"Entry {number} of manage", "manage[]")) for number, entry in enumerate(entries, start=1)]


@dataclasses.dataclass(frozen=True, slots=True)
class Naming:
    """What one host's policy names: entries of `manage`, expressions of `exclude`, and the reserve of its VGs.

    :ivar host: the host whose own policy it is, which need not be part of its expressions (`vg0/data`); None for a policy of all hosts.
    """

    entries: Sequence[Entry]
    exclude: Sequence[str]
    reserve: Callable[[int, int], int]
    host: str | None = None

    def choose(self, key: str, attributes: Mapping[str, t.Any]) -> tuple[Entry | None, bool]:
        """Return the entry that holds for an entity, and whether it is named exactly.

        An entry that names the entity by its own key goes before patterns; among those the first that matches holds, alone.
        """
        names = self._names(key)
        for entry in self.entries:
            if any(is_exact(entry.match, name) for name in names):
                return entry, True
        return next((entry for entry in self.entries if self.fits(entry.match, key, attributes)), None), False

    def fits(self, expression: str, key: str, attributes: Mapping[str, t.Any]) -> bool:
        """Return whether an expression of this policy is about an entity."""
        return any(matches(expression, name, attributes) for name in self._names(key))

    def excludes(self, key: str, attributes: Mapping[str, t.Any]) -> bool:
        """Return whether an entity is left out, whatever `manage` says."""
        return any(self.fits(expression, key, attributes) for expression in self.exclude)

    def _names(self, key: str) -> list[str]:
        prefix = f"lv:{self.host}/"
        return [key, f"lv:{key[len(prefix) :]}"] if self.host is not None and key.startswith(prefix) else [key]


def read_naming(manage: t.Any, exclude: t.Any, reserve: t.Any, host: str | None = None) -> Naming:
    """Return what a policy names.

    :raises InputError: for a wrong entry, expression or reserve.
    """
    return Naming(read_manage(manage), _read_exclude(exclude), read_reserve(reserve), host)


def _read_exclude(exclude: t.Any) -> list[str]:
    if exclude is None:
        return []
    if isinstance(exclude, str) or not all(isinstance(expression, str) for expression in exclude):
        raise InputError(f"exclude is {exclude!r:.60}; needed is a list of globs or JMESPath expressions (O(exclude)).")
    check_exclude(exclude)
    return list(exclude)


def read_reserve(value: t.Any) -> Callable[[int, int], int]:
    """Return a function of a VG's extents and their bytes that gives the extents to keep free.

    :param value: a fraction of the VG such as `5%`, or an amount such as `10 GiB` or a number of bytes. Rounded up to whole extents.
    :raises InputError: for anything else.
    """
    if isinstance(value, str) and value.strip().endswith("%"):
        percent = _percent(value)
        return lambda extents, _extent_bytes: -int(-extents * percent // 100)
    if isinstance(value, float) and 0 < value < 1:
        raise InputError(
            f"The reserve is {value}; needed is a percentage such as '{value * 100:g}%' or an amount such as '10 GiB' (O(reserve))."
        )
    amount = parse_bytes(value, option="reserve")
    return lambda _extents, extent_bytes: -(-amount // extent_bytes)


def _percent(value: str) -> float:
    try:
        percent = float(value.strip()[:-1])
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise InputError(f"The reserve is {value!r}; needed is a percentage from 0% to 100%, or an amount such as '10 GiB' (O(reserve)).")
    return percent


def _entry(fields: Fields) -> Entry:
    fields.only(_KNOWN)
    match = fields.text("match")
    if match.startswith("!"):
        raise fields.wrong("match", match, "an expression that chooses; what is to be left out goes to O(exclude)")
    entry = Entry(
        match=match,
        min_bytes=_size(fields, "min"),
        max_bytes=_size(fields, "max"),
        priority=fields.number("priority", 1.0, above=0),
        allow_shrink=fields.flag("allow_shrink", False),
        allow_unmount=fields.flag("allow_unmount", False),
    )
    if entry.min_bytes is not None and entry.max_bytes is not None and entry.min_bytes > entry.max_bytes:
        raise fields.wrong("min", fields.document["min"], f"at most max, which is {fields.document['max']}")
    return entry


def _size(fields: Fields, key: str) -> int | None:
    return parse_bytes(fields.document[key], option=f"{fields.option}.{key}") if fields.has(key) else None
