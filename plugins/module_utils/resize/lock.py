# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One resize at a time on a target, however many controllers there are."""

from __future__ import annotations

import errno
import fcntl
import os
import time
import typing as t
from contextlib import contextmanager, suppress

from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused

# Not in /run/lock: there any user could hold it for ever.
LOCK_FILE = "/run/foresight-lvm.lock"
_POLL_SECONDS = 0.2


@contextmanager
def exclusive(path: str, timeout: float) -> t.Iterator[int]:
    """Hold the lock; gives its descriptor. A child that inherits the descriptor keeps the lock until it ends.

    Raises Refused: C(locked) when another process has held it for ``timeout`` seconds, C(needs_root) when it may not be opened,
    C(lock_file) when it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise Refused("needs_root", f"Cannot open the lock file {path}: {error.strerror}. Run the task with become: true.") from error
    except OSError as error:
        raise Refused(
            "lock_file", f"Cannot open the lock file {path}: {error.strerror}. Needed is a regular file in a folder that can be written."
        ) from error
    try:
        _acquire(descriptor, path, timeout)
        # Whose lock it is only helps whoever waits for it; a full /run stops no resize.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK:
                raise
        if time.monotonic() >= deadline:
            raise Refused(
                "locked",
                f"Another resize is running on this host: {path} is held by {_holder(descriptor)}. "
                f"Waited {timeout:g} s for it (O(lock_timeout)); nothing was changed.",
            )
        time.sleep(_POLL_SECONDS)


def _holder(descriptor: int) -> str:
    noted = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    if not noted:
        return "an unknown process"
    if os.path.isdir(f"/proc/{noted}"):
        return f"process {noted}"
    return f"a command that process {noted} started before it ended"
