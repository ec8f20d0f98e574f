# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How full mounted file systems are, measured so that one that does not answer cannot hang us."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import typing as t

SECONDS_PER_ANSWER = 5.0
SILENT_LIMIT = 3  # after so many file systems without an answer, the others are not asked any more

UNREADABLE = "unreadable"
NOT_ANSWERING = "not_answering"


class Usage(t.NamedTuple):
    """What statvfs(3) says of a file system, in bytes; ``inodes`` is None where the file system has no fixed number of them."""

    size: int
    used: int
    avail: int
    inodes: int | None
    inodes_used: int | None


Measured = t.Union[Usage, str]


def measure(paths: list[str], statvfs: t.Callable[[str], t.Any] = os.statvfs, seconds: float = SECONDS_PER_ANSWER) -> dict[str, Measured]:
    """The usage of the file system at each path, or why there is none: V(unreadable) or V(not_answering).

    A process that waits for a dead disk or server cannot be interrupted, not even by SIGKILL. So a child asks, one path after the
    other; when an answer takes longer than ``seconds`` that child is left behind, and another one goes on with the next path.
    """
    answers: dict[str, Measured] = {}
    waiting = list(dict.fromkeys(paths))
    silent = 0
    while waiting and silent < SILENT_LIMIT:
        answered, is_silent = _ask(waiting, statvfs, seconds)
        answers.update(zip(waiting, answered))  # noqa: B905 (Python 3.8)
        waiting = waiting[len(answered) :]
        if waiting:
            answers[waiting.pop(0)] = NOT_ANSWERING if is_silent else UNREADABLE
            silent += is_silent
    answers.update((path, NOT_ANSWERING) for path in waiting)
    return answers


def _ask(paths: list[str], statvfs: t.Callable[[str], t.Any], seconds: float) -> tuple[list[Measured], bool]:
    """The answers that a child gave in time, and whether it fell silent."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(paths, statvfs, writing)
    os.close(writing)
    answers, is_silent = _collect(reading, len(paths), seconds)
    os.close(reading)
    if is_silent:
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, os.WNOHANG if is_silent else 0)
    return answers, is_silent


def _answer(paths: list[str], statvfs: t.Callable[[str], t.Any], writing: int) -> t.NoReturn:
    """The child: one line of JSON per path; leaves without the exit handlers of its parent."""
    try:
        _let_go(writing)
        for path in paths:
            os.write(writing, (json.dumps(_usage(path, statvfs)) + "\n").encode("ascii"))
    finally:
        os._exit(0)


def _let_go(kept: int) -> None:
    """A child left behind must hold nothing open: not the connection over which Ansible reads our output, not a lock of its parent."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor > 2 and descriptor != kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _usage(path: str, statvfs: t.Callable[[str], t.Any]) -> Measured:
    try:
        found = statvfs(path)
    except OSError:
        return UNREADABLE
    has_inodes = found.f_files > 0
    return Usage(
        size=found.f_blocks * found.f_frsize,
        used=(found.f_blocks - found.f_bfree) * found.f_frsize,
        avail=found.f_bavail * found.f_frsize,
        inodes=found.f_files if has_inodes else None,
        inodes_used=found.f_files - found.f_ffree if has_inodes else None,
    )


def _collect(reading: int, count: int, seconds: float) -> tuple[list[Measured], bool]:
    text = b""
    is_silent = False
    while text.count(b"\n") < count:
        if not select.select([reading], [], [], seconds)[0]:
            is_silent = True
            break
        piece = os.read(reading, 65536)
        if not piece:
            break
        text += piece
    lines = text.split(b"\n")[:-1]
    decoded = [json.loads(line.decode("ascii")) for line in lines]
    return [answer if isinstance(answer, str) else Usage(*answer) for answer in decoded], is_silent
