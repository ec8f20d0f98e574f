# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a move can end without being made: refused, or left for later."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

CHANGED, OK, REFUSED, FAILED, NOT_STARTED = "changed", "ok", "refused", "failed", "not_started"
STATUSES = (CHANGED, OK, REFUSED, FAILED, NOT_STARTED)
LIVE, RESTART, OFFLINE = "live", "restart", "offline"
MODES = (LIVE, RESTART, OFFLINE)
Document = t.Dict[str, t.Any]


class Refused(Exception):
    """Nothing was changed, and why. ``reason`` is a code of the table in docs/proxmox.md."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Later(Exception):
    """Not now: from ``at`` on (UTC seconds), or without one when another move of this run has ended."""

    def __init__(self, message: str, at: t.Optional[int] = None) -> None:
        self.at = at
        super().__init__(message)


class Broken(Exception):
    """A move that was begun did not end as it should; ``failure`` is the call or the wait that told."""

    def __init__(self, reason: str, message: str, failure: t.Optional[Failure] = None) -> None:
        self.reason = reason
        self.failure = failure
        super().__init__(message)
