# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running what changes a volume so that neither a lost connection nor a dying parent can stop it half way."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import typing as t
from contextlib import contextmanager

NOT_STARTED = 126
_SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_ignored() -> t.Iterator[None]:
    """Ignore hang-up, termination and interrupt; children inherit that."""
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


class ShieldedRunner:
    """Runs commands like C(AnsibleModule.run_command), in a session of their own.

    What they say goes to memory and not into a pipe: a pipe without a reader would kill them (SIGPIPE) if this process died.
    They inherit ``lock``: as long as one of them works, nobody else resizes anything here.
    """

    def __init__(self, lock: int) -> None:
        self._lock = lock

    def __call__(self, args: list[str], environ_update: dict[str, str] | None = None, **_options: t.Any) -> tuple[int, str, str]:
        try:
            kept = _memory("stdout"), _memory("stderr")
        except OSError as error:
            return _not_started(error)
        with kept[0] as out, kept[1] as err:
            try:
                done = subprocess.run(
                    args,
                    check=False,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    env={**os.environ, **(environ_update or {})},
                    pass_fds=(self._lock,),
                    start_new_session=True,
                )
            except OSError as error:
                return _not_started(error)
            return done.returncode, _text(out), _text(err)


def _not_started(error: OSError) -> tuple[int, str, str]:
    """No memory for another process, or the program went away: a step that failed, told like any other."""
    return NOT_STARTED, "", f"it could not be started: {error.strerror}"


def _memory(name: str) -> t.BinaryIO:
    # The volume that is full may be the one of /tmp.
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create(name), "w+b")
    return t.cast(t.BinaryIO, tempfile.TemporaryFile())


def _text(file: t.BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
