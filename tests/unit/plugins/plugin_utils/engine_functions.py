# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batches that say which process computed them, and a controller as a program of its own that a test can kill.

    engine_functions.py busy|idle|ends|forks FOLDER

Workers leave a file PID.pid in the folder. `busy` waits for ever inside a call, `idle` after one (and says so with a file `idle`),
`ends` ends after one, `forks` calls in a child of multiprocessing, then again itself, and prints the workers of both as JSON.
"""

from __future__ import annotations

import json
import multiprocessing
import pathlib
import signal
import sys
import threading

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine
from support.dask_cluster import until

PID = "__import__('os').getpid()"
FOR_EVER = "__import__('threading').Event().wait()"
_MEET = """
import os, pathlib, threading
folder = pathlib.Path({folder!r})
(folder / (str(os.getpid()) + ".pid")).touch()
while len(list(folder.glob("*.pid"))) < {count}:
    threading.Event().wait(0.01)
{after}
"""


def meet(folder: pathlib.Path, count: int, after: str = "") -> list[str]:
    """Return so many batches for exec that wait for each other, each in a process of its own, which leaves its pid in folder."""
    return [_MEET.format(folder=str(folder), count=count, after=after)] * count


def pids(folder: pathlib.Path) -> list[int]:
    """Return the processes that have left their pid in folder."""
    return sorted(int(path.stem) for path in folder.glob("*.pid"))


def alive(pid: int) -> bool:
    """Return whether the process runs; one that waits to be collected by its parent does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def gone(workers: list[int]) -> None:
    """Wait until none of these processes runs."""
    until(lambda: not any(alive(pid) for pid in workers))


def _worker() -> int:
    return engine.run(eval, [PID], engine=engine.Engine(workers=1))[0]


def _in_a_fork(answers: multiprocessing.SimpleQueue[int]) -> None:
    answers.put(_worker())


def _forks() -> None:
    answers: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    before = _worker()
    child = multiprocessing.get_context("fork").Process(target=_in_a_fork, args=(answers,))
    child.start()
    child.join()
    print(json.dumps({"before": before, "child": answers.get(), "after": _worker(), "exit": child.exitcode}))


if __name__ == "__main__":
    # A shell's background jobs ignore Ctrl-C, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    what, place = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "forks":
        _forks()
    else:
        engine.run(exec, meet(place, 2, "threading.Event().wait()" * (what == "busy")), engine=engine.Engine(workers=2))
    if what == "idle":
        (place / "idle").touch()
        threading.Event().wait()
