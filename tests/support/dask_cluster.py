# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private dask cluster for tests and benchmarks: a scheduler and workers as processes of their own, gone afterwards.

The workers do not have the collection, so its code is uploaded as on a cluster of strangers.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_SECONDS = 120


class Cluster:
    """A running cluster with its processes; `address` is what the engine needs."""

    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack, environment: dict[str, str]) -> None:
        self.folder = folder
        self.workers: list[subprocess.Popen[bytes]] = []
        self._stack = stack
        self._file = folder / "scheduler.json"
        # A regular package of that name hides the collection; site-packages are named, for -m needs nothing else.
        hidden = folder / "hidden" / "ansible_collections"
        hidden.mkdir(parents=True)
        (hidden / "__init__.py").touch()
        site = [path for path in sys.path if "site-packages" in path]
        self._environment = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join([str(hidden.parent), *site])}
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
        self.address: str = until(self._told, self.scheduler)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker process with one thread and no nanny: when it dies, nobody starts it again."""
        number = str(len(self.workers))
        place = ["--local-directory", str(self.folder), "--name", number]
        self.workers.append(self._start("dask_worker", "--nworkers", "1", "--nthreads", "1", "--no-nanny", *place))
        return self.workers[-1]

    def _told(self) -> str | None:
        """Return the address from the scheduler's file: it is there before it is written, and is written in pieces."""
        try:
            return str(json.loads(self._file.read_text())["address"])
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def _start(self, command: str, *options: str) -> subprocess.Popen[bytes]:
        log = self._stack.enter_context((self.folder / "log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{command}", "--scheduler-file", str(self._file), "--no-dashboard", *options],
            cwd=self.folder,
            env=self._environment,
            stdout=log,
            stderr=log,
        )
        self._stack.callback(_end, process)
        return process


@contextlib.contextmanager
def started(folder: pathlib.Path, workers: int, **environment: str) -> Iterator[Cluster]:
    """Start a scheduler and so many workers that keep their files in folder; give them when all have joined.

    :param environment: set in all of them beside what is set here (dask reads its options from there).
    """
    # Only here: a test that needs no cluster needs no distributed either.
    import distributed

    with contextlib.ExitStack() as stack:
        cluster = Cluster(folder, stack, environment)
        for _number in range(workers):
            cluster.start_worker()
        with distributed.Client(cluster.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=WAIT_SECONDS)
        yield cluster


def until(condition: Callable[[], t.Any], process: subprocess.Popen[t.Any] | None = None) -> t.Any:
    """Return the first true answer of condition, asked every 50 ms, as long as process lives."""
    waiting = threading.Event()
    for _attempt in range(WAIT_SECONDS * 20):
        answer = condition()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{process.args} ended with {process.returncode}")
        waiting.wait(0.05)
    raise AssertionError(f"nothing after {WAIT_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    # Nothing to tidy up, and a worker in the middle of a batch would take its time.
    process.kill()
    process.wait(WAIT_SECONDS)
