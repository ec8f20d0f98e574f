# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following a migration to its end, through nodes that stop answering for a while."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move

POLL = 1.0
# Seconds without any answer of the node that runs the task, after which it is not waited for any longer.
SILENCE = 120.0
Clock = t.Callable[[], float]
Tell = t.Callable[[Move, str], None]
_MAY_PASS = (failures.UNREACHABLE, failures.NODE_DEAD, failures.REFUSED)


class End(t.NamedTuple):
    """How a task ended; None where its node does not know it any more, as after it lost power."""

    exitstatus: t.Optional[str]
    log: t.Tuple[str, ...]

    @property
    def well(self) -> bool:
        return self.exitstatus == "OK" or self.warned

    @property
    def warned(self) -> bool:
        return (self.exitstatus or "").startswith("WARNINGS")


def follow(client: Client, move: Move, upid: str, *, deadline: float, tell: Tell, clock: Clock) -> End:
    """Wait for the end of a task. Its lines are told as they come.

    :raises Failure: V(timed_out), or the last one of a node that gave no answer for too long.
    """
    lines: t.List[str] = []
    silent_since: t.Optional[float] = None
    while True:
        passed = 0

        def hear(new: t.List[str]) -> None:
            nonlocal passed, silent_since
            silent_since = None
            for line in new:
                passed += 1
                if passed > len(lines):
                    lines.append(line)
                    tell(move, line)

        try:
            ended = tasks.follow(client, upid, timeout=max(0.0, deadline - clock()), poll=POLL, progress=hear, clock=clock)
            return End(ended.exitstatus, ended.log)
        except tasks.TaskFailed as failed:
            return End(failed.exitstatus, failed.log)
        except Failure as failure:
            if failure.kind == failures.PARAMETERS:
                return End(None, tuple(lines))
            now = clock()
            silent_since = silent_since or now
            if failure.kind not in _MAY_PASS or now >= deadline or now - silent_since >= SILENCE:
                raise
        client.sleep(POLL)
