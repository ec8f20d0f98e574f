# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a resize of one guest is to be done, and whether it may be: read, compare, refuse. Nothing is changed here."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import refusals
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import DISK, LXC, QEMU, Limits, same, show
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Overview
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.pending import State
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.refusals import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_requests import Request
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import Right
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rules import split_list
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin, human

IGNORE_TAG = "foresight.ignore"
_AT_REST = ("started", "stopped", "ignored", "disabled")
_GROUPS = {"cores": "CPU", "cpulimit": "CPU", "memory": "Memory", "swap": "Memory", "balloon": "Memory"}


def find_guest(overview: Overview, request: Request) -> Entry:
    """The guest as the cluster lists it.

    :raises Refused: it is not there, is another's, or its node does not answer.
    """
    if request.cluster not in (None, overview.cluster):
        raise Refused(
            "wrong_cluster",
            f"{request.guest} is to be resized in {request.cluster}, and this API is that of {overview.cluster} (O(api_host)).",
        )
    entry = overview.lists.guests.get(request.guest)
    if entry is None:
        number = request.guest.partition("/")[2]
        other = next((guest for guest in overview.lists.guests if guest.partition("/")[2] == number), None)
        hint = f"; {number} is {other}" if other else ""
        raise Refused("no_such_guest", f"{overview.cluster} has no guest {request.guest}{hint}.")
    node = overview.lists.nodes.get(str(entry["node"]), {})
    if node.get("status") != "online":
        raise Refused(
            "node_offline", f"{request.guest} is on {entry['node']}, which is {node.get('status', 'unknown')}; needed is that it is online."
        )
    return entry


def open_changes(request: Request, state: State) -> Limits:
    """What is not yet as it shall be. What waits for a restart is.

    :raises Refused: a disk is not there.
    """
    wanted = state.wanted
    for key in request.to:
        if key not in wanted:
            raise Refused(
                "no_such_disk",
                f"{request.guest} has no disk {key[len(DISK) :]}; it has {', '.join(sorted(state.disks)) or 'none'} (O(guests[].disks)).",
            )
    return {key: value for key, value in request.to.items() if not same(key, wanted[key], value)}


def check_precondition(request: Request, entry: Entry, state: State, changes: Limits, host_cores: t.Any) -> None:
    """Refuse what is neither where the plan saw it nor where it shall be. What an earlier run left half-done is finished.

    :raises Refused: V(precondition_changed), naming what was expected and what was seen.
    """
    if request.node not in (None, entry["node"]):
        raise refusals.changed(request.guest, "The node (O(actions[].expect))", request.node, entry["node"])
    start, wanted = request.start or {}, state.wanted
    for key in changes:
        # A container without cores has all of its node, and facts tell their number.
        whole = key == "cores" and wanted[key] is None and start.get(key) == host_cores
        if key in start and not whole and not same(key, wanted[key], start[key]):
            raise refusals.changed(request.guest, key, show(key, start[key]), show(key, wanted[key]))
    begun = any(key not in changes and key in start and not same(key, start[key], value) for key, value in request.to.items())
    if request.digest not in (None, state.digest) and not begun:
        raise refusals.changed(request.guest, "The digest of the configuration", request.digest, state.digest)


def check_state(overview: Overview, request: Request, status: Entry, state: State) -> None:
    """Refuse what must not or cannot be changed as it is.

    :raises Refused: with the reason.
    """
    guest = request.guest
    if not overview.quorate:
        raise Refused("no_quorum", f"{overview.cluster} has no quorum, so nothing can be changed; needed are more of its nodes.")
    if IGNORE_TAG in split_list(status.get("tags")):
        raise Refused("ignored", f"{guest} is tagged {IGNORE_TAG}; take the tag off to have it resized.")
    if status.get("template") or state.options.get("template") == "1":
        raise Refused("template", f"{guest} is a template; templates are never resized here.")
    lock = status.get("lock") or state.options.get("lock")
    if lock:
        raise Refused("locked", f"{guest} is locked ({lock}); needed is that what locked it ends.")
    ha = status.get("ha") or {}
    if ha.get("managed") and ha.get("state", "started") not in _AT_REST:
        raise Refused("ha_busy", f"The HA manager has {guest} in state {ha['state']}; needed is that it is at rest.")


