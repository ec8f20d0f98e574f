# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a guest is in force, and what waits for its restart: read, and foretold of a change."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import (
    DEFAULTS,
    DISK,
    LXC,
    QEMU,
    Disk,
    Limits,
    Value,
    read_disks,
    read_value,
)

_DEFAULT_HOTPLUG = "network,disk,usb"
_LEAST_PLUGGED = 1 << 30  # bytes of memory that cannot be unplugged


class State(t.NamedTuple):
    """The limits of a guest at one moment. ``values`` are in force, disks among them; ``options`` is the rest of what is in force, as texts."""

    kind: str
    digest: str
    values: Limits
    pending: Limits
    disks: t.Mapping[str, Disk]
    options: t.Mapping[str, str]

    @property
    def wanted(self) -> Limits:
        """What it has after its next start."""
        return {**self.values, **self.pending}

    def vcpus(self, values: Limits) -> t.Optional[float]:
        """The cores that these values give it, None = all of its node. The limit of a VM counts for each of its sockets."""
        cores = values["cores"]
        if self.kind == QEMU:
            return float(cores or 1) * int(self.options.get("sockets", 1))
        return cores if cores is not None else (values["cpulimit"] or None)

    def show(self) -> t.Dict[str, t.Any]:
        """What C(before) and C(after) tell."""
        shown: t.Dict[str, t.Any] = {key: self.values[key] for key in DEFAULTS[self.kind]}
        shown["disks"] = {key[len(DISK) :]: value for key, value in sorted(self.values.items()) if key.startswith(DISK)}
        shown["pending"] = dict(sorted(self.pending.items()))
        return shown


def config_path(guest: str, node: str) -> str:
    """Where the API has a guest that is on this node."""
    return f"/nodes/{node}/{guest}"


def read_state(client: Client, guest: str, node: str) -> State:
    """Read what is in force and what waits.

    :raises Failure: of the call, or for an answer that is not understood.
    """
    entries = client.get(f"{config_path(guest, node)}/pending")
    try:
        return parse_state(guest.partition("/")[0], entries)
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(
            failures.UNSUPPORTED,
            f"The configuration of {guest} is not understood ({type(error).__name__}: {error})",
            "Needed is a look at it",
        ) from None


def parse_state(kind: str, entries: t.Iterable[t.Mapping[str, t.Any]]) -> State:
    """The state from what C(pending) of a guest answers."""
    known = DEFAULTS[kind]
    values: Limits = dict(known)
    pending: Limits = {}
    options: t.Dict[str, str] = {}
    for entry in entries:
        key = str(entry["key"])
        if "value" in entry:
            if key in known:
                values[key] = read_value(key, entry["value"])
            else:
                options[key] = str(entry["value"])
        if key in known and (entry.get("delete") or "pending" in entry):
            waits = known[key] if entry.get("delete") else read_value(key, entry["pending"])
            # What waits and is the same as what is in force changes nothing.
            if waits != values[key]:
                pending[key] = waits
    disks = read_disks(kind, options)
    values.update((DISK + name, disk.size) for name, disk in disks.items())
    return State(kind, options.pop("digest", ""), values, pending, disks, options)


def is_live(state: State, key: str, value: Value) -> bool:
    """Whether a running guest takes a value at once."""
    if state.kind == LXC or key == "cpulimit" or key.startswith(DISK):
        return True
    if key == "balloon":
        # The balloon can be moved, but not plugged or unplugged.
        return (state.values["balloon"] == 0) == (value == 0)
    if key == "memory":
        features = state.options.get("hotplug", _DEFAULT_HOTPLUG)
        return "memory" in features.replace(";", ",").split(",") and int(value or 0) >= _LEAST_PLUGGED
    return False


def foretell(state: State, changes: Limits, *, running: bool) -> State:
    """The state after a change, as the API will tell it."""
    values, pending = dict(state.values), dict(state.pending)
    for key, value in changes.items():
        pending.pop(key, None)
        if running and not is_live(state, key, value):
            if values[key] != value:
                pending[key] = value
        else:
            values[key] = value
    if state.kind == QEMU and not running and any(not key.startswith(DISK) for key in changes):
        # A VM that does not run takes everything that waits together with any change.
        values.update(pending)
        pending = {}
    return state._replace(values=values, pending=pending)
