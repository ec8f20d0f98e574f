# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every plan document must satisfy before anything is done with it."""

from __future__ import annotations

import functools
import json
import pathlib
import re
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.budgets import over_budget
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.identity import action_id, canonical, plan_id
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.schema import Check, Compiler

SCHEMA_FILE = pathlib.Path(__file__).with_name("plan.schema.json")

_SECRET_KEY = re.compile(r'"([A-Za-z_-]*(?:password|passwd|passphrase|secret|api_key|private_key|token)[A-Za-z_-]*)":', re.IGNORECASE)
_SECRET_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@\"]+:[^/\s@\"]+@", re.IGNORECASE)


@functools.cache
def _check() -> Check:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return Compiler(schema).compile(schema)


def validate_plan(document: t.Any, *, source: str = "The plan") -> None:
    """Check shape, id, references, order, budgets and dates of a plan.

    :param source: what the message calls the plan, such as the name of its file.
    :raises PlanError: naming the first thing that is wrong.
    """
    failure = _check()(document)
    if failure is not None:
        raise PlanError(f"{source} is not a valid foresight.plan/1: {failure}.")
    text = canonical(document).decode("utf-8")
    refuse_secrets(text, source)
    seen = plan_id(document)
    if seen != document["id"]:
        raise PlanError(
            f"{source} was changed after it was made: its id is {document['id'][:12]}…, its content has {seen[:12]}…. "
            "A plan is immutable. To get another plan change the policy (role variables such as volumes_manage) and plan again; "
            "to keep single targets out of this one use O(exclude) (foresight_exclude)."
        )
    _check_dates(document, source)
    _check_actions(document, source)
    excess = over_budget(document["actions"], document["budgets"])
    if excess:
        worst = next(iter(excess.values()))
        raise PlanError(f"{source} exceeds its own budget: {worst.message}")


def refuse_secrets(text: str, source: str) -> None:
    """Refuse a JSON text that carries a secret: a key that is called like one, or a URL with a password.

    :raises PlanError: naming the key, never the value.
    """
    key = _SECRET_KEY.search(text)
    if key:
        raise PlanError(f"{source} holds the key {key.group(1)!r}; secrets never enter a plan. Take it out of the documents given to plan.")
    if _SECRET_URL.search(text):
        raise PlanError(f"{source} holds a URL with a password; secrets never enter a plan. Take it out of the documents given to plan.")


def _check_dates(document: t.Mapping[str, t.Any], source: str) -> None:
    if document["expires_at"] <= document["created_at"]:
        raise PlanError(
            f"{source} expires at {document['expires_at']}, not after it was made at {document['created_at']} (O(expires_seconds))."
        )


def _check_actions(document: t.Mapping[str, t.Any], source: str) -> None:
    hosts = set(document["scope"]["hosts"])
    by_id: dict[str, t.Mapping[str, t.Any]] = {}
    by_target: dict[str, t.Mapping[str, t.Any]] = {}
    waves: dict[str, int] = {}
    for action in document["actions"]:
        name = f"{source}: the action on {action['target']}"
        if action["id"] != action_id(action):
            raise PlanError(
                f"{name} has the id {action['id']}; needed is {action_id(action)}, the digest of its kind, target, from and to."
            )
        if action["id"] in by_id:
            raise PlanError(f"{name} is there twice.")
        if action["host"] not in hosts:
            raise PlanError(f"{name} is for the host {action['host']}, which is not in the plan's scope.")
        if action["kind"] == "lv_resize" and action["target"].split(":", 1)[1].split("/")[0] != action["host"]:
            raise PlanError(f"{name} is for the host {action['host']}; a volume is changed on its own host.")
        # a volume may already have its size while its file system does not: then lv_resize only finishes
        if action["from"] == action["to"] and action["kind"] != "lv_resize":
            raise PlanError(f"{name} changes nothing: from and to are equal.")
        _check_after(action, by_id, name)
        _check_target(action, by_target, name)
        _check_window(action, name)
        if action.get("wave", 0) < waves.get(action["host"], 0):
            raise PlanError(f"{name} belongs to wave {action.get('wave', 0)} but stands after wave {waves[action['host']]} of its host.")
        waves[action["host"]] = action.get("wave", 0)
        by_id[action["id"]] = by_target[action["target"]] = action


def _check_after(action: t.Mapping[str, t.Any], earlier: t.Mapping[str, t.Mapping[str, t.Any]], name: str) -> None:
    for first in action["after"]:
        if first not in earlier:
            raise PlanError(f"{name} comes after {first}, which is no earlier action of the plan.")
        if earlier[first]["host"] != action["host"]:
            raise PlanError(
                f"{name} comes after {first}, an action of another host ({earlier[first]['host']}); only those of one host are ordered."
            )


def _check_target(action: t.Mapping[str, t.Any], earlier: t.Mapping[str, t.Mapping[str, t.Any]], name: str) -> None:
    other = earlier.get(action["target"])
    if other is None:
        return
    if action["kind"] != "guest_migrate" or other["kind"] != "guest_migrate":
        raise PlanError(f"{name} is the second one for this target; one plan changes a target once.")
    if other["to"] != action["from"] or other["id"] not in action["after"]:
        raise PlanError(
            f"{name} moves the guest a second time, but not from where, and after, the first move put it ({other['to']['node']})."
        )


def _check_window(action: t.Mapping[str, t.Any], name: str) -> None:
    window = action.get("window") or {}
    start, end = window.get("not_before"), window.get("not_after")
    if start is not None and end is not None and end <= start:
        raise PlanError(f"{name} has a window that ends ({end}) before it begins ({start}).")
