# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which actions of a plan may run now: the rules that hold whatever the plan says. Pure; the workflow asks the store."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import over_budget, tightest
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import utc
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.order import Falling
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import check_exclude, is_query, matches

Action = dict[str, t.Any]
TRUSTED_FORECASTS = ("ok", None)
_FORGET = " (a host that no longer exists: ansible-playbook -i INVENTORY foresight.capacity.forget -e foresight_forget=HOST)"


class Verdict(t.NamedTuple):
    """Why an action may not run; `pending` may run another time."""

    reason: str
    message: str
    pending: bool = False


@dataclasses.dataclass(frozen=True)
class Terms:
    """What holds for this run.

    :param now: UTC seconds.
    :param inventory: every host of the inventory.
    :param play: hosts that --limit left in the play, dead ones included.
    :param reachable: hosts of the play that still answer.
    :param exclude: globs or JMESPath expressions over targets and hosts.
    :param stopped: why nothing may run (kill switch, expiry, too many failures), or None.
    :param budgets: limits of this run; the plan's own hold besides.
    :param attributes: what the store knows of each target and host, by entity key.
    """

    now: int
    inventory: frozenset[str]
    play: frozenset[str]
    reachable: frozenset[str]
    exclude: tuple[str, ...]
    stopped: Verdict | None
    budgets: t.Mapping[str, t.Any]
    attributes: t.Mapping[str, t.Mapping[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Decision:
    """Actions that may run, and entries {action, host, target, reason, message} of those that may not, or not in this run."""

    granted: list[Action]
    pending: list[dict[str, t.Any]]
    refused: list[dict[str, t.Any]]


def decide(document: t.Mapping[str, t.Any], terms: Terms) -> Decision:
    """Return which actions of a valid plan may run, in the plan's order.

    :raises InputError: for an exclude expression that cannot be read, so that nothing runs by mistake.
    """
    check_exclude(terms.exclude)
    verdicts = _verdicts(document["actions"], terms, frozenset())
    actions: list[Action] = document["actions"]
    candidates = [action for action in actions if action["id"] not in verdicts]
    for own, excess in over_budget(candidates, tightest(document["budgets"], terms.budgets)).items():
        verdicts[own] = Verdict("budget", excess.message)
    return _decision(actions, verdicts)


def decide_host(document: t.Mapping[str, t.Any], host: str, withheld: t.Collection[str], terms: Terms) -> Decision:
    """Return which actions one host gets, when the gate was opened before: those not withheld then, judged once more.

    :param withheld: ids of the actions that the open gate did not grant; they are in none of the answer's lists.
    """
    actions = [action for action in document["actions"] if action["host"] == host]
    verdicts = _verdicts(actions, terms, withheld)
    return _decision([action for action in actions if action["id"] not in withheld], verdicts)


def _verdicts(actions: t.Sequence[Action], terms: Terms, withheld: t.Collection[str]) -> dict[str, Verdict]:
    """Return why actions do not run, budgets apart: each for itself, or because of another one it depends on."""
    by_id = {action["id"]: action for action in actions}
    verdicts: dict[str, Verdict] = {}
    falling = Falling()
    for action in actions:
        verdict = Verdict("withheld", "The open gate did not grant it.") if action["id"] in withheld else verdict_of(action, terms)
        cause = falling.cause(action)
        if verdict is None and cause is not None:
            verdict = _dependent(by_id[cause], verdicts[cause])
        if verdict is not None:
            verdicts[action["id"]] = verdict
            falling.take_out(action)
    return verdicts


def _decision(actions: t.Sequence[Action], verdicts: t.Mapping[str, Verdict]) -> Decision:
    entries = [(_entry(action, verdicts[action["id"]]), verdicts[action["id"]].pending) for action in actions if action["id"] in verdicts]
    return Decision(
        granted=[action for action in actions if action["id"] not in verdicts],
        pending=[entry for entry, pending in entries if pending],
        refused=[entry for entry, pending in entries if not pending],
    )


def verdict_of(action: Action, terms: Terms) -> Verdict | None:
    """Return why this action may not run now, looking at nothing but itself and the terms, or None."""
    host, target = action["host"], action["target"]
    if terms.stopped is not None:
        return terms.stopped
    excluding = next((text for text in terms.exclude if _excludes(text, action, terms)), None)
    if excluding is not None:
        return Verdict("excluded", f"{target} is excluded by {excluding!r} (O(exclude)).")
    if host not in terms.inventory:
        return Verdict("not_in_inventory", f"{host} is no host of this inventory; needed is the inventory the plan was made for (-i).")
    if any(terms.attributes.get(key, {}).get("recorded") is not None for key in (f"host:{host}", target)):
        return Verdict("recorded_host", f"{host} is known from a recording only, so nothing is changed on it (foresight_facts_from).")
    others = terms.attributes.get(group_of(action) or "", {}).get("shared_with")
    if others:
        return Verdict("shared_vg", f"The VG of {target} is seen on {', '.join(others)} too; shared groups are never changed{_FORGET}.")
    status = (action.get("forecast") or {}).get("status")
    if status not in TRUSTED_FORECASTS and action["reason"] != "floor":
        return Verdict(str(status), f"The forecast of {target} is {status}; only a floor may act without a good forecast.")
    if host not in terms.play:
        return Verdict("not_in_play", f"{host} is left out of this run (--limit).", pending=True)
    if host not in terms.reachable:
        return Verdict("unreachable", f"{host} does not answer.", pending=True)
    window = action.get("window") or {}
    start, end = window.get("not_before"), window.get("not_after")
    if start is not None and terms.now < start:
        return Verdict("outside_window", f"{target} may be changed from {utc(start)} on; it is {utc(terms.now)}.", pending=True)
    if end is not None and terms.now >= end:
        return Verdict("outside_window", f"{target} could be changed until {utc(end)}; it is {utc(terms.now)}. Plan again.")
    return None


def group_of(action: t.Mapping[str, t.Any]) -> str | None:
    """Return the entity key of the VG that an action takes extents from, or None."""
    return "vg:" + action["target"].removeprefix("lv:").rpartition("/")[0] if action["kind"] == "lv_resize" else None


def _excludes(text: str, action: Action, terms: Terms) -> bool:
    host = action["host"]
    targets = [action["target"]]
    if action["kind"] == "lv_resize":
        targets.append(f"lv:{action['target'].removeprefix(f'lv:{host}/')}")  # vg0/data, as in a host's own policy
    known = {**terms.attributes.get(action["target"], {}), "host": host}
    if any(matches(text, target, known) for target in targets):
        return True
    # a query is about the target: a host has no tags, and one that fails there would stop everything
    return not is_query(text) and any(matches(text, key, {}) for key in (f"host:{host}", group_of(action)) if key is not None)


def _dependent(cause: Action, verdict: Verdict) -> Verdict:
    return Verdict(
        "depends_on_refused", f"It must come after the action on {cause['target']}, which does not run ({verdict.reason}).", verdict.pending
    )


def _entry(action: Action, verdict: Verdict) -> dict[str, t.Any]:
    return {
        "action": action["id"],
        "host": action["host"],
        "target": action["target"],
        "reason": verdict.reason,
        "message": verdict.message,
    }