def check_sizes(request: Request, state: State, changes: Limits) -> None:
    """Refuse what fits no guest.

    :raises Refused: with the reason.
    """
    guest, now = request.guest, state.wanted
    for key, value in changes.items():
        if key.startswith(DISK) and t.cast(float, value) < t.cast(float, now[key]):
            raise Refused(
                "shrink", f"{key} of {guest} has {show(key, now[key])} and shall have {show(key, value)}; a disk never gets smaller."
            )
    if state.kind != QEMU:
        return
    after: Limits = {**now, **changes}
    if after["balloon"] is not None and t.cast(float, after["balloon"]) > t.cast(float, after["memory"]):
        raise Refused(
            "balloon",
            f"{guest} would have {show('memory', after['memory'])} of memory and a balloon of {show('balloon', after['balloon'])}; "
            f"needed is a balloon that is not larger (O(guests[].balloon), O(guests[].memory)).",
        )
    vcpus, cores = state.options.get("vcpus"), state.vcpus(after)
    if "cores" in changes and vcpus and cores is not None and int(vcpus) > cores:
        raise Refused(
            "vcpus", f"{guest} has {vcpus} vcpus plugged in and would have {cores:g} cores; needed are fewer vcpus in its configuration."
        )


def lowers(state: State, changes: Limits) -> bool:
    """Whether less memory than is in force is asked for."""
    return any(_less(key, changes, state.values) for key in ("memory", "swap", "balloon"))


def _less(key: str, changes: Limits, values: Limits) -> bool:
    value = changes.get(key)
    if value is None or (key == "balloon" and value == 0):
        return False
    in_force = values[key] or (values["memory"] if key == "balloon" else 0)
    return value < t.cast(float, in_force)


def check_use(request: Request, state: State, changes: Limits, status: Entry, margin: Margin) -> None:
    """Refuse memory below what is in use: a container that runs is killed at once, a VM at its next start.

    :raises Refused: V(below_use), with the numbers.
    """
    if status.get("status") != "running" or not lowers(state, changes):
        return
    after: Limits = {**state.wanted, **changes}
    used = int(status.get("mem") or 0)
    needed = used + margin.in_bytes(used)
    for key in ("memory", "balloon"):
        if _less(key, changes, state.values) and t.cast(float, after[key]) < needed:
            _refuse_use(request, f"{show(key, after[key])} of {'balloon' if key == 'balloon' else 'memory'}", "memory", used, needed)
    if state.kind == LXC:
        both = used + int(status.get("swap") or 0)
        needed, room = both + margin.in_bytes(both), int(after["memory"] or 0) + int(after["swap"] or 0)
        if room < needed:
            _refuse_use(request, f"{human(room)} of memory and swap", "memory and swap", both, needed)


def _refuse_use(request: Request, what: str, of: str, used: int, needed: int) -> None:
    raise Refused(
        "below_use",
        f"Cannot leave {request.guest} {what}: it uses {human(used)} of {of}, needed is {human(needed)} with the margin (O(margin)).",
    )


def rights_for(request: Request, entry: Entry, state: State, changes: Limits) -> t.List[Right]:
    """What the caller needs for these changes."""
    path = f"/vms/{request.guest.partition('/')[2]}"
    wanted = [(f"/nodes/{entry['node']}", "Sys.Audit")]
    for key in changes:
        wanted.append((path, f"VM.Config.{_GROUPS.get(key, 'Disk')}"))
        if key.startswith(DISK):
            if state.kind == LXC:  # asked for beside VM.Config.Disk when a container's disk grows
                wanted.append((path, "VM.Config.Options"))
            storage = f"/storage/{state.disks[key[len(DISK) :]].storage}"
            wanted += [(storage, "Datastore.Audit"), (storage, "Datastore.AllocateSpace")]
    return list(dict.fromkeys(wanted))
