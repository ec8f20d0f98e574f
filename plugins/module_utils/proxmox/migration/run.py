# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run: the moves of a plan in their waves, each checked right before it is made, and what became of every one."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration import story
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.following import POLL, Clock, Tell
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.inspection import Inspector, Ready, There
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.log import Cost, shortened
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import (
    CHANGED,
    FAILED,
    NOT_STARTED,
    OK,
    REFUSED,
    Broken,
    Document,
    Later,
    Refused,
)
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import Identity
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move, Options
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.rooms import MEMORY
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.schedule import Limits, Schedule
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.step import Made, Step
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Lists, read_lists
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import Rights

_SHARE_OF_NODES = 4
_LEAST_AT_ONCE = 4
_LONGEST_SLEEP = 30.0
# Besides VM.Migrate and VM.Audit on every guest that is moved.
_PRIVILEGES = (("/", "Sys.Audit"), ("/nodes", "Sys.Audit"), ("/storage", "Datastore.Audit"))
_GUEST_PRIVILEGES = ("VM.Audit", "VM.Migrate")
Place = t.Optional[Document]


class Run:
    """Moves of one cluster. In check mode it only tells what it would do; once it is ``abandoned`` it begins no other."""

    def __init__(
        self,
        client: Client,
        moves: t.Sequence[Move],
        options: Options,
        *,
        check: bool,
        identity: Identity,
        tell: Tell,
        clock: Clock = time.monotonic,
        now: Clock = time.time,
        abandoned: t.Callable[[], bool] = lambda: False,
    ) -> None:
        self._client = client
        self._moves = moves
        self._options = options
        self._check = check
        self._clock = clock
        self._now = now
        self._abandoned = abandoned
        self._foretold: t.Dict[str, str] = {}
        self._inspector = Inspector(client, options, moves, identity=identity, clock=clock, foretold=self._foretold if check else None)
        self._step = Step(client, options, tell=tell, clock=clock)
        self._tell = tell
        self._places: t.Dict[str, str] = {}
        self._outcomes: t.Dict[str, Document] = {}
        self._put_off: t.Dict[str, Later] = {}

    def carry_out(self) -> t.List[Document]:
        """One outcome for each action, in the order of the run.

        :raises Failure: when nothing could be begun, as a privilege is missing or no host answers.
        """
        if not self._moves:
            return []
        guests = dict.fromkeys(move.vmid for move in self._moves)
        Rights(self._client).check([*_PRIVILEGES, *((f"/vms/{vmid}", name) for vmid in guests for name in _GUEST_PRIVILEGES)])
        around = read_lists(self._client)
        self._places = {guest: str(entry["node"]) for guest, entry in around.guests.items()}
        schedule = Schedule(self._moves, self._limits(around))
        self._work(schedule)
        for move in schedule.waiting:
            self._outcomes[move.id] = self._left(move, schedule)
        return [self._outcomes[move.id] for move in self._moves]

    def _limits(self, around: Lists) -> Limits:
        options = self._options
        total = options.total or max(_LEAST_AT_ONCE, len(around.nodes) // _SHARE_OF_NODES)
        return Limits(total, options.per_node_in, options.per_node_out, options.max_failures)

    def _work(self, schedule: Schedule) -> None:
        until = self._now() + self._options.window_wait
        flying: t.Dict[Future[t.Union[Document, Later]], Move] = {}
        # What is foretold builds on what was foretold before, so one at a time.
        with ThreadPoolExecutor(max_workers=1 if self._check else min(len(self._moves), 64)) as pool:
            while True:
                abandoned = self._abandoned()
                for move in () if abandoned else schedule.begin(int(self._now())):
                    flying[pool.submit(self._one, move)] = move
                opens = None if abandoned else schedule.opens()
                if not flying:
                    if self._check or opens is None or opens > until:
                        return
                    self._client.sleep(max(POLL, min(_LONGEST_SLEEP, opens - self._now())))
                    continue
                done, _rest = wait(flying, timeout=None if opens is None or self._check else POLL, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=lambda one: self._moves.index(flying[one])):
                    self._ended(schedule, flying.pop(future), future.result())

    def _ended(self, schedule: Schedule, move: Move, result: t.Union[Document, Later]) -> None:
        if isinstance(result, Later):
            self._put_off[move.id] = result
            schedule.put_back(move, result.at)
            return
        self._outcomes[move.id] = result
        if result["after"] is not None:
            self._places[move.guest] = result["after"]["node"]
        self._tell(move, f"{result['status']}: {result['message']}")
        schedule.end(move, well=result["status"] in (CHANGED, OK))

    # ---- one move ----------------------------------------------------------------------------------------------------

    def _one(self, move: Move) -> t.Union[Document, Later]:
        deadline = self._clock() + self._options.timeout
        try:
            found = self._inspector.inspect(move, now=int(self._now()), deadline=deadline, tell=self._tell)
        except Later as later:
            return later
        except Refused as refused:
            return self._unmoved(move, REFUSED, refused.reason, str(refused))
        except Broken as broken:
            return self._unmoved(move, FAILED, broken.reason, str(broken))
        except Failure as failure:
            return self._unmoved(move, FAILED, failure.kind, f"{move.guest} could not be looked at: {failure}", failure)
        if isinstance(found, There):
            return self._there(move, found)
        try:
            if self._abandoned():
                return Later("The run that it was for is gone.")
            return self._foretell(move, found) if self._check else self._made(move, found, self._step.make(move, found, deadline=deadline))
        finally:
            self._inspector.rooms.give_back(move.id)

    def _there(self, move: Move, found: There) -> Document:
        before, after = self._before(move, found.running), {"node": found.node, "running": found.running}
        same = before is not None and before["node"] == found.node
        if self._check and not same:
            self._foretold[move.guest] = found.node
        return self._outcome(
            move, OK if same else CHANGED, story.there(move, found.node, found.by, same=same, check=self._check), before, after
        )

    def _foretell(self, move: Move, ready: Ready) -> Document:
        for guest in (move.guest, *ready.along):
            self._foretold[guest] = move.target
        self._inspector.rooms.foretell(ready.needs, {(move.source, MEMORY): ready.memory} if ready.memory else {})
        after = {"node": move.target, "running": ready.running}
        return self._outcome(move, CHANGED, story.would(move, ready), self._before(move, ready.running), after, mode=ready.mode)

    def _made(self, move: Move, ready: Ready, made: Made) -> Document:
        after = None if made.place is None else {"node": made.place[0], "running": made.place[1]}
        broken = made.problem
        return self._outcome(
            move,
            CHANGED if broken is None else FAILED,
            story.moved(move, ready, made) if broken is None else str(broken),
            self._before(move, ready.running),
            after,
            reason=None if broken is None else broken.reason,
            failure=None if broken is None else broken.failure,
            mode=ready.mode,
            upid=made.upid or None,
            cost=made.cost,
            log=made.log,
        )

    def _unmoved(self, move: Move, status: str, reason: str, message: str, failure: t.Optional[Failure] = None) -> Document:
        """Nothing was done, so it is where it was."""
        before = self._before(move, None)
        return self._outcome(move, status, message, before, before, reason=reason, failure=failure)

    def _left(self, move: Move, schedule: Schedule) -> Document:
        by, later = schedule.stopped_by, self._put_off.get(move.id)
        before = self._before(move, None)
        if self._abandoned():
            self._tell(move, story.abandoned(move))
            return self._outcome(move, NOT_STARTED, story.abandoned(move), before, before, reason="stopped")
        if by is not None:
            return self._outcome(move, NOT_STARTED, story.stopped(move, by), before, before, reason="stopped")
        if later is not None:
            return self._outcome(move, NOT_STARTED, f"{move.guest} was not moved. {later}", before, before, reason="window")
        return self._outcome(move, NOT_STARTED, story.waits(move), before, before, reason="waits")

    def _before(self, move: Move, running: t.Optional[bool]) -> Place:
        node = self._places.get(move.guest)
        if node is None:
            return None
        return {"node": node} if running is None else {"node": node, "running": running}

    @classmethod
    def none_made(cls, moves: t.Sequence[Move], failure: Failure) -> t.List[Document]:
        """The outcomes of moves of which none could be begun."""
        return [
            cls._outcome(move, FAILED, f"{move.guest} was not moved: {failure}", None, None, reason=failure.kind, failure=failure)
            for move in moves
        ]

    @staticmethod
    def _outcome(
        move: Move,
        status: str,
        message: str,
        before: Place,
        after: Place,
        *,
        reason: t.Optional[str] = None,
        failure: t.Optional[Failure] = None,
        mode: t.Optional[str] = None,
        upid: t.Optional[str] = None,
        cost: t.Optional[Cost] = None,
        log: t.Sequence[str] = (),
    ) -> Document:
        spent = cost or Cost()
        return {
            "item": move.action,
            "status": status,
            "changed": (before or {}).get("node") != (after or {}).get("node") and after is not None,
            "skipped": status == NOT_STARTED,
            "reason": reason,
            "message": message,
            "before": before,
            "after": after,
            "mode": mode,
            "upid": upid,
            "seconds": spent.seconds,
            "cost": {"bytes": spent.bytes, "downtime_seconds": spent.downtime_seconds},
            "privilege": None if failure is None else failure.privilege,
            "path": None if failure is None else failure.path,
            "log": shortened(log),
        }
