# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much one run may change: actions, bytes, growth per action. The most urgent actions are served first."""

from __future__ import annotations

import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.order import Falling, growth_bytes, growths, moved_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

KEYS = ("actions", "bytes", "growth_bytes", "growth_fraction", "failures")
OPTIONS = {key: {"type": "float" if key == "growth_fraction" else "int"} for key in KEYS}
"""The same as suboptions of a plugin's argument spec."""

Action = dict[str, t.Any]
Budgets = dict[str, t.Any]


class Excess(t.NamedTuple):
    """Why an action does not fit: which budget, what it would need, what there is."""

    budget: str
    seen: float
    needed: float
    message: str


def complete(budgets: t.Mapping[str, t.Any] | None) -> Budgets:
    """Return budgets with every key; null is no limit.

    :raises PlanError: for an unknown key or a limit that is not a number ≥ 0.
    """
    given = dict(budgets or {})
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise PlanError(f"Unknown budget {unknown[0]!r}; known are {', '.join(KEYS)} (O(budgets)).")
    for key, value in given.items():
        whole = key != "growth_fraction"
        kinds = (int,) if whole else (int, float)
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or value < 0):
            raise PlanError(
                f"The budget {key} is {value!r}; needed is a {'whole number' if whole else 'number'} ≥ 0, or null for no limit (O(budgets))."
            )
    return {key: given.get(key) for key in KEYS}


def tightest(*budgets: t.Mapping[str, t.Any]) -> Budgets:
    """Return the smaller limit of each budget (null is no limit)."""
    return {key: min((one[key] for one in budgets if one[key] is not None), default=None) for key in KEYS}


def over_budget(actions: t.Sequence[Action], budgets: t.Mapping[str, t.Any]) -> dict[str, Excess]:
    """Return the actions that do not fit the budgets, with the reason: {action id: excess}.

    Actions are served in the given order. One that is too large is passed over and later, smaller ones may still fit; what
    depends on a refused one falls with it.

    :param actions: most urgent first (order.ordered).
    """
    excess: dict[str, Excess] = {}
    falling = Falling()
    count, volume = 0, 0
    for action in actions:
        size = growth_bytes(action) + moved_bytes(action)
        cause = falling.cause(action)
        problem = _dependent(cause) if cause else _too_much(action, size, count, volume, budgets)
        if problem is None:
            count, volume = count + 1, volume + size
        else:
            excess[action["id"]] = problem
            falling.take_out(action)
    return excess


def _too_much(action: Action, size: int, count: int, volume: int, budgets: t.Mapping[str, t.Any]) -> Excess | None:
    target, growth = action["target"], growth_bytes(action)
    limit = budgets["growth_bytes"]
    if limit is not None and growth > limit:
        return Excess(
            "growth_bytes",
            growth,
            limit,
            f"{target} would grow by {format_bytes(growth)}; one action may grow {format_bytes(limit)} (O(budgets.growth_bytes)).",
        )
    fraction = budgets["growth_fraction"]
    for what, before, more in growths(action) if fraction is not None else ():
        if more > fraction * before:
            share = f"{more / before:.0%} of its size" if before else f"{format_bytes(math.ceil(more))}, and its size is not told"
            return Excess(
                "growth_fraction",
                more / before if before else math.inf,
                fraction,
                f"{what} would grow by {share}; one action may grow {fraction:.0%} (O(budgets.growth_fraction)).",
            )
    limit = budgets["actions"]
    if limit is not None and count + 1 > limit:
        return Excess(
            "actions", count + 1, limit, f"{target} would be action {count + 1} of this plan; it may hold {limit} (O(budgets.actions))."
        )
    limit = budgets["bytes"]
    if limit is not None and size and volume + size > limit:
        return Excess(
            "bytes",
            volume + size,
            limit,
            f"{target} would bring the bytes of this plan to {format_bytes(volume + size)}; it may move and allocate {format_bytes(limit)} (O(budgets.bytes)).",
        )
    return None


def _dependent(cause: str) -> Excess:
    return Excess("depends_on_refused", 0, 0, f"It depends on the action {cause}, which does not fit the budget (O(budgets)).")
