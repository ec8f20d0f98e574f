# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the allocator, and reads its answer; for its tests."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate

GIB = 2**30
MIB = 2**20
EXTENT = 4 * MIB
NOW = 1_763_700_000


def ask(volumes, groups, pools=None, **policy):
    """Return the answer to what is needed and no more, unless the policy says otherwise."""
    return allocate(volumes, groups, {"now": NOW, "min_growth_fraction": 0, **policy}, pools)


def grown(answer):
    return {action["target"]: (action["to"]["size"] - action["from"]["size"]) // EXTENT for action in answer["actions"]}


def reasons(answer):
    return [(refusal["entity"], refusal["reason"]) for refusal in answer["refused"]]
