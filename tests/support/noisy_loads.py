# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that is balanced again and again while the loads of its guests go up and down; for the tests and benchmarks of placement."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Iterator

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance

NOW, HOUR = 1_763_700_000, 3600


class Cycle(t.NamedTuple):
    """One cycle: when it was, the document that was seen, the answer, and guests with the seconds since their last move."""

    now: int
    document: dict[str, t.Any]
    answer: dict[str, t.Any]
    since: dict[str, float]


def cycles(
    document: dict[str, t.Any], policy: dict[str, t.Any], *, noise: float, count: int, seed: int = 0, persistence: float = 0.0
) -> Iterator[Cycle]:
    """Balance a cluster once an hour, and carry all moves out before the next hour begins.

    :param noise: standard deviation of the logarithm of each guest's load around its own mean.
    :param persistence: correlation of a guest's noise with that of the hour before.
    """
    random = np.random.default_rng(seed)
    guests = [dict(guest) for guest in document["guests"]]
    means = np.array([[guest["cpu"], guest["memory"]] for guest in guests], dtype=float).reshape(-1, 2)
    state = random.standard_normal(means.shape)
    for cycle in range(count):
        now = NOW + cycle * HOUR
        loads = means * np.exp(noise * state - noise * noise / 2)
        for guest, (cpu, memory) in zip(guests, loads.tolist(), strict=True):
            guest |= {"cpu": cpu, "memory": round(memory)}
        seen = {**document, "observed_at": now, "guests": [dict(guest) for guest in guests]}
        answer = cluster_balance(seen, {**policy, "now": now})
        to = {move["guest"]: move["to"] for move in answer["moves"]}
        since = {guest["id"]: now - guest.get("last_moved_at", -math.inf) for guest in guests if guest["id"] in to}
        for guest in guests:
            if guest["id"] in to:
                guest |= {"node": to[guest["id"]], "last_moved_at": now + HOUR // 2}
        yield Cycle(now, seen, answer, since)
        state = persistence * state + math.sqrt(1 - persistence**2) * random.standard_normal(means.shape)
