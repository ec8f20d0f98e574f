# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a guest may be moved now (DESIGN.md §5, rules 3, 4, 11 and 12). Each check sees what was read and refuses, naming what is needed."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import ha
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import Identity, runs_in
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.sight import Closer
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Lists, Overview
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rules import wishes

# States in which the HA manager does not count on a node.
_LOST = ("unknown", "fence", "gone")
_HA_TROUBLE = ("error", "fence", "recovery", "freeze")


def check_cluster(move: Move, overview: Overview) -> None:
    """The API is that of the plan's cluster."""
    if overview.cluster != move.cluster:
        raise Refused(
            "wrong_cluster",
            f"This is the API of cluster {overview.cluster}, and the plan is for {move.cluster}. Needed is its API (O(api_host)).",
        )


def check_quorum(overview: Overview) -> None:
    """The cluster can decide."""
    if not overview.quorate:
        raise Refused("no_quorum", f"Cluster {overview.cluster} has no quorum, so it changes nothing. Needed are more of its nodes.")


def check_nodes(move: Move, around: Lists) -> None:
    """Both nodes are there, and the target takes guests."""
    source, target = around.nodes.get(move.source), around.nodes.get(move.target)
    if target is None:
        raise Refused("target_unknown", f"There is no node {move.target}; there are {', '.join(sorted(around.nodes)[:20])}. Plan again.")
    if source is None or source.get("status") != "online":
        raise Refused("source_offline", f"{move.source}, where {move.guest} is, is not online. Needed is that it is.")
    if target.get("status") != "online" or target.get("hastate") in _LOST:
        state = target.get("status") if target.get("status") != "online" else f"in state {target['hastate']} of the HA manager"
        raise Refused("target_offline", f"{move.target} is {state}. Needed is a target that is online. Plan again.")
    if target.get("hastate") == "maintenance":
        raise Refused("target_maintenance", f"{move.target} is in maintenance. Needed is a target that is not. Plan again.")


def check_tags(move: Move, around: Lists, where: t.Callable[[str], str]) -> None:
    """What tags of guests say now, whatever the plan knew of them; the HA manager's own rules the API checks itself.

    :param where: the node of a guest.
    """
    said = wishes(list(around.guests.values()), [], around.nodes)
    if move.guest in said.ignored:
        raise Refused("ignored", f"{move.guest} has the tag foresight.ignore. Needed is that it is taken off, or a plan without it.")
    for rule in said.rules:
        if move.guest not in rule["guests"]:
            continue
        if rule["kind"] == "on_nodes" and move.target not in rule["nodes"]:
            raise Refused(
                "pinned", f"{move.guest} shall be on {', '.join(rule['nodes'])} (tag foresight.on), not on {move.target}. Plan again."
            )
        others = [other for other in rule["guests"] if other != move.guest and where(other) == move.target]
        if rule["kind"] == "apart" and others:
            raise Refused(
                "apart", f"{', '.join(others)} on {move.target} and {move.guest} have the tag foresight.apart.{rule['name']}. Plan again."
            )


def check_guest(move: Move, entry: Entry, seen: Closer, *, never_move: t.Container[str], identity: Identity) -> None:
    """It is the guest that the plan saw, nothing holds it, and it is not the one that this process runs in."""
    if move.guest in never_move:
        raise Refused("never_move", f"{move.guest} is never moved (O(never_move)).")
    own = runs_in(identity, seen.config)
    if own is not None:
        raise Refused(
            "own_guest", f"{move.guest} is the guest that this runs in: {own}. Needed is a controller outside of it, or a move by hand."
        )
    if entry.get("template") or seen.config.get("template"):
        raise Refused("template", f"{move.guest} is a template. Needed is a guest.")
    lock = seen.status.get("lock") or seen.config.get("lock")
    if lock:
        raise Refused("locked", locked(move, str(lock)))
    if move.digest is not None and seen.config.get("digest") != move.digest:
        raise Refused(
            "precondition_changed",
            f"{move.guest} has the configuration {seen.config.get('digest')}, expected was {move.digest} (expect.digest): "
            "it was changed since the plan was made. Plan again.",
        )
    if entry.get("hastate") in _HA_TROUBLE:
        raise Refused("ha_state", f"The HA manager has {move.guest} in state {entry['hastate']}. Needed is one that it has under control.")


def locked(move: Move, lock: str) -> str:
    """Why a locked guest is left alone."""
    if lock == "migrate":
        vzqm = "pct" if move.kind == "lxc" else "qm"
        return (
            f"{move.guest} has the lock migrate, and no migration of it runs: one was killed. "
            f"Needed is a look at its disks, then {vzqm} unlock {move.vmid} on its node."
        )
    return f"{move.guest} is locked ({lock}). Needed is that this ends."


def check_possible(move: Move, seen: Closer) -> None:
    """What the API itself says of moving it there."""
    reasons = (seen.told("not_allowed_nodes") or {}).get(move.target) or {}
    blocking = [item for item in reasons.get("blocking-ha-resources") or [] if isinstance(item, dict)]
    if blocking:
        raise Refused("blocked", f"The HA manager will not move {move.guest} to {move.target}: {_blocked(move, blocking)}. Plan again.")
    if reasons:
        told = "; ".join(f"{key} {_listed(value)}" for key, value in sorted(reasons.items()))
        raise Refused("not_allowed", f"The API does not allow {move.guest} on {move.target}: {told}. Needed is that the node has them.")
    local = [str(one) for one in seen.told("local_resources") or []]
    if local:
        raise Refused("local_resource", f"{move.guest} uses devices of {move.source}: {', '.join(local)}. Needed is a guest without them.")
    info: t.Mapping[str, t.Any] = seen.told("mapped-resource-info") or {}
    stuck = [str(one) for one in seen.told("mapped-resources") or [] if not (info.get(one) or {}).get("live-migration")]
    if seen.running and stuck:
        raise Refused(
            "local_resource",
            f"{move.guest} uses mapped devices that do not migrate live: {', '.join(stuck)}. Needed is that it is stopped, or a mapping that allows it.",
        )


def _blocked(move: Move, blocking: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    told = []
    for item in blocking:
        other = ha.guest_of(str(item.get("sid", ""))) or str(item.get("sid"))
        cause = item.get("cause", "rule")
        told.append(f"its own rule forbids it ({cause})" if other == move.guest else f"{other} is there ({cause})")
    return ", ".join(told)


def _listed(value: t.Any) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def check_company(move: Move, seen: Closer, around: Lists, wanted: t.Mapping[str, t.Container[str]]) -> t.Tuple[str, ...]:
    """The guests that the HA manager takes along, which the plan must want there too.

    :param wanted: by guest, the nodes that this run takes it to.
    """
    along = []
    for sid in seen.told("dependent-ha-resources") or []:
        other = ha.guest_of(str(sid))
        if other is None or other == move.guest or (around.guests.get(other) or {}).get("node") == move.target:
            continue
        if move.target not in wanted.get(other, ()):
            raise Refused(
                "moves_others",
                f"The HA manager would take {other} along with {move.guest} to {move.target}, which the plan does not say. "
                "Needed is a plan that moves them together, or another rule.",
            )
        along.append(other)
    return tuple(along)
