# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How an executor says no: nothing was changed, and why."""

from __future__ import annotations

import typing as t

PRECONDITION_CHANGED = "precondition_changed"


class Refused(Exception):
    """Nothing was changed. ``reason`` is a code of the table in docs/proxmox.md."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


def changed(guest: str, what: str, expected: t.Any, seen: t.Any) -> Refused:
    """The refusal of what is not as the plan saw it."""
    return Refused(PRECONDITION_CHANGED, f"{what} of {guest} is {seen}, expected {expected}: it was changed meanwhile. Plan again.")
