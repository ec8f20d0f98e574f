# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a thin pool is not extended, who else does it, and which snapshots will be lost."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.pools import METADATA_MOST, Pool
from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Refusal = dict[str, t.Any]

# With one of these a pool does not get what it wants, now or ever.
CANNOT_GROW = frozenset({"no_space", "max_bytes", "pool_limit", "metadata_limit"})
_HAND_OVER = (
    "activation/thin_pool_autoextend_threshold = 100 in lvm.conf or in its metadata profile (or lvchange --monitor n), "
    "so that foresight.capacity extends it alone; or leave it to dmeventd and take it out of the policy"
)


def in_words(refusal: Refusal, pool: Pool, group: Group) -> Refusal:
    """Return a refusal that speaks of the pool, with what only pools are refused for in full sentences."""
    if refusal["reason"] == "dmeventd_in_charge":
        return _written(refusal, _dmeventd(pool, group), _HAND_OVER, "none")
    if refusal["reason"] == "pool_damaged":
        return _written(
            refusal, "its metadata are read-only or it has failed (lvs -o lv_attr)", "lvconvert --repair, with its volumes inactive", "none"
        )
    return {**refusal, "entity": pool.entity}


def _written(refusal: Refusal, seen: str, needed: str, option: str) -> Refusal:
    message = f"Cannot grow {refusal['entity']}: {seen}. Needed: {needed}."
    return {**refusal, "seen": seen, "needed": needed, "option": option, "message": message}


