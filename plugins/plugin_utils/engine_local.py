# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engine's processes on this machine, kept warm between calls: what a worker imported for one call serves the next.

A pool is kept for its number of workers and of threads, for a library reads the number of its threads once, when it is loaded.
It belongs to the process that made it: a fork has neither the threads that serve it nor a right to its workers.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import multiprocessing.util
import os
import queue
import runpy
import typing as t
import warnings
from collections.abc import Callable, Iterable, Iterator

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine_worker
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import loky

# Of three batches a worker, one runs, one lies in its queue, and one may wait for a slower neighbour whose result comes first.
BATCHES_IN_FLIGHT = 3
# Importing torch and statsforecast anew costs 3 s, a worker that has them holds 400 MiB: after a minute the memory is worth more.
_IDLE_SECONDS = 60.0
# One batch alone gets all cores, many get one each: these two pools are what calls in turn need warm.
_POOLS_KEPT = 2
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

_Shape = tuple[int, int]


class _Pool:
    """Processes of one shape (workers, threads); `users` are the runs whose batches are in it."""

    def __init__(self, shape: _Shape, root: str) -> None:
        workers, threads = shape
        self.shape = shape
        self.users = 0
        self.reused = False
        self.executor = loky.ProcessPoolExecutor(
            max_workers=workers,
            timeout=_IDLE_SECONDS,
            env=dict.fromkeys(_THREAD_VARIABLES, str(threads)),
            initializer=runpy.run_path,
            initargs=(engine_worker.__file__, {"PARENT": os.getpid(), "ROOT": root}, engine_worker.RUN_NAME),
        )

    def end(self) -> None:
        # loky forgets what waits when it kills its workers, but not its place in the queue: whoever finds that there dies of it.
        with contextlib.suppress(queue.Empty):
            while True:
                self.executor._work_ids.get_nowait()
        self.executor.shutdown(wait=True, kill_workers=True)


_pools: dict[_Shape, _Pool] = {}  # the one used last stands last
_owner = 0
# Pools of the process this one was forked from: never used, and never collected either, for their end would reach the parent's.
_inherited: list[_Pool] = []


def run_each(function: Callable[[t.Any], t.Any], batches: Iterable[t.Any], *, workers: int, cores: int, root: str) -> Iterator[t.Any]:
    """Yield function(batch) for every batch, in their order, computed by up to so many workers.

    No more than BATCHES_IN_FLIGHT × workers batches and results exist at a time. Where a batch fails, or whoever reads stops
    reading, what has not ended is given up.

    :param cores: what the workers share: with fewer batches than workers each gets more threads.
    :raises ForesightError: a worker died; and whatever function raises.
    """
    rest = iter(batches)
    first = list(itertools.islice(rest, workers))
    if not first:
        return
    run = _Run(function, (len(first), max(1, cores // len(first))), root)
    try:
        while first:
            run.submit(first.pop(0))
        for batch in rest:
            run.submit(batch)
            while run.ready():
                yield run.next()
        while run.flying:
            yield run.next()
    finally:
        run.end()


def close() -> None:
    """End the workers that are kept. The next call starts new ones."""
    while _pools and _owner == os.getpid():
        _pools.popitem()[1].end()


class _Run:
    """The batches of one call that are on their way, oldest first."""

    def __init__(self, function: Callable[[t.Any], t.Any], shape: _Shape, root: str) -> None:
        self.function, self.shape, self.root = function, shape, root
        self.flying: collections.deque[tuple[t.Any, t.Any]] = collections.deque()
        self.pool = _lend(shape, root)
        # A worker that was killed while nobody used it is not the fault of these batches: then they start again, once.
        self.may_start_again = self.pool.reused

    def ready(self) -> bool:
        return bool(self.flying) and (len(self.flying) >= BATCHES_IN_FLIGHT * self.shape[0] or self.flying[0][1].done())

    def submit(self, batch: t.Any) -> None:
        while True:
            try:
                self.flying.append((batch, self.pool.executor.submit(self.function, batch)))
                return
            except loky.BrokenProcessPool as error:
                self._start_again(error)

    def next(self) -> t.Any:
        while True:
            try:
                result = self.flying[0][1].result()
            except loky.BrokenProcessPool as error:
                self._start_again(error)
                continue
            self.flying.popleft()
            self.may_start_again = False
            return result

    def end(self) -> None:
        self.pool.users -= 1
        futures = [future for _batch, future in self.flying if not future.done()]
        if futures and not self.pool.users:
            # What a worker has begun, or has in its queue, cannot be called back: the next call shall not wait for it.
            _discard(self.pool)
        for future in futures:
            future.cancel()

    def _start_again(self, error: Exception) -> None:
        _discard(self.pool)
        if not self.may_start_again:
            raise _told(error, self.shape[0]) from error
        self.may_start_again = False
        batches = [batch for batch, _future in self.flying]
        self.flying.clear()
        self.pool.users -= 1
        self.pool = _lend(self.shape, self.root)
        for batch in batches:
            self.submit(batch)


def _lend(shape: _Shape, root: str) -> _Pool:
    _forget_the_parents()
    kept = _pools.pop(shape, None)
    pool = kept or _Pool(shape, root)
    pool.reused = kept is not None
    for other in [other for other in _pools.values() if not other.users][: max(0, len(_pools) + 1 - _POOLS_KEPT)]:
        _discard(other)
    _pools[shape] = pool
    pool.users += 1
    return pool


def _discard(pool: _Pool) -> None:
    if _pools.get(pool.shape) is pool:
        del _pools[pool.shape]
    pool.end()


def _forget_the_parents() -> None:
    """Make the pools those of this process, also in a fork of the one that made them."""
    global _owner
    if _owner == os.getpid():
        return
    _owner = os.getpid()
    _inherited.extend(_pools.values())
    _pools.clear()
    # Runs at the end of an interpreter and, unlike atexit, of a process that multiprocessing forked.
    multiprocessing.util.Finalize(None, close, exitpriority=100)
    # A worker that leaves for want of work, or because it holds too much memory, is replaced: nothing that a user could act on.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor", category=UserWarning)


def _told(error: Exception, workers: int) -> ForesightError:
    seen = str(error).splitlines()[0]
    if not isinstance(error, loky.process_executor.TerminatedWorkerError):
        return ForesightError(f"A batch or its result could not be handed to or from a worker process of the local engine: {seen}")
    return ForesightError(
        f"A worker process of the local engine died while batches ran on {workers} workers ({seen}). "
        "The usual cause is memory: use fewer workers (O(workers)), or a dask cluster (O(engine=dask))."
    )
