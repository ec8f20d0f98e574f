# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests that are placed as one: those that strict together rules join, and those that a soft one wants together and that are."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster, Rule
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools


def join(
    cluster: Cluster, rules: Sequence[Rule], may: Bools, movable: Bools, unmet: list[tuple[int, str]]
) -> tuple[list[tuple[int, ...]], list[int]]:
    """Return the guests of each item, and those that must stay as they are because their rule cannot be met.

    What strict together rules join, directly or by a common guest, is one item. What a soft one wants together is one where it is together already:
    it is not torn apart, nor brought together.

    :param rules: strict ones first.
    :param may: [g, n] where strict rules let guests be.
    """
    strict, frozen = _strict(cluster, rules, may, movable, unmet)
    return sorted(_softly(cluster, rules, may, movable, [tuple(group) for group in strict], set(frozen))), frozen


def _strict(
    cluster: Cluster, rules: Sequence[Rule], may: Bools, movable: Bools, unmet: list[tuple[int, str]]
) -> tuple[list[list[int]], list[int]]:
    """Return the groups of strict rules, and the guests of those that cannot be met."""
    root = list(range(len(cluster.guests)))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    joined = [rule for rule in rules if rule.kind == "together" and rule.strict and len(rule.guests) > 1]
    for rule in joined:
        for guest in rule.guests[1:]:
            low, high = sorted((find(rule.guests[0]), find(guest)))
            root[high] = low
    together: dict[int, list[int]] = {}
    for guest in sorted({guest for rule in joined for guest in rule.guests}):
        together.setdefault(find(guest), []).append(guest)
    frozen: list[int] = []
    for key, group in list(together.items()):
        fixed = {int(cluster.home[guest]) for guest in group if not movable[guest]}
        places = may[group].all(axis=0)
        for node in fixed:
            places &= np.arange(len(cluster.nodes)) == node
        homes = set(cluster.home[group].tolist())
        if len(homes) == 1 and fixed:
            continue
        if not places.any():
            why = (
                "guests that must not move are on different nodes" if len(fixed) > 1 else "there is no open node that all of them may be on"
            )
            unmet += [(rule.number, why) for rule in joined if find(rule.guests[0]) == key]
            frozen += group
            del together[key]
    return list(together.values()), frozen


def _softly(
    cluster: Cluster, rules: Sequence[Rule], may: Bools, movable: Bools, groups: list[tuple[int, ...]], frozen: Collection[int]
) -> list[tuple[int, ...]]:
    """Return all items: strict groups, what soft rules keep together, and single guests."""
    home, guests = cluster.home, range(len(cluster.guests))
    item_of = {guest: group for group in groups for guest in group}
    for guest in guests:
        item_of.setdefault(guest, (guest,))
    apart = [set(rule.guests) for rule in rules if rule.kind == "apart"]
    for rule in rules:
        if rule.kind != "together" or rule.strict:
            continue
        parts: dict[tuple[int, bool, bool], set[tuple[int, ...]]] = {}
        for guest in rule.guests:
            node, item = int(home[guest]), item_of[guest]
            if guest not in frozen and (home[list(item)] == node).all():
                # Who must leave does not take those along that need not, nor waits for those that cannot.
                stays = bool(may[list(item), node].all())
                parts.setdefault((node, stays, stays or bool(movable[list(item)].all())), set()).add(item)
        for part in parts.values():
            whole = tuple(sorted(guest for item in part for guest in item))
            # Rules that contradict each other join nobody.
            if len(part) > 1 and may[list(whole)].all(axis=0).any() and not any(len(group.intersection(whole)) > 1 for group in apart):
                item_of |= dict.fromkeys(whole, whole)
    return list(dict.fromkeys(item_of[guest] for guest in guests))