def _dmeventd(pool: Pool, group: Group) -> str:
    told = pool.autoextend or {}
    threshold, step = told.get("threshold"), told.get("step")
    by = f"by {step:.0%}" if step is not None else "by a step that could not be read"
    at = f"at {threshold:.0%}" if threshold is not None else "at a threshold that could not be read"
    with_command = f" with {told['command']}" if told.get("command") else ""
    text = f"dmeventd is in charge: it extends it {by} {at}{with_command}"
    amount = 0 if step is None else -(-int(pool.data.size_bytes * step) // group.extent_bytes) * pool.data.copies
    if amount > group.extents_free:
        free = format_bytes(group.extents_free * group.extent_bytes)
        text += f", but its next step needs {format_bytes(amount * group.extent_bytes)} and {group.vg} has {free} free"
    return text


def not_named(pool: Pool) -> Refusal:
    """Return the refusal of a pool that only a pattern fits (rule 12)."""
    seen, needed = "it is a thin pool, which a pattern does not name", f"an entry with its own key (match: {pool.entity})"
    return _refusal(pool, "pool_not_named", seen, needed, "manage[].match", f"Cannot grow {pool.entity}: {seen}. Needed: {needed}.")


def metadata_limit(pool: Pool) -> Refusal:
    """Return the refusal of more metadata than LVM can use."""
    size = pool.metadata.size_bytes if pool.metadata else None
    most = format_bytes(METADATA_MOST)
    message = f"Cannot grow the metadata of {pool.entity} as far as they need: LVM uses at most {most}. A new pool with larger chunks would need less."
    return _refusal(pool, "metadata_limit", size, METADATA_MOST, "none", message)


def data_limit(pool: Pool) -> Refusal:
    """Return the refusal of more data than the largest metadata can address."""
    most = pool.most_data or 0
    message = (
        f"Cannot grow {pool.entity} beyond {format_bytes(most)}: that is what its chunks of {format_bytes(pool.chunk or 0)} can address "
        f"with the largest metadata ({format_bytes(METADATA_MOST)})."
    )
    return _refusal(pool, "pool_limit", pool.data.size_bytes, most, "none", message)


def overprovisioned(pool: Pool) -> Refusal:
    """Return the warning of a pool that its volumes can fill and that cannot be extended as far as it needs."""
    size, virtual = pool.data.size_bytes, pool.virtual or 0
    early, likely = pool.runway.get("0.1"), pool.runway.get("0.5")
    dates = [
        f"{word} in {format_duration(int(when))}" for word, when in (("at the earliest", early), ("likely", likely)) if when is not None
    ]
    when = f"; full {', '.join(dates)}" if dates else ""
    fastest = ""
    if pool.fastest and pool.fastest.get("entity"):
        rate = format_bytes(int(pool.fastest.get("bytes_per_day") or 0))
        fastest = f" {pool.fastest['entity']} grows fastest, by {rate} a day."
    seen = f"{format_bytes(virtual)} of volumes on {format_bytes(size)} ({virtual / size:.1f} times)"
    message = f"{pool.entity} is over-provisioned, {seen}, and cannot be extended as far as it needs{when}.{fastest}"
    needed = "space in its VG, a larger maximum, or less in its volumes (fstrim gives back what was deleted)"
    return _refusal(pool, "overprovisioned", seen, needed, "none", message)


def _refusal(pool: Pool, reason: str, seen: t.Any, needed: t.Any, option: str, message: str) -> Refusal:
    return {
        "entity": pool.entity,
        "host": pool.data.host,
        "reason": reason,
        "seen": seen,
        "needed": needed,
        "option": option,
        "message": message,
    }


def overflowing(documents: t.Any, policy: Policy) -> list[Refusal]:
    """Return a warning for each copy-on-write snapshot that has overflowed, is nearly full, or may be full within its runway's horizon.

    :param documents: as of the field `snapshots` of the lookup `volumes`.
    :raises InputError: for anything but a list of such documents.
    """
    if not isinstance(documents, list):
        raise InputError(
            f"snapshots is {type(documents).__name__}; needed is a list as of the lookup foresight.capacity.volumes (O(snapshots))."
        )
    found = []
    for number, document in enumerate(documents, start=1):
        fields = Fields(document, f"Snapshot {number} of {len(documents)}", "snapshots[]")
        told = _overflow(fields, policy)
        if told is not None:
            seen, sentence = told
            entity = fields.text("entity")
            found.append(
                {
                    "entity": entity,
                    "host": fields.text("host"),
                    "reason": "snapshot_overflow",
                    "seen": seen,
                    "needed": "lvextend by hand, or its removal once it has served",
                    "option": "none",
                    "message": f"{sentence} Snapshots are never changed here{_watcher(fields)}.",
                }
            )
    return found


def _overflow(fields: Fields, policy: Policy) -> tuple[str, str] | None:
    entity, size, used = fields.text("entity"), fields.count("size_bytes", least=1), fields.optional_count("used_bytes")
    if fields.flag("overflowed", False):
        return "overflowed", f"{entity} has overflowed: what it kept is lost, and only its removal is left."
    if not fields.flag("can_fill", True):
        return None
    runway = fields.inner("runway")
    seconds = (runway.document.get("seconds") or {}) if runway else {}
    dates = [
        f"{word} {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(policy.now + seconds[name]))}"
        for word, name in (("at the earliest", "0.1"), ("likely", "0.5"))
        if seconds.get(name) is not None
    ]
    full = f"{used / size:.0%} of {format_bytes(size)} full" if used is not None else f"{format_bytes(size)} large"
    if dates:
        return full, f"{entity} is {full} and overflows {', '.join(dates)}; then what it keeps is lost."
    if used is not None and 1 - used / size < policy.floor.free_fraction:
        return full, f"{entity} is {full}; when it overflows, what it keeps is lost."
    return None


def _watcher(fields: Fields) -> str:
    autoextend = fields.inner("autoextend")
    told = autoextend.document if autoextend else {}
    threshold, step = told.get("threshold"), told.get("step")
    if told.get("monitored") and threshold is not None and threshold < 1:
        return f"; dmeventd extends it by {step or 0:.0%} at {threshold:.0%}"
    return "; dmeventd does not extend it (activation/snapshot_autoextend_threshold)"
