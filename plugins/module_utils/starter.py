# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the run that started this module still waits for it.

ansible-core gives every worker a session of its own, and so does sshd every command: what kills the run does not reach the module, which would
work on for nobody while the next run has begun. What it leaves behind is a session leader with another parent.
"""

from __future__ import annotations

import os
import typing as t


class Starter:
    """The run that started this process, as long as it lives. Where that cannot be seen (no procfs, a task with C(async)) it is never gone."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._leader = os.getsid(0)
        self._parent = self._parent_of_leader()

    def is_gone(self) -> bool:
        """Whether nobody waits for this process any more."""
        return self._parent is not None and self._parent_of_leader() != self._parent

    def _parent_of_leader(self) -> t.Optional[int]:
        try:
            with open(os.path.join(self._proc, str(self._leader), "stat"), encoding="utf-8", errors="replace") as file:
                # The command in parentheses may hold anything; the state and the parent follow its last one, see proc(5).
                return int(file.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            return None
