# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's limits and preferences for placing guests."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import parse_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields

STRATEGIES = (
    "foresight", "greedy", "greedy_batch", "greedy_tight", "greedy_loose", "bin_pack", "genetic", "annealing", "min_cost_flow", "exact",
)  # fmt: skip
DEFAULT_STRATEGY = "foresight"
GOALS = ("balance", "repair_only", "consolidate", "evacuate", "place", "headroom")
TARGET_SPREAD = 0.05
HYSTERESIS, MEMORY = 0.025, 604800.0
_KNOWN = (
    "strategy", "goal", "goal_options", "now", "hold_seconds", "cool_down_seconds", "limits", "resources", "target_spread", "max_moves",
    "max_bytes", "min_gain", "hysteresis", "memory_seconds", "overcommit", "seed",
)  # fmt: skip
_OPTIONS = ("nodes", "guest", "spare_nodes", "k")


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """resources: weight of each that is to be balanced; target_spread: of each of them; nodes: to be emptied by evacuate; guest: to be placed by
    place; spare_nodes: that consolidate can lose; k: nodes that headroom loses; limits: of migration_waves;
    hysteresis, memory_seconds: see `settling`; now: None where nothing asks for it.
    """

    strategy: str
    goal: str
    nodes: tuple[str, ...]
    guest: Mapping[str, t.Any] | None
    spare_nodes: int
    k: int
    now: float | None
    hold_seconds: float
    cool_down_seconds: float
    limits: Mapping[str, t.Any]
    resources: Mapping[str, float]
    target_spread: Mapping[str, float]
    max_moves: int | None
    max_bytes: float | None
    min_gain: float
    hysteresis: float
    memory_seconds: float
    overcommit: float | None
    seed: int


def read_policy(document: t.Any, known: Sequence[str], observed_at: float | None = None) -> Policy:
    """Return the policy, with defaults for what it does not say.

    :param known: resources that the cluster has.
    :param observed_at: the time to take for now where the policy tells none, UTC seconds.
    :raises InputError: for keys or values that mean nothing; times to wait need to know what time it is.
    """
    fields = Fields({} if document is None else document, "The policy", "policy")
    fields.only(_KNOWN)
    resources = _resources(fields, known)
    goal = fields.choice("goal", GOALS, "balance")
    options = fields.inner("goal_options") or Fields({}, "goal_options of The policy", "policy.goal_options")
    options.only(_OPTIONS)
    nodes, guest = options.texts("nodes"), options.inner("guest")
    if goal == "evacuate" and not nodes:
        raise options.wrong("nodes", options.document.get("nodes"), "a list of the nodes to empty, for the goal evacuate")
    if goal == "place" and guest is None:
        raise options.wrong("guest", None, "a mapping with cpu and memory, for the goal place")
    now = fields.moment("now") if fields.has("now") else observed_at
    hold, cool_down = _seconds(fields, "hold_seconds", 0.0), _seconds(fields, "cool_down_seconds", 0.0)
    if now is None and (hold or cool_down):
        raise fields.wrong(
            "now", None, "the time in UTC seconds, as hold_seconds or cool_down_seconds is given and the cluster has no observed_at"
        )
    limits = fields.inner("limits")
    overcommit = fields.number("overcommit", above=0) if fields.has("overcommit") else None
    return Policy(
        strategy=fields.choice("strategy", STRATEGIES, DEFAULT_STRATEGY),
        goal=goal,
        nodes=tuple(dict.fromkeys(nodes)),
        guest=guest.document if guest else None,
        spare_nodes=options.count("spare_nodes", 1),
        k=options.count("k", 1, least=1),
        now=now,
        hold_seconds=hold,
        cool_down_seconds=cool_down,
        limits=_limits(limits.document if limits else {}, now, overcommit),
        resources=resources,
        target_spread=_target(fields, resources),
        max_moves=fields.optional_count("max_moves"),
        max_bytes=fields.optional_number("max_bytes"),
        min_gain=fields.number("min_gain", 0.0, most=1.0),
        hysteresis=fields.number("hysteresis", HYSTERESIS, most=1.0),
        memory_seconds=_seconds(fields, "memory_seconds", MEMORY),
        overcommit=overcommit,
        seed=fields.count("seed", 0),
    )


def _resources(fields: Fields, known: Sequence[str]) -> dict[str, float]:
    """Return the weights in the order of the cluster's resources: that of the policy does not matter."""
    weights = fields.inner("resources")
    if weights is None:
        return {"memory": 1.0}
    if not weights.document:
        raise fields.wrong("resources", {}, f"at least one of {', '.join(known)}, with its weight")
    weights.only(known)
    return {name: weights.number(name, above=0) for name in known if name in weights.document}


def _seconds(fields: Fields, key: str, default: float) -> float:
    """Return a length of time, in seconds or as a text such as `6h`."""
    if isinstance(fields.document.get(key), str):
        return float(parse_duration(fields.document[key], option=f"policy.{key}"))
    return fields.number(key, default)


def _target(fields: Fields, resources: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(fields.document.get("target_spread"), Mapping):
        return dict.fromkeys(resources, fields.number("target_spread", TARGET_SPREAD, most=1.0))
    per = Fields(fields.document["target_spread"], "target_spread of The policy", "policy.target_spread")
    per.only(list(resources))
    return {name: per.number(name, TARGET_SPREAD, most=1.0) for name in resources}


def _limits(document: Mapping[str, t.Any], now: float | None, overcommit: float | None) -> dict[str, t.Any]:
    """Return the limits; their windows look at the same clock, and guests that are on two nodes count on both."""
    own = {"now": None if now is None else int(now), "overcommit": overcommit}
    return {**document, **{key: value for key, value in own.items() if value is not None and document.get(key) is None}}
