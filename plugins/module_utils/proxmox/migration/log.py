# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the log of a migration tells of its cost (the lines are described in BEHAVIOUR of Proxmox VE 9.2: QemuMigrate.pm, LXC/Migrate.pm)."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50}
_SIZE = r"(?P<size>\d+(?:\.\d+)?) (?P<unit>[KMGTP]?i?B)"
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:ERROR: )?(.*)")
_STATE = re.compile(rf"migration completed, transferred {_SIZE} VM-state")
_DRIVE = re.compile(rf"(?P<drive>drive-\w+): transferred {_SIZE} of ")
_DOWNTIME = re.compile(r"average migration speed: .* - downtime (\d+) ms")
_DURATION = re.compile(r"\(duration (\d+):(\d\d):(\d\d)\)")
_TARGET = re.compile(r"starting migration of (?:CT|VM) \d+ to node '([^']+)'")
_LOCAL = ("found local volume ", "found local disk ")
_LONGEST = 200
_TOLD = 4


class Cost(t.NamedTuple):
    """What a migration cost; None where its log does not tell."""

    bytes: t.Optional[int] = None
    seconds: t.Optional[float] = None
    downtime_seconds: t.Optional[float] = None


def cost(lines: t.Sequence[str]) -> Cost:
    """Read a whole log.

    Bytes are those of memory and of drives that were mirrored; of volumes that were copied offline the log tells none, so they are None then.
    Downtime is what a live migration tells, and of a container the time from C(shutdown CT) to the end of its start.
    """
    told = [match.groups() for match in map(_STAMP.match, lines) if match]
    texts = [text for _stamp, text in told]
    seconds = next((_duration(match) for match in map(_DURATION.search, reversed(texts)) if match), None)
    downtime = next((int(match[1]) / 1000 for match in map(_DOWNTIME.match, texts) if match), None)
    return Cost(_bytes(texts), seconds, _outage(told) if downtime is None else downtime)


def _bytes(texts: t.Sequence[str]) -> t.Optional[int]:
    state = [_size(match) for match in map(_STATE.match, texts) if match]
    drives = {match["drive"]: _size(match) for match in map(_DRIVE.match, texts) if match}
    if state:
        return state[-1] + sum(drives.values())
    # Only a migration that went through has moved all there was to move.
    through = any(text.startswith("migration finished successfully") for text in texts)
    return 0 if through and not any(text.startswith(_LOCAL) for text in texts) else None


def _size(match: t.Match[str]) -> int:
    return int(float(match["size"]) * _UNITS[match["unit"]])


def _duration(match: t.Match[str]) -> float:
    hours, minutes, seconds = (int(part) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + seconds)


def _outage(told: t.Sequence[t.Tuple[str, ...]]) -> t.Optional[float]:
    """Seconds from the shutdown of a container to the end of its start."""
    began = next((stamp for stamp, text in told if text.startswith("shutdown CT ")), None)
    started = any(text.startswith("start container on target node") for _stamp, text in told)
    ended = next((stamp for stamp, text in told if text.startswith("migration finished successfully")), None)
    if began is None or ended is None or not started:
        return None
    return (_time(ended) - _time(began)).total_seconds()


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S")


def target_of(lines: t.Sequence[str]) -> t.Optional[str]:
    """The node that a running migration goes to, once its log tells."""
    return next((match[1] for match in map(_TARGET.search, lines) if match), None)


def errors(lines: t.Sequence[str]) -> t.List[str]:
    """The lines of a log that say what went wrong, without their times."""
    found = [line[len("YYYY-MM-DD HH:MM:SS ") :] for line in lines if _STAMP.match(line) and ("ERROR: " in line or "error: " in line)]
    return found[-_TOLD:]


def shortened(lines: t.Sequence[str]) -> t.List[str]:
    """The log for a result: of the lines that only tell progress the last of each kind, and of a very long one the end."""
    kinds = [_progress_of(line) for line in lines]
    last = {kind: number for number, kind in enumerate(kinds)}
    kept = [line for number, line in enumerate(lines) if kinds[number] is None or last[kinds[number]] == number]
    return kept[-_LONGEST:]


def _progress_of(line: str) -> t.Optional[str]:
    match = _STAMP.match(line)
    text = match[2] if match else line
    if text.startswith("migration active, transferred"):
        return "memory"
    drive = _DRIVE.match(text)
    return drive["drive"] if drive else None
