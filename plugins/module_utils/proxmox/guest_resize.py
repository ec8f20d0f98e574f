# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One guest from the first reading to the verified end (DESIGN.md §5, rules 1, 4, 6 and 12)."""

from __future__ import annotations

import functools
import re
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, refusals, resize_checks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.admission import Admission
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import DISK, Limits, same, show, written
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Overview
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.pending import State, config_path, foretell, read_state
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.refusals import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_requests import Request
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import Rights
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.tasks import follow
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin

_MODIFIED = re.compile(r"detected modified configuration|checksum mismatch")
_LOCKED = re.compile(r"is locked \(([^)]+)\)")
_GONE = re.compile(r"Configuration file '[^']*' does not exist")
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
        self._status: Entry = {}
        self._state: t.Optional[State] = None
        self._before: t.Optional[State] = None
        self._after: t.Optional[State] = None
        self._changes: Limits = {}
        self._digest = ""
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

    # ---- prepare -----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        request = self.request
        self._step = "read"
        if request.cluster in (None, self._overview.cluster):
            # Who may not see a guest is told that there is none.
            self._rights.check([(f"/vms/{request.guest.partition('/')[2]}", "VM.Audit")])
        self._entry = resize_checks.find_guest(self._overview, request)
        try:
            state = self._before = self._state = self._read()
            self._status = self._read_status()
        except Failure as failure:
            raise self._meaning(failure) from None
        self._changes = changes = resize_checks.open_changes(request, state)
        if not changes:
            self._after = state
            self._end("ok", None, f"{request.guest} has {self._told(request.to)} already{self._waiting(state)}.")
            return
        host = self._overview.nodes[self._node]
        resize_checks.check_precondition(request, self._entry, state, changes, host.get("maxcpu"))
        resize_checks.check_state(self._overview, request, self._status, state)
        resize_checks.check_sizes(request, state, changes)
        resize_checks.check_use(request, state, changes, self._status, self._patience.margin)
        self._rights.check(resize_checks.rights_for(request, self._entry, state, changes))
        if any(key.startswith(DISK) for key in changes) and self._growing():
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
        if resize_checks.lowers(t.cast(State, self._state), config):
            # What is used is seconds old by now, and too little memory kills.
            status = self._attempt(self._read_status)
            resize_checks.check_use(self.request, t.cast(State, self._state), config, status, self._patience.margin)
        values = {key: written(key, value) for key, value in config.items()}
        gone = ",".join(sorted(key for key, value in values.items() if value is None))
        params = {**values, "delete": gone or None, "digest": t.cast(State, self._state).digest}
        try:
            self._write("config", params, lambda: {} if self._is(config) else None)
        except Failure as failure:
            # A limit that cannot be plugged stays pending, and the call fails all the same.
            if not any(_HOTPLUG in text for text in failure.errors.values()):
                raise
        self._verify(config)

    def _grow(self, key: str, size: int) -> None:
        wanted: Limits = {key: size}

        def begun() -> t.Optional[str]:
            # In this order, as it may end between the two. An empty UPID: it has been done, and no task is left to follow.
            upid = self._growing()
            return upid if upid or not self._is(wanted) else ""

        params = {
            "disk": key[len(DISK) :],
            "size": str(size) if size % 1024 else f"{size // 1024}K",
            "digest": t.cast(State, self._state).digest,
        }
        upid = self._write("resize", params, begun)
        if upid:
            self._attempt(lambda: follow(self._client, upid, timeout=self._patience.timeout, poll=self._patience.poll))
        self._verify(wanted)

    def _write(self, verb: str, params: t.Mapping[str, t.Any], done: t.Callable[[], t.Any]) -> t.Any:
        """PUT once; whatever was carried out shows when it is read back."""
        self._touched, self._digest = True, str(params["digest"])
        return self._attempt(lambda: self._client.write("PUT", f"{self._path}/{verb}", params, done=done))

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
        self._state = self._read()
        return all(same(key, self._state.wanted.get(key), value) for key, value in wanted.items())

    # ---- reading -----------------------------------------------------------------------------------------------------

    @property
    def _node(self) -> str:
        return str(self._entry["node"])

    @property
    def _path(self) -> str:
        return config_path(self.request.guest, self._node)

    @property
    def _running(self) -> bool:
        return bool(self._status.get("status") == "running")

    def _read(self) -> State:
        return read_state(self._client, self.request.guest, self._node)

    def _read_status(self) -> Entry:
        return t.cast(Entry, self._client.get(f"{self._path}/status/current"))

    def _read_back(self) -> t.Optional[State]:
        """The state after something went wrong; None where that cannot be read either."""
        try:
            return self._read()
        except Failure:
            return None

    def _growing(self) -> t.Optional[str]:
        """The task that grows a disk of the guest right now."""
        number = self.request.guest.partition("/")[2]
        tasks = self._client.get(f"/nodes/{self._node}/tasks", source="active", vmid=number, typefilter="resize")
        return next((str(task["upid"]) for task in tasks), None)

    # ---- what failures mean ------------------------------------------------------------------------------------------

    def _attempt(self, call: t.Callable[[], t.Any]) -> t.Any:
        try:
            return call()
        except Failure as failure:
            raise self._meaning(failure) from None

    def _meaning(self, failure: Failure) -> Exception:
        """What others did to the guest meanwhile, in our words; anything else stays as it is."""
        # What reading back met says nothing of what became of the change itself.
        guest, text = self.request.guest, failure.seen.partition("; reading it back:")[0]
        if _GONE.search(text):
            resources = self._client.get("/cluster/resources", type="vm")
            node = next((entry.get("node") for entry in resources if entry.get("id") == guest), None)
            return refusals.changed(guest, "The node", self._node, node or "none any more") if node != self._node else failure
        locked = _LOCKED.search(text)
        if locked:
            return Refused("locked", f"{guest} is locked ({locked[1]}) meanwhile; needed is that what locked it ends.")
        if _MODIFIED.search(text):
            state = self._read_back()
            return refusals.changed(guest, "The digest of the configuration", self._digest, state.digest if state else "another")
        return failure

    # ---- the result --------------------------------------------------------------------------------------------------

    def result(self) -> Result:
        """What the module returns of this guest: C(changed) follows from C(before) and C(after)."""
        before, after = (state.show() if state else None for state in (self._before, self._after))
        ended = self._ended or {"status": "changed", "reason": None, "message": self._done()}
        ha = (self._status.get("ha") or {}).get("managed")
        found = {
            "guest": self.request.guest,
            "node": self._entry.get("node"),
            "stopped_at": None,
            **ended,
            "changed": before != after,
            "before": before,
            "after": after,
            "restart_required": self._restart(self._after) if self._after else [],
            "ha": bool(ha),
            "seconds": round(self._seconds, 3),
        }
        if self.request.item is not None:
            found["item"] = self.request.item
        return found

    def _restart(self, state: State) -> t.List[str]:
        return sorted(self.request.to.keys() & state.pending.keys())

    def _waiting(self, state: State) -> str:
        keys = self._restart(state)
        if not keys:
            return ""
        by = " through the HA manager" if (self._status.get("ha") or {}).get("managed") else ""
        return f"; {' and '.join(keys)} {'wait' if len(keys) > 1 else 'waits'} for a restart{by}"

    def _told(self, limits: Limits) -> str:
        return ", ".join(f"{key} {show(key, value)}" for key, value in sorted(limits.items()))

    def _done(self) -> str:
        before, after = t.cast(State, self._before), t.cast(State, self._after)
        steps = ", ".join(f"{key} {show(key, before.wanted[key])} → {show(key, after.wanted.get(key))}" for key in sorted(self._changes))
        return f"Resized {self.request.guest} on {self._node}: {steps}{self._waiting(after)}."
