# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan and its actions are called: digests of their content."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError

SCHEMA = "foresight.plan/1"
NOT_IN_ID = frozenset({"id", "created_at", "expires_at"})

Document = dict[str, t.Any]


def canonical(value: t.Any) -> bytes:
    """Return value as canonical JSON: sorted keys, no white space, UTF-8.

    :raises PlanError: for what JSON cannot say (NaN, infinity, keys of mixed types, lone surrogates, foreign objects).
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
        raise PlanError(f"A plan holds JSON only (text, finite numbers, lists, maps with text keys): {error}.") from error


def digest(value: t.Any) -> str:
    """Return the sha256 of the canonical JSON of value, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def plan_id(document: t.Mapping[str, t.Any]) -> str:
    """Return the id that a plan document must carry: the digest of all of it except id, created_at and expires_at."""
    return digest({key: value for key, value in document.items() if key not in NOT_IN_ID})


def action_id(action: t.Mapping[str, t.Any]) -> str:
    """Return the id of an action: the first 16 digits of the digest of its kind, target, from and to."""
    return digest([action["kind"], action["target"], action["from"], action["to"]])[:16]


def inventory_digest(hosts: t.Iterable[str]) -> str:
    """Return the digest by which an inventory is known: that of its sorted host names."""
    return digest(sorted(set(hosts)))
