# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of moves."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.inspection import Ready
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import (
    CHANGED,
    FAILED,
    LIVE,
    NOT_STARTED,
    OK,
    REFUSED,
    RESTART,
    STATUSES,
    Document,
)
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.step import Made

_HOW = {LIVE: "live", RESTART: "with a restart"}
_COUNTED = {CHANGED: "moved", OK: "there already", REFUSED: "refused", FAILED: "failed", NOT_STARTED: "not started"}


def there(move: Move, node: str, by: t.Optional[str], *, same: bool, check: bool) -> str:
    """It is on its target, or beyond."""
    if same:
        return f"{move.guest} is on {node} already."
    if by is not None:
        return f"{move.guest} {'would be' if check else 'was'} brought to {node} by {by}, which ran already."
    return f"{move.guest} {'would go' if check else 'went'} along to {node} with another guest."


def would(move: Move, ready: Ready) -> str:
    """Check mode."""
    return f"{move.guest} would be moved from {move.source} to {move.target} {_HOW.get(ready.mode, 'while it is stopped')}{_along(ready)}."


def moved(move: Move, ready: Ready, made: Made) -> str:
    """What was done, and what it cost as far as its log tells."""
    cost = made.cost
    parts = [
        f"{cost.seconds:.0f} s" if cost.seconds is not None else "",
        f"{cost.bytes} bytes" if cost.bytes else "",
        f"{cost.downtime_seconds:g} s down" if cost.downtime_seconds is not None else "",
    ]
    told = ", ".join(part for part in parts if part)
    how = _HOW.get(ready.mode, "while it was stopped")
    text = f"{move.guest} was moved from {move.source} to {move.target} {how}{_along(ready)}{f' ({told})' if told else ''}."
    return f"{text} {made.warning}" if made.warning else text


def _along(ready: Ready) -> str:
    return f", and {', '.join(ready.along)} with it" if ready.along else ""


def stopped(move: Move, by: Move) -> str:
    """A move that was not begun as another went wrong."""
    why = "its room was planned for after that" if by.wave < move.wave else "as many as may went wrong (O(max_failures))"
    return f"{move.guest} was not moved, because {by.guest} was not moved as planned: {why}."


def abandoned(move: Move) -> str:
    """A move that was not begun as nobody waits for it."""
    return f"{move.guest} was not moved, because the run that it was for is gone."


def waits(move: Move) -> str:
    """A move that comes after one that has not begun."""
    return f"{move.guest} was not moved, because its turn is after moves that were not begun."


def summary(outcomes: t.Sequence[Document]) -> str:
    """All of a run in one text: how many did what, and why those that did not move did not."""
    counts = [(_COUNTED[status], sum(one["status"] == status for one in outcomes)) for status in STATUSES]
    text = ", ".join(f"{number} {word}" for word, number in counts if number) or "nothing to do"
    told = [str(one["message"]) for one in outcomes if one["status"] in (REFUSED, FAILED)]
    told += [str(one["message"]) for one in outcomes if one["status"] == NOT_STARTED and one["reason"] == "window"][:1]
    return f"{len(outcomes)} move{'' if len(outcomes) == 1 else 's'}: {text}.{''.join(' ' + one for one in told)}"
