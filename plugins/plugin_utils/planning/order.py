# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of actions: what must come first, what is most urgent, and what falls with an action that is taken out."""

from __future__ import annotations

import heapq
import math
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError

Action = dict[str, t.Any]
DISK = "disk."
"""How the keys of a guest_resize begin that are sizes of disks."""


class Growth(t.NamedTuple):
    """By how many bytes a volume, or one disk of a guest, grows, and what it had before (0 = the action does not tell)."""

    what: str
    before: float
    more: float


def growths(action: t.Mapping[str, t.Any]) -> list[Growth]:
    """Return what an action grows: the volume of an lv_resize with its metadata, each disk of a guest_resize."""
    before, after = action["from"], action["to"]
    if action["kind"] == "lv_resize":
        more = sum(max(0, after.get(key, 0) - before.get(key, 0)) for key in ("size", "metadata_size"))
        found = [Growth(action["target"], before.get("size", 0), more)]
    elif action["kind"] == "guest_resize":
        sizes = {key: (_bytes(before.get(key)), _bytes(size)) for key, size in after.items() if key.startswith(DISK)}
        found = [Growth(f"{key} of {action['target']}", size, to - size) for key, (size, to) in sorted(sizes.items())]
    else:
        found = []
    return [growth for growth in found if growth.more > 0]


def growth_bytes(action: t.Mapping[str, t.Any]) -> int:
    """Return by how many bytes an action grows a volume, or the disks of a guest together (0 for what grows neither)."""
    return math.ceil(sum(growth.more for growth in growths(action)))


def _bytes(size: t.Any) -> float:
    """A size of a guest's disk; what is none is refused by the schema, not here."""
    return size if isinstance(size, (int, float)) and math.isfinite(size) else 0


def shrunk_bytes(action: t.Mapping[str, t.Any]) -> int:
    """Return by how many bytes an action makes a volume smaller (0 for what does not)."""
    if action["kind"] != "lv_resize":
        return 0
    return max(0, action["from"].get("size", 0) - action["to"].get("size", 0))


def moved_bytes(action: t.Mapping[str, t.Any]) -> int:
    """Return how many bytes an action moves between nodes; of quantiles the largest."""
    if action["kind"] != "guest_migrate":
        return 0
    cost = action.get("cost", {}).get("bytes") or 0
    if isinstance(cost, dict):
        cost = max((value for value in cost.values() if value is not None), default=0)
    return int(cost)


def urgency(action: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    """Return the sort key of an action, most urgent first: wave, shrinking last, floor, runway, how far the forecast exceeds the size, target.

    What waits for a shrinking comes after all that does not, so it takes nobody's extents where the shrinking fails on the host.
    """
    forecast = action.get("forecast") or {}
    runway = forecast.get("runway_seconds")
    size, value = action["from"].get("size"), forecast.get("value")
    pressure = value / size if size and value is not None else 0.0
    return (
        action.get("wave", 0),
        shrunk_bytes(action) > 0,
        action["reason"] != "floor",
        float("inf") if runway is None else runway,
        -pressure,
        action["target"],
        action["id"],
    )


def ordered(actions: t.Sequence[Action]) -> list[Action]:
    """Return the actions most urgent first, none before one of its `after`.

    :raises PlanError: when the actions wait for each other in a circle.
    """
    waiting = {action["id"]: set(action["after"]) for action in actions}
    followers: dict[str, list[Action]] = {}
    for action in actions:
        for first in action["after"]:
            followers.setdefault(first, []).append(action)
    if not followers:
        return sorted(actions, key=urgency)
    ready = [(urgency(action), action["id"], action) for action in actions if not waiting[action["id"]]]
    heapq.heapify(ready)
    result: list[Action] = []
    while ready:
        _key, done, action = heapq.heappop(ready)
        result.append(action)
        for follower in followers.get(done, []):
            waiting[follower["id"]].discard(done)
            if not waiting[follower["id"]]:
                heapq.heappush(ready, (urgency(follower), follower["id"], follower))
    if len(result) < len(actions):
        stuck = sorted(action["target"] for action in actions if waiting[action["id"]])
        raise PlanError(f"The actions on {', '.join(stuck[:5])} wait for each other in a circle (after); needed is an order.")
    return result


class Falling:
    """Which actions must not run because another one does not; asked in the order of the plan.

    An action falls with one of its `after`, and a migration with one of an earlier wave of its host: a guest that stays
    keeps its place, so later moves onto that node were computed for a room that is not there.
    """

    def __init__(self) -> None:
        self._out: set[str] = set()
        self._broken_wave: dict[str, tuple[int, str]] = {}

    def cause(self, action: t.Mapping[str, t.Any]) -> str | None:
        """Return the id of an action taken out that this one depends on, or None."""
        for first in action["after"]:
            if first in self._out:
                return str(first)
        wave, broken = action.get("wave"), self._broken_wave.get(action["host"])
        return broken[1] if wave is not None and broken is not None and broken[0] < wave else None

    def take_out(self, action: t.Mapping[str, t.Any]) -> None:
        """Note that an action will not run."""
        self._out.add(action["id"])
        if action.get("wave") is not None:
            self._broken_wave.setdefault(action["host"], (action["wave"], action["id"]))
