# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks a plan and what a gate hands out against the rules, from the documents alone. Shares no code with the planner.

The shape is judged by the jsonschema package and the schema file; everything else is counted anew here.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
from fractions import Fraction

import jsonschema

SCHEMA = pathlib.Path(__file__).parents[3] / "plugins" / "plugin_utils" / "planning" / "plan.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _sha(value):
    return hashlib.sha256(_json(value).encode()).hexdigest()


def grown(action):
    if action["kind"] == "guest_migrate":
        return 0
    return sum(max(0, size - (action["from"].get(part) or 0)) for part, size in action["to"].items() if takes_room(part) and size)


def takes_room(part):
    return part in ("size", "metadata_size") or part.startswith("disk.")


def too_steep(action, fraction):
    """Whether a volume, or a disk of a guest, grows by more than a fraction of what it has."""
    if action["kind"] == "lv_resize":
        steps = [(action["from"]["size"], grown(action))]
    else:
        steps = [(action["from"].get(part) or 0, grown({**action, "to": {part: size}})) for part, size in action["to"].items()]
    return any(Fraction(more) > Fraction(fraction) * Fraction(had) * (1 + Fraction(1, 10**9)) for had, more in steps if more)


def moved(action):
    if action["kind"] != "guest_migrate":
        return 0
    amount = action["cost"].get("bytes")
    if isinstance(amount, dict):
        amount = max([value for value in amount.values() if value is not None] or [0])
    return int(amount or 0)


def beyond(actions, budgets):
    """Return what a set of actions breaks of budgets."""
    found = []
    if budgets.get("actions") is not None and len(actions) > budgets["actions"]:
        found.append(f"{len(actions)} actions")
    if budgets.get("bytes") is not None and sum(grown(action) + moved(action) for action in actions) > budgets["bytes"]:
        sized = [action for action in actions if grown(action) + moved(action)]
        if sized:
            found.append("bytes")
    for action in actions:
        if budgets.get("growth_bytes") is not None and grown(action) > budgets["growth_bytes"]:
            found.append(f"growth_bytes of {action['target']}")
        fraction = budgets.get("growth_fraction")
        if fraction is not None and too_steep(action, fraction):
            found.append(f"growth_fraction of {action['target']}")
    return found


def broken_order(actions, whole):
    """Return which actions run although something before them does not, or before it.

    :param actions: what runs, in order.
    :param whole: every action of the plan.
    """
    found, position = [], {action["id"]: place for place, action in enumerate(actions)}
    for place, action in enumerate(actions):
        found += [f"{action['target']} before or without {first}" for first in action["after"] if position.get(first, place) >= place]
        if action.get("wave") is not None:
            for other in whole:
                earlier = other["host"] == action["host"] and other.get("wave") is not None and other["wave"] < action["wave"]
                if earlier and position.get(other["id"], place) >= place:
                    found.append(f"{action['target']} of wave {action['wave']} before or without {other['target']} of wave {other['wave']}")
    return found


def problems(document):
    """Return everything that is wrong with a plan document, as texts."""
    errors = [error.message for error in VALIDATOR.iter_errors(document)]
    if errors:
        return errors
    found = []
    if document["id"] != _sha({key: value for key, value in document.items() if key not in ("id", "created_at", "expires_at")}):
        found.append("id")
    if not document["created_at"] < document["expires_at"]:
        found.append("dates")
    actions = document["actions"]
    if len({action["id"] for action in actions}) < len(actions):
        found.append("an id twice")
    for action in actions:
        if action["id"] != _sha([action["kind"], action["target"], action["from"], action["to"]])[:16]:
            found.append(f"id of {action['target']}")
        if action["host"] not in document["scope"]["hosts"]:
            found.append(f"{action['host']} is out of scope")
        mates = {other["id"] for other in actions if other["host"] == action["host"]}
        found += [f"after of {action['target']}" for first in action["after"] if first not in mates]
    resized = [action["target"] for action in actions if action["kind"] != "guest_migrate"]
    if len(set(resized)) < len(resized) or set(resized) & {action["target"] for action in actions if action["kind"] == "guest_migrate"}:
        found.append("a target twice")
    return found + beyond(actions, document["budgets"]) + broken_order(actions, actions)
