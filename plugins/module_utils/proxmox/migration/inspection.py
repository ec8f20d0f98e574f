# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looking at a guest right before its move: where it is, whether somebody moves it already, and whether it may be moved now."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.ha import MOVING
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration import checks, sight
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.disks import check_disks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.following import POLL, Clock, Tell, follow
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.log import target_of
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import (
    LIVE,
    OFFLINE,
    RESTART,
    Broken,
    Later,
    Refused,
)
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import Identity
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move, Options
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.rooms import MEMORY, Place, Rooms
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.windows import check_window
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, Lists, read_overview


class There(t.NamedTuple):
    """Nothing is to be done: the guest is on its target, or beyond. ``by``: the task that brings it, where one was seen."""

    node: str
    running: bool
    by: t.Optional[str] = None


class Waited(t.NamedTuple):
    """Somebody else moved it, by this task where it is known; it is to be looked at again."""

    by: t.Optional[str]


class Ready(t.NamedTuple):
    """It may be moved now, and its room is promised. ``known``: the migrations of it that were there before."""

    mode: str
    running: bool
    along: t.Tuple[str, ...]
    local_disks: bool
    needs: t.Dict[Place, int]
    memory: int
    known: t.FrozenSet[str]


class Inspector:
    """Looks at the guests of a run. Threads may share it.

    :param foretold: check mode: where guests would be by now. None in a real run, which waits for what it finds running.
    """

    def __init__(
        self,
        client: Client,
        options: Options,
        moves: t.Sequence[Move],
        *,
        identity: Identity,
        clock: Clock,
        foretold: t.Optional[t.Dict[str, str]] = None,
    ) -> None:
        self._client = client
        self._options = options
        self._identity = identity
        self._clock = clock
        self._foretold = foretold
        self.rooms = Rooms()
        self._wanted: t.Dict[str, t.Set[str]] = {}
        for move in moves:
            self._wanted.setdefault(move.guest, set()).add(move.target)

    def inspect(self, move: Move, *, now: int, deadline: float, tell: Tell) -> t.Union[There, Ready]:
        """Look at a guest, and wait for whoever moves it to this target already.

        :raises Refused: when it may not be moved. Later: when it may, but not now. Broken: when a wait was too long. Failure: of a call.
        """
        by: t.Optional[str] = None
        again = True
        while True:
            try:
                found = self._look(move, by, now, deadline, tell)
            except (Refused, Failure) as error:
                if not again or not _of_the_moment(error):
                    raise
                again = False
                self._client.sleep(POLL)
                continue
            if not isinstance(found, Waited):
                return found
            by = found.by or by

    def _look(self, move: Move, by: t.Optional[str], now: int, deadline: float, tell: Tell) -> t.Union[There, Ready, Waited]:
        """Look once, and wait where somebody moves it."""
        overview = read_overview(self._client)
        checks.check_cluster(move, overview)
        around = overview.lists
        entry = around.guests.get(move.guest)
        if entry is None:
            raise Refused("gone", f"{move.guest} is not in the cluster, expected on {move.source}. Plan again.")
        at = (self._foretold or {}).get(move.guest, str(entry["node"]))
        beyond = (move.target, *move.onward)
        if at not in (move.source, *beyond):
            raise Refused("precondition_changed", f"{move.guest} is on {at}, expected on {move.source} or {move.target}. Plan again.")
        tasks_of_it = self._migrations(move, around)
        active = next((str(task["upid"]) for task in tasks_of_it if task.get("endtime") is None), None)
        if (active is not None or entry.get("hastate") in MOVING) and move.guest not in (self._foretold or {}):
            return self._moved_by_others(move, entry, active, deadline, tell)
        if at in beyond:
            if entry.get("lock") == "migrate":
                raise Refused("locked", checks.locked(move, "migrate"))
            return There(at, self._runs(entry, move), by)
        checks.check_quorum(overview)
        return self._judge(move, around, entry, frozenset(str(task["upid"]) for task in tasks_of_it), now)

    def _moved_by_others(self, move: Move, entry: Entry, active: t.Optional[str], deadline: float, tell: Tell) -> t.Union[There, Waited]:
        """Wait for a migration to this target; in check mode it is foretold to end well.

        :raises Refused: when it goes elsewhere.
        """
        to = self._bound_for(active)
        if to not in (None, move.target, *move.onward):
            raise Refused("precondition_changed", f"{move.guest} is on its way to {to} ({active}), not to {move.target}. Plan again.")
        if self._foretold is not None:
            return There(move.target, entry.get("status") == "running", active or "the HA manager")
        self._wait(move, active, deadline, tell)
        return Waited(active)

    def _runs(self, entry: Entry, move: Move) -> bool:
        """Whether it runs, as its node says; where that gives no answer, as the list does."""
        try:
            return sight.is_running(self._client, str(entry["node"]), move.guest)
        except Failure:
            return entry.get("status") == "running"

    def _migrations(self, move: Move, around: Lists) -> t.List[Entry]:
        """Its migrations run on the node that it leaves; a node that is off runs none."""
        if (around.nodes.get(move.source) or {}).get("status") != "online":
            return []
        return sight.migrations(self._client, move.source, move.guest)

    def _bound_for(self, upid: t.Optional[str]) -> t.Optional[str]:
        return None if upid is None else target_of(tasks.read_log(self._client, tasks.parse(upid), 0))

    def _wait(self, move: Move, upid: t.Optional[str], deadline: float, tell: Tell) -> None:
        """For the end of a migration that another run began, or the HA manager's."""
        if upid is not None:
            tell(move, f"waits for {upid}, which moves it already")
            follow(self._client, move, upid, deadline=deadline, tell=tell, clock=self._clock)
        if self._clock() >= deadline:
            raise Broken(
                failures.TIMED_OUT,
                f"{move.guest} was still being moved after {self._options.timeout:g} seconds. It goes on there; needed is more patience (O(timeout)).",
            )
        self._client.sleep(POLL)

    def _judge(self, move: Move, around: Lists, entry: Entry, known: t.FrozenSet[str], now: int) -> Ready:
        """Every check, those that cost no call first."""
        options, client = self._options, self._client
        checks.check_nodes(move, around)
        checks.check_tags(move, around, lambda other: (self._foretold or {}).get(other, str(around.guests[other]["node"])))
        node = str(entry["node"])
        seen = sight.look_closer(client, node, move.guest)
        checks.check_guest(move, entry, seen, never_move=options.never_move, identity=self._identity)
        seen = seen._replace(possible=sight.ask_possible(client, node, move.guest, move.target))
        checks.check_possible(move, seen)
        along = checks.check_company(move, seen, around, self._wanted)
        copied = check_disks(move, seen, around)
        mode = (RESTART if move.kind == "lxc" else LIVE) if seen.running else OFFLINE
        latest = now + int(options.window_wait) if self._foretold is not None else now
        try:
            check_window(options.windows, mode, move.window, now=now, seconds=move.seconds)
        except Later as later:
            if later.at is None or later.at > latest:
                raise
        memory = seen.memory + sum(self._memory_of(around, other) for other in along)
        needs: t.Dict[Place, int] = {(move.target, storage): size for storage, size in copied.items()}
        if memory:
            needs[move.target, MEMORY] = memory
        self._promise(move, needs)
        return Ready(mode, seen.running, along, bool(copied), needs, memory, known)

    @staticmethod
    def _memory_of(around: Lists, guest: str) -> int:
        entry = around.guests[guest]
        return max(0, int(entry.get("mem") or 0)) if entry.get("status") == "running" else 0

    def _promise(self, move: Move, needs: t.Dict[Place, int]) -> None:
        """Keep room on the target.

        :raises Later: when moves in flight take it. Refused: V(no_room).
        """
        kept = int(self._options.reserves.get(move.target, {}).get("memory", self._options.reserve.get("memory", 0)))
        free = {
            place: sight.free_bytes(self._client, *place) if place[1] else sight.free_memory(self._client, move.target) - kept
            for place in needs
        }
        lacking = self.rooms.promise(move.id, needs, free)
        if lacking is None:
            return
        (_node, storage), left, promised = lacking
        what = f"{move.target} has {max(0, left)} bytes free {f'on {storage}' if storage else 'of memory'}"
        after = "" if storage else f" after its reserve of {kept} (O(reserve))"
        text = f"{what}{after}, and {move.guest} needs {needs[lacking[0]]}"
        if promised:
            raise Later(f"{text}; other moves of this run are on their way there.")
        raise Refused("no_room", f"{text}. Needed is room there. Plan again.")


def _of_the_moment(error: t.Union[Refused, Failure]) -> bool:
    """Whether a second look may show something else: another run may begin or end a migration between two of our calls."""
    if isinstance(error, Failure):
        return error.kind == failures.REFUSED
    return error.reason == "locked"
