# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a resize can end badly: refused before anything was changed, or failed at a step."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed


class Refused(Exception):
    """Nothing was changed, and why. ``reason`` is a code of the table in docs/lv_resize.md."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class StepFailed(Exception):
    """A step went wrong after the resize had begun; ``step`` names it."""

    def __init__(self, reason: str, step: str, message: str) -> None:
        self.reason = reason
        self.step = step
        super().__init__(message)


def unreadable(what: str, failed: Exception) -> Refused:
    """The refusal for something that a tool could not read, or whose answer makes no sense."""
    said = str(failed) if isinstance(failed, CommandFailed) else f"the tool's answer is not understood ({type(failed).__name__}: {failed})"
    return Refused("not_readable", f"Cannot read {what}: {said}.")
