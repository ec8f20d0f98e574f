# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One guest from the first reading to the verified end (DESIGN.md §5, rules 1, 4, 6 and 12)."""

from __future__ import annotations

import functools
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, resize_checks, resize_story
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.admission import Admission
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.guest_on_node import GuestOnNode
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import DISK, MIB, Limits, same, show, written
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Overview
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.pending import State, foretell
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.refusals import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_requests import Request
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import Rights
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

_HOTPLUG = "hotplug problem"
Result = t.Dict[str, t.Any]


class Patience(t.NamedTuple):
    """How much memory a guest keeps above its use, how long a disk may take to grow, and how often it is looked at."""

    margin: Margin
    timeout: float
    poll: float = 1.0


class GuestResize:
    """One request. C(prepare), C(admit) and C(carry_out) follow each other; once one has said how it ended the others do nothing."""

    def __init__(self, client: Client, rights: Rights, overview: Overview, request: Request, patience: Patience) -> None:
        self.request = request
        self._client, self._rights, self._overview, self._patience = client, rights, overview, patience
        self._entry: Entry = {}
        self._live = GuestOnNode(client, request.guest, "")
        self._status: Entry = {}
        self._state: t.Optional[State] = None
        self._before: t.Optional[State] = None
        self._after: t.Optional[State] = None
        self._changes: Limits = {}
        self._touched = False
        self._step: t.Optional[str] = None
        self._ended: t.Optional[Result] = None
        self._seconds = 0.0

    # ---- the three parts ---------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Read the guest, and refuse what can be refused without looking at its host."""
        self._guarded(self._prepare)

    def admit(self, admission: Admission) -> None:
        """Take what it gets from what its host has left."""
        self._guarded(lambda: self._admit(admission))

    def carry_out(self) -> None:
        """Change it, and read it back after every change."""
        self._guarded(self._carry_out)

    def fail(self, failure: Failure) -> None:
        """End it for what happened to all."""
        self._end("failed", failure.kind, str(failure), failure)

    def _guarded(self, part: t.Callable[[], None]) -> None:
        if self._ended is not None:
            return
        started = time.monotonic()
        try:
            part()
        except Refused as refused:
            self._end("failed" if self._touched else "refused", refused.reason, str(refused))
        except Failure as failure:
            self._end("failed", failure.kind, str(failure), failure)
        finally:
            self._seconds += time.monotonic() - started

    def _end(self, status: str, reason: t.Optional[str], message: str, failure: t.Optional[Failure] = None) -> None:
        if status in ("refused", "failed"):
            self._after = self._read_back() if self._touched else self._before
        self._ended = {"status": status, "reason": reason, "message": message}
        if status == "failed":
            self._ended["stopped_at"] = self._step
        if failure is not None:
            self._ended.update(privilege=failure.privilege, path=failure.path)

    def _read_back(self) -> t.Optional[State]:
        """The state after something went wrong; None where that cannot be read either."""
        try:
            return self._live.read_back()
        except Failure:
            return None

    # ---- prepare -----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        request = self.request
        self._step = "read"
        if request.cluster in (None, self._overview.cluster):
            # Who may not see a guest is told that there is none.
            self._rights.check([(f"/vms/{request.guest.partition('/')[2]}", "VM.Audit")])
        self._entry = resize_checks.find_guest(self._overview, request)
        self._live = GuestOnNode(self._client, request.guest, str(self._entry["node"]))
        state = self._before = self._state = self._live.state()
        self._status = self._live.status()
        self._changes = changes = resize_checks.open_changes(request, state)
        if not changes:
            self._after = state
            self._end("ok", None, resize_story.already(request, state, self._managed))
            return
        cores = self._overview.lists.nodes[self._live.node].get("maxcpu")
        resize_checks.check_precondition(request, self._entry, state, changes, cores)
        resize_checks.check_state(self._overview, request, self._status, state)
        resize_checks.check_sizes(request, state, changes)
        resize_checks.check_use(request, state, changes, self._status, self._patience.margin)
        self._rights.check(resize_checks.rights_for(request, self._entry, state, changes))
        if any(key.startswith(DISK) for key in changes) and self._live.growing():
            raise Refused("busy", f"A disk of {request.guest} is being grown right now; needed is that its task ends.")
        self._after = foretell(state, changes, running=self._running)

    def _admit(self, admission: Admission) -> None:
        admission.admit(self._entry, t.cast(State, self._before), self._changes, running=self._running)

    # ---- carry out ---------------------------------------------------------------------------------------------------

    def _carry_out(self) -> None:
        config = {key: value for key, value in self._changes.items() if not key.startswith(DISK)}
        if config:
            self._do("config", lambda: self._set(config))
        for key in sorted(self._changes.keys() - config.keys()):
            size = int(self._changes[key] or 0)
            self._do(key, functools.partial(self._grow, key, size))
        self._after = self._state

    def _do(self, step: str, action: t.Callable[[], None]) -> None:
        self._step, touched = step, self._touched
        try:
            action()
        except Refused:
            # This step has changed nothing; those before it may have.
            self._touched = touched
            raise

    def _set(self, config: Limits) -> None:
        state = t.cast(State, self._state)
        if resize_checks.lowers(state, config):
            # What is used is seconds old by now, and too little memory kills.
            resize_checks.check_use(self.request, state, config, self._live.status(), self._patience.margin)
        values = {key: written(key, value) for key, value in config.items()}
        gone = ",".join(sorted(key for key, value in values.items() if value is None))
        self._touched = True
        try:
            self._live.put("config", {**values, "delete": gone or None}, state.digest, lambda: {} if self._is(config) else None)
        except Failure as failure:
            # A limit that cannot be plugged stays pending, and the call fails all the same.
            if not any(_HOTPLUG in text for text in failure.errors.values()):
                raise
        self._verify(config)

    def _grow(self, key: str, size: int) -> None:
        wanted: Limits = {key: size}

        def begun() -> t.Optional[str]:
            # In this order, as it may end between the two. An empty UPID: it has been done, and no task is left to follow.
            upid = self._live.growing()
            return upid if upid or not self._is(wanted) else ""

        self._touched = True
        params = {"disk": key[len(DISK) :], "size": f"{size // MIB}M"}
        upid = self._live.put("resize", params, t.cast(State, self._state).digest, begun)
        if upid:
            self._live.follow(upid, self._patience.timeout, self._patience.poll)
        self._verify(wanted)

    def _verify(self, wanted: Limits) -> None:
        if not self._is(wanted):
            state = t.cast(State, self._state)
            seen = ", ".join(
                f"{key} {show(key, state.wanted.get(key))}" for key, value in wanted.items() if not same(key, state.wanted.get(key), value)
            )
            raise Failure(
                failures.UNSETTLED,
                f"{self.request.guest} was changed, but read back it has {seen}",
                "Needed is a look at it, and another run",
            )

    def _is(self, wanted: Limits) -> bool:
        """Read the guest again; whether it has what is wanted, now or after its restart."""
        self._state = self._live.read_back()
        return all(same(key, self._state.wanted.get(key), value) for key, value in wanted.items())

    @property
    def _running(self) -> bool:
        return bool(self._status.get("status") == "running")

    @property
    def _managed(self) -> bool:
        return bool((self._status.get("ha") or {}).get("managed"))

    # ---- the result --------------------------------------------------------------------------------------------------

    def result(self) -> Result:
        """What the module returns of this guest: C(changed) follows from C(before) and C(after)."""
        before, after = (state.show() if state else None for state in (self._before, self._after))
        ended = self._ended or {"status": "changed", "reason": None, "message": self._done()}
        found = {
            "guest": self.request.guest,
            "node": self._entry.get("node"),
            "stopped_at": None,
            **ended,
            "changed": before != after,
            "before": before,
            "after": after,
            "restart_required": resize_story.restart_required(self.request, self._after) if self._after else [],
            "ha": self._managed,
            "seconds": round(self._seconds, 3),
        }
        if self.request.item is not None:
            found["item"] = self.request.item
        return found

    def _done(self) -> str:
        before, after = t.cast(State, self._before), t.cast(State, self._after)
        return resize_story.done(self.request, self._live.node, before, after, self._changes, self._managed)
