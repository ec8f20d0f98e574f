# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times, sizes and plan entries as words for people."""

from __future__ import annotations

import time
import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = Mapping[str, t.Any]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def moment(seconds: float | None) -> str:
    """Return a time as `2026-11-21 10:30 UTC`."""
    return "–" if seconds is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def from_now(seconds: float, now: int) -> str:
    """Return how far a time is away: `in 2h 30m`, `5m ago`, `now`; from ten minutes on in whole minutes."""
    away = round(seconds - now)
    if abs(away) >= 600:
        away = round(away / 60) * 60
    if abs(away) < 60:
        return "now"
    return f"in {format_duration(away)}" if away > 0 else f"{format_duration(-away)} ago"


def axis_unit(values: Iterable[float | None]) -> tuple[str, float]:
    """Return the unit in which the largest of these bytes is at least one, and the bytes of that unit."""
    largest = max((value for value in values if value is not None), default=0.0)
    power = 0
    while largest >= 1024 and power < len(_UNITS) - 1:
        largest, power = largest / 1024, power + 1
    return _UNITS[power], float(1024**power)


def change_text(action: Document) -> str:
    """Return what an action or a proposal does: `8 GiB → 12 GiB` for a resize."""
    before, after = (action.get(key) or {} for key in ("from", "to"))
    if action.get("kind") == "vg_extend" and action.get("bytes") is not None:
        return f"add {after} to the VG" if isinstance(after, str) else f"add {format_bytes(action['bytes'])} to the VG"
    if action.get("kind") == "lv_move":
        return f"move from {before} to {after}"
    if "node" in after:
        return f"{before.get('node', '?')} → {after['node']}"
    if "size" in after:
        parts = [_sizes(before, after, "size")] if before.get("metadata_size") is None or before.get("size") != after["size"] else []
        if after.get("metadata_size") is not None and after["metadata_size"] != before.get("metadata_size"):
            parts.append(f"metadata {_sizes(before, after, 'metadata_size')}")
        return ", ".join(parts) or _sizes(before, after, "size")
    return str(action.get("kind"))


def _sizes(before: Document, after: Document, key: str) -> str:
    start = before.get(key)
    return f"{format_bytes(start)} → {format_bytes(after[key])}" if start is not None else format_bytes(after[key])


def action_reason(action: Document) -> str:
    """Return why, as a sentence if there is one."""
    return str(action.get("message") or action.get("reason") or "")


def refusal_text(refusal: Document) -> str:
    """Return a refusal in one sentence: its message, or what was seen, what is needed and the option."""
    if refusal.get("message"):
        return str(refusal["message"])
    parts = [f"{word}: {refusal[word]}" for word in ("seen", "needed", "option") if refusal.get(word) is not None]
    return "; ".join([str(refusal.get("reason")), *parts])


def short_key(key: str) -> str:
    """Return an entity key without its kind."""
    return key.partition(":")[2] or key


def some(names: t.Sequence[str], most: int = 10) -> str:
    """Return the first names of a list, and how many there are besides."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def plural(count: int, noun: str) -> str:
    """Return the noun as it stands behind this number: `volume`, `volumes`."""
    return noun if count == 1 else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """Return a number of things: `1 volume`, `3 volumes`."""
    return f"{count} {plural(count, noun)}"
