# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is broken in a cluster before and after some moves, in words; found by the verifier's own reading of the document."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Facts
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import Breach

_NAMED = 4


def facts_of(document: Mapping[str, t.Any], policy: Policy) -> Facts:
    """Return what the verifier knows of a cluster document under a policy."""
    return Facts(document, policy.nodes if policy.goal == "evacuate" else (), policy.overcommit)


def breaches(facts: Facts, moves: Sequence[Mapping[str, t.Any]] = ()) -> list[Breach]:
    """Return every hard limit that is broken once some moves are done: one for each violation that `verify` counts."""
    at = {**facts.home, **{str(move["guest"]): str(move["to"]) for move in moves}}
    found = []
    for number in facts.broken(at):
        guests = sorted({name for name in facts.rules[number]["guests"] if name in at})
        nodes = tuple(sorted({at[name] for name in guests}))
        kind = facts.rules[number]["kind"]
        named = ", ".join(guests[:_NAMED]) + (f" and {len(guests) - _NAMED} more" if len(guests) > _NAMED else "")
        found.append(Breach(f"rule {number} ({kind}: {named})", tuple(guests), nodes))
    for guest, why in facts.astray(at).items():
        found.append(Breach(f"{guest} is on {at[guest]}: {why}", (guest,), (at[guest],)))
    for limit, used in facts.used(at).items():
        if limit.counted and limit.exceeded_by(used):
            share = f"{used / limit.most:.0%}" if limit.most > 0 else "more than nothing"
            found.append(Breach(f"{limit} is at {share}", (), (limit.node,)))
    return found
