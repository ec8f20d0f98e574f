# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One move: the request, the wait, and the look at where the guest is before anything is told of it."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, ha, tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration import sight
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.following import POLL, Clock, End, Tell, follow
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.inspection import Ready
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.log import Cost, cost, errors
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import LIVE, RESTART, Broken
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move, Options
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import read_lists

# Looks for the task of a request whose answer was lost; the node may still be at work on it.
_LOOKS = 3


class Made(t.NamedTuple):
    """A move that was made, or tried: ``place`` is where the guest is, None where nobody told."""

    upid: str
    place: t.Optional[t.Tuple[str, bool]]
    log: t.Tuple[str, ...]
    cost: Cost
    problem: t.Optional[Broken]
    warning: t.Optional[str] = None


class Step:
    """Makes the moves of a run, each once. Threads may share it."""

    def __init__(self, client: Client, options: Options, *, tell: Tell, clock: Clock) -> None:
        self._client = client
        self._options = options
        self._tell = tell
        self._clock = clock

    def make(self, move: Move, ready: Ready, *, deadline: float) -> Made:
        """Request it, wait for it, and look where the guest is then, whatever was said."""
        upid, end, problem = "", End(None, ()), None
        spent, log = Cost(), end.log
        try:
            upid = self._request(move, ready)
            if upid:
                end = follow(self._client, move, upid, deadline=deadline, tell=self._tell, clock=self._clock)
                spent, log = cost(end.log), end.log
            if upid and not end.well:
                self._await_others(move, upid, deadline)
            elif upid and tasks.parse(upid).kind == sight.QUEUED:
                self._tell(move, "is queued for the HA manager")
                left = max(0.0, deadline - self._clock())
                ha.wait_until_there(self._client, move.guest, move.target, timeout=left, poll=POLL, clock=self._clock)
                log, spent = self._of_manager(move, ready)
        except Failure as failure:
            text = str(failure) if upid else f"{move.guest} could not be moved: {failure}"
            problem = Broken(failure.kind, text, failure)
        return self._judged(move, ready, upid, end, log, spent, problem)

    def _request(self, move: Move, ready: Ready) -> str:
        """The UPID of the migration; nothing where only its effect was found after a lost answer."""
        options = self._options
        params: t.Dict[str, t.Any] = {"target": move.target}
        if ready.mode == LIVE:
            params["online"] = 1
            if ready.local_disks:
                params["with-local-disks"] = 1
        elif ready.mode == RESTART:
            params.update(restart=1, timeout=options.shutdown_timeout)
        if options.bandwidth is not None:
            params["bwlimit"] = max(1, int(options.bandwidth / max(options.per_node_in, options.per_node_out) / 1024))
        path = f"/nodes/{move.source}/{move.guest}/migrate"
        return str(self._client.write("POST", path, params, done=lambda: self._begun(move, ready)))

    def _begun(self, move: Move, ready: Ready) -> t.Optional[str]:
        """What a request left behind whose answer was lost or says that it failed: its task, or the guest on its target."""
        for look in range(_LOOKS):
            if look:
                self._client.sleep(POLL)
            found = self._new_task(move, ready)
            if found is not None:
                return found
            entry = read_lists(self._client).guests.get(move.guest) or {}
            if entry.get("node") == move.target:
                return ""
        return None

    def _new_task(self, move: Move, ready: Ready) -> t.Optional[str]:
        known = ready.known
        return next(
            (str(task["upid"]) for task in sight.migrations(self._client, move.source, move.guest) if str(task["upid"]) not in known), None
        )

    def _await_others(self, move: Move, upid: str, deadline: float) -> None:
        """Two runs asked at the same moment: the lock let one of them through, and its migration is the one to wait for."""
        for task in sight.migrations(self._client, move.source, move.guest):
            if task.get("endtime") is None and str(task["upid"]) != upid:
                follow(self._client, move, str(task["upid"]), deadline=deadline, tell=self._tell, clock=self._clock)

    def _of_manager(self, move: Move, ready: Ready) -> t.Tuple[t.Tuple[str, ...], Cost]:
        """Log and cost from the manager's own tasks, which did the work: a container is shut down, moved and started by one each."""
        try:
            left = tasks.of_guest(self._client, move.source, move.vmid)
            kind = sight.MIGRATIONS[move.kind]
            moved = next((one for one in left if one.get("type") == kind and str(one["upid"]) not in ready.known), None)
            if moved is None:
                return (), Cost()
            log = tuple(tasks.read_log(self._client, tasks.parse(moved["upid"]), 0))
            spent = cost(log)
            if ready.mode == RESTART:
                came = tasks.of_guest(self._client, move.target, move.vmid)
                down = next((one.get("starttime") for one in left if one.get("type") == "vzshutdown"), None)
                up = next((one.get("endtime") for one in came if one.get("type") == "vzstart"), None)
                if down is not None and up is not None and up >= down:
                    spent = spent._replace(downtime_seconds=float(up - down), seconds=float(up - down))
            return log, spent
        except Failure:
            # It is there; what it cost is not worth a failure.
            return (), Cost()

    def _judged(
        self, move: Move, ready: Ready, upid: str, end: End, log: t.Tuple[str, ...], spent: Cost, problem: t.Optional[Broken]
    ) -> Made:
        """Look where the guest is, whatever the task said."""
        try:
            node, running, lock = self._place(move)
        except Failure as failure:
            text = f"Where {move.guest} is could not be read after its migration ({upid or 'no task known'}): {failure}"
            return Made(upid, None, log, spent, Broken(failure.kind, f"{problem} {text}" if problem else text, failure))
        place = (node, running)
        said = _said(upid, end, problem)
        if lock == "migrate" and problem is None:
            problem = Broken("still_locked", f"{move.guest} is on {node} and still has the lock migrate. {said}")
        elif node == move.target and lock != "migrate" and running == ready.running:
            problem = None
        elif node == move.target and lock != "migrate" and ready.running:
            problem = Broken("not_running", f"{move.guest} is on {node}, but does not run there, as it did before. {said} Start it.")
        elif problem is None and node != move.target:
            reason = "migration_failed" if node == move.source else "precondition_changed"
            state = "" if running == ready.running else ", where it does not run any more; start it"
            problem = Broken(reason, f"{move.guest} is on {node}, not on {move.target}{state}. {said}")
        warning = None if problem is not None or end.exitstatus in (None, "OK") else said
        return Made(upid, place, log, spent, problem, warning)

    def _place(self, move: Move) -> t.Tuple[str, bool, t.Optional[str]]:
        entry = read_lists(self._client).guests.get(move.guest)
        if entry is None:
            raise Failure(failures.REFUSED, f"{move.guest} is not in the list of the cluster")
        node = str(entry["node"])
        return node, sight.is_running(self._client, node, move.guest), entry.get("lock")


def _said(upid: str, end: End, problem: t.Optional[Broken]) -> str:
    """What the task, or the wait for it, told."""
    if problem is not None:
        return str(problem)
    if not upid:
        return "The answer to the request was lost, and no task is known."
    last = " | ".join(errors(end.log))
    kind = tasks.parse(upid).kind
    how = f"ended with: {end.exitstatus}" if end.exitstatus is not None else "is not known to its node any more"
    return f"Its task {kind} {how}{f' (log: {last})' if last else ''}."
