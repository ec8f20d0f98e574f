# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limit of a series that its entity has by nature, and the bounds of a metric's values."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import parse_bytes

_CAPACITIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "used_bytes": (("fs", "usable"), ("fs", "size"), ("size_bytes",)),
    "inodes_used": (("fs", "inodes"),),
    "data_used_bytes": (("size_bytes",),),
    "metadata_used_bytes": (("metadata_size",),),
    "snapshot_used_bytes": (("size_bytes",),),
    "filesystem_used_bytes": (("filesystem_total_bytes",),),
    "memory_bytes": (("memory_limit_bytes",), ("memory_total_bytes",)),
    "swap_bytes": (("swap_total_bytes",),),
    "cpu_cores": (("cpu_cores_limit",), ("cores",)),
    "pids": (("pids_limit",),),
}
_SHARES = ("_fraction", "_pressure")


class Limit(t.NamedTuple):
    """Where the runway ends: a value of the metric, by nature (`capacity`) or because somebody says so (`policy`)."""

    value: float
    kind: str


def bounds(metric: str) -> tuple[float, float | None]:
    """Return the smallest and the largest value that a metric can have; None = no largest."""
    return 0.0, 1.0 if metric.endswith(_SHARES) else None


def capacity(metric: str, attributes: Mapping[str, t.Any]) -> float | None:
    """Return what an entity holds of a metric at most, from its attributes; None = unknown."""
    if metric.endswith(_SHARES):
        return 1.0
    for path in _CAPACITIES.get(metric, ()):
        value: t.Any = attributes
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
            return float(value)
    return None


class LimitRule:
    """What the option `limit` says: `capacity`, `none`, a share of the capacity such as `80%`, or a value such as `40 GiB`.

    :raises InputError: for anything else.
    """

    def __init__(self, text: str | float | None) -> None:
        self._share, self._value, self._kind = None, None, "policy"
        plain = str(text).strip().lower() if isinstance(text, str) else text
        if plain in (None, "", "none"):
            return
        if plain == "capacity":
            self._share, self._kind = 1.0, "capacity"
        elif isinstance(plain, str) and plain.endswith("%"):
            self._share = _number(plain[:-1], text) / 100.0
        else:
            self._value = _number(plain, text)

    def of(self, metric: str, attributes: Mapping[str, t.Any]) -> Limit | None:
        """Return the limit of one entity, or None where there is none or its capacity is not known."""
        if self._value is not None:
            return Limit(self._value, self._kind)
        whole = capacity(metric, attributes) if self._share is not None else None
        return Limit(whole * self._share, self._kind) if whole is not None and self._share is not None else None


def _number(plain: t.Any, seen: t.Any) -> float:
    try:
        value = float(plain)
    except (TypeError, ValueError):
        try:
            value = float(parse_bytes(plain))
        except InputError:
            value = math.nan
    if isinstance(plain, bool) or not 0 < value < math.inf:
        raise InputError(
            f"{seen!r} is no limit; needed is capacity, none, a share of the capacity such as 80%, or a value such as 40 GiB (O(limit))."
        )
    return value
