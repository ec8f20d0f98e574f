# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a call of the Proxmox VE API can end badly: what was seen, what is needed, and the option that changes it."""

from __future__ import annotations

import typing as t

# Kinds of failures. A call that ended unreachable, unsettled or node_dead may have been carried out, unless it was never sent.
UNREACHABLE = "unreachable"
UNTRUSTED = "untrusted"
UNAUTHENTICATED = "unauthenticated"
FORBIDDEN = "forbidden"
PARAMETERS = "parameters"
REFUSED = "refused"
NODE_DEAD = "node_dead"
UNSUPPORTED = "unsupported"
UNSETTLED = "unsettled"
TASK_FAILED = "task_failed"
TIMED_OUT = "timed_out"
BLOCKED = "blocked"


class Failure(Exception):
    """A call, a task or a wait that did not end well.

    ``status`` is the HTTP status, 0 without an answer; ``privilege`` and ``path`` name what a 403 asks for; ``errors`` maps parameters to texts.
    ``sent`` tells whether the API may have seen the call; ``again`` whether a read is worth another try, ``elsewhere`` whether at another host.
    """

    def __init__(
        self,
        kind: str,
        seen: str,
        needed: str = "",
        *,
        status: int = 0,
        privilege: t.Optional[str] = None,
        path: t.Optional[str] = None,
        errors: t.Optional[t.Dict[str, str]] = None,
        sent: bool = True,
        again: bool = False,
        elsewhere: bool = False,
    ) -> None:
        self.kind = kind
        self.seen = seen
        self.needed = needed
        self.status = status
        self.privilege = privilege
        self.path = path
        self.errors = errors or {}
        self.sent = sent
        self.again = again
        self.elsewhere = elsewhere
        super().__init__(seen, needed)

    def __str__(self) -> str:
        return f"{_sentence(self.seen)} {_sentence(self.needed)}".strip()


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."
