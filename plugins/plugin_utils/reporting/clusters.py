# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters as a report shows them: the placement of the plan or what was last seen, how far its moves have come, and all that in words. Pure."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import gains, violations
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import BALANCE, PlacementView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import counted, moment
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = Mapping[str, t.Any]
# What becomes of a move that is no action: its guest is not managed, or it was more than the budget.
PROPOSED = "proposed"
_DONE, _FAILED = "applied", ("failed", "refused", "unknown")
_UNMANAGED = "It rests on guests that are not managed (balance_manage); it is never applied."
_NO_VERDICT = {
    "balanced": "nothing needs to move",
    "no_beneficial_move": "no move is worth it",
    "infeasible": "no move that is allowed helps",
}


@dataclasses.dataclass(frozen=True)
class ClusterView:
    """One cluster.

    :ivar guests: how many there are; the view may tell of fewer.
    :ivar recorded: known from a recording only.
    :ivar missing: why the view is not that of the plan, where the plan is about this cluster.
    :ivar states: how far each move of the view has come.
    """

    view: PlacementView
    guests: int
    recorded: bool
    missing: str = ""
    states: Sequence[Progress] = ()

    @property
    def name(self) -> str:
        return self.view.cluster

    @property
    def planned(self) -> int:
        """How many moves are actions of the plan."""
        return sum(one.state != PROPOSED for one in self.states)

    @property
    def done(self) -> int:
        return sum(one.state == _DONE for one in self.states)

    @property
    def failed(self) -> int:
        return sum(one.state in _FAILED for one in self.states)

    @property
    def broken(self) -> int:
        """How many limits are broken: those of before the plan until all its moves are done."""
        side = self.view.after if self.states and self.done == len(self.states) else self.view.before
        return side.violations

    @property
    def urgency(self) -> tuple[int, int, str]:
        """Sorts the cluster with the most broken limits to the front, then the one with the most moves to come."""
        return -self.broken, self.done - len(self.states), self.name

    @property
    def tags(self) -> list[str]:
        return [*(["recorded"] if self.recorded else []), *(["synthetic"] if self.view.synthetic else [])]

    @property
    def size(self) -> str:
        return f"{counted(len(self.view.nodes), 'node')}, {counted(self.guests, 'guest')}"

    @property
    def remark(self) -> str:
        """When it was seen, what its load is, and why the plan is not shown."""
        told = [] if self.view.observed_at is None else [f"Observed {moment(self.view.observed_at)}."]
        told += ["The load of a guest is its predicted peak."] if self.view.basis == "predicted_peak" else []
        return " ".join([*told, *([self.missing] if self.missing else [])])

    @property
    def told(self) -> str:
        """The cluster in one line."""
        effort = f" ({format_bytes(self.view.size)} in {counted(len(self.view.waves), 'wave')})" if self.view.moves else ""
        return "; ".join([self.size, moves_told([self], self.view.verdict) + effort, gains(self.view), violations(self.view)])

    @property
    def rows(self) -> list[dict[str, str]]:
        """The moves that are actions, as rows of the plan's table."""
        return [
            {
                "target": f"{self.name}/{move.guest}",
                "change": f"{move.source} → {move.target}",
                "reason": f"{move.kind}: {move.reason}" if move.reason else move.kind,
                "state": come.state,
                "message": come.message,
            }
            for move, come in zip(self.view.moves, self.states, strict=False)
            if come.state != PROPOSED
        ]


def move_states(view: PlacementView, plan: Document, progress: Mapping[str, Progress], otherwise: str) -> list[Progress]:
    """Return how far each move of a view has come.

    :param progress: by action id; :param otherwise: the state of an action without progress.
    """
    actions, proposals, refused = (
        {_key(entry, name): entry for entry in plan.get(part, []) if entry.get("kind") == "guest_migrate"}
        for part, name in (("actions", "target"), ("proposals", "target"), ("refused", "entity"))
    )
    states = []
    for move in view.moves:
        key = f"guest:{view.cluster}/{move.guest}", move.source, move.target
        if key in actions:
            states.append(progress.get(str(actions[key].get("id"))) or Progress(otherwise, ""))
        elif key in refused:
            states.append(Progress("refused", str(refused[key].get("message") or "")))
        else:
            states.append(Progress(PROPOSED, _UNMANAGED if key in proposals else ""))
    return states


def _key(entry: Document, name: str) -> tuple[str, t.Any, t.Any]:
    return str(entry.get(name)), (entry.get("from") or {}).get("node"), (entry.get("to") or {}).get("node")


def clusters_headline(clusters: Sequence[ClusterView]) -> str:
    """Return all clusters in one sentence: what moves, how far that has come, and what is broken."""
    if len(clusters) == 1:
        one = clusters[0]
        told = [moves_told(clusters, one.view.verdict), violations(one.view)]
        told += [gains(one.view)] if one.states or not one.view.is_answer or one.view.goal != BALANCE else []
        return f"Cluster {one.name} ({one.size}): {'; '.join(part for part in told if part)}."
    return f"{len(clusters)} clusters: {moves_told(clusters)}; {_broken(clusters)}."


def _broken(clusters: Sequence[ClusterView]) -> str:
    before, after = limits_broken(clusters)
    if not before and not after:
        return "no limit broken"
    return f"limits broken {before} → {after}" if any(one.view.is_answer for one in clusters) else f"{counted(before, 'limit')} broken"


def limits_broken(clusters: Sequence[ClusterView]) -> tuple[int, int]:
    """Return how many limits are broken before and after the moves."""
    return sum(one.view.before.violations for one in clusters), sum(one.view.after.violations for one in clusters)


def moves_told(clusters: Sequence[ClusterView], verdict: str = "") -> str:
    """Return what is moved, and how far that has come.

    :param verdict: on the only cluster, which says why nothing moves.
    """
    states = [state.state for one in clusters for state in one.states]
    planned = sum(one.planned for one in clusters)
    if not states:
        return _NO_VERDICT.get(verdict, "no moves") if any(one.view.is_answer for one in clusters) else "no plan yet"
    told = []
    if planned:
        dropped = sum(state not in (_DONE, "planned", "pending", "started", PROPOSED, *_FAILED) for state in states)
        told.append(_so_far(planned, sum(one.done for one in clusters), dropped))
    failed = sum(one.failed for one in clusters)
    told += [f"{failed} failed or {'was' if failed == 1 else 'were'} refused"] if failed else []
    if len(states) > planned:
        told.append(f"{counted(len(states) - planned, 'move')} would help, but not all of the guests are managed (balance_manage)")
    return "; ".join(told)


def _so_far(planned: int, done: int, dropped: int) -> str:
    if done == planned:
        return "the 1 planned move is done" if planned == 1 else f"all {planned} planned moves are done"
    if done:
        return f"{done} of {planned} planned moves {'is' if done == 1 else 'are'} done"
    if dropped == planned:
        return f"{counted(planned, 'move')} {'was' if planned == 1 else 'were'} planned and not applied"
    return f"{counted(planned, 'move')} {'is' if planned == 1 else 'are'} planned"
