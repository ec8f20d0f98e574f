# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that runs heavy work: one function over many batches, in fresh processes or on a dask cluster.

Nothing heavy is computed in the Ansible process itself or in a fork of it: threads of OpenMP and torch do not survive a fork.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import runpy
import typing as t
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine_dask, engine_worker
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError, InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import loky

Batch = t.TypeVar("Batch")
Result = t.TypeVar("Result")
KINDS = ("local", "dask")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


@dataclasses.dataclass(frozen=True)
class Engine:
    """Where heavy work runs.

    :param kind: `local` (processes of this machine) or `dask` (workers of a dask.distributed scheduler).
    :param workers: local: number of processes, by default as many as cores this process may use.
    :param address: dask: address of the scheduler, such as `tcp://10.0.0.5:8786`.
    """

    kind: str = "local"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"Unknown engine {self.kind!r}; needed is one of {', '.join(KINDS)} (O(engine)).")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"Cannot work with {self.workers} workers; needed is at least 1 (O(workers)).")
        if (self.kind == "dask") != bool(self.address):
            need = "the address of its scheduler, such as tcp://10.0.0.5:8786" if self.kind == "dask" else "no address"
            raise InputError(f"The engine {self.kind} needs {need}; seen: {self.address!r} (O(dask_address)).")


def make_engine(engine: str | Engine | None = None, workers: int | None = None, dask_address: str | None = None) -> Engine:
    """Return the engine that the options `engine`, `workers` and `dask_address` mean (an address alone means dask).

    :raises InputError: for options that do not go together.
    """
    if isinstance(engine, Engine):
        return engine
    return Engine(kind=engine or ("dask" if dask_address else "local"), workers=workers, address=dask_address or None)


def run(
    function: Callable[[Batch], Result],
    batches: Iterable[Batch],
    *,
    engine: Engine | None = None,
    light: bool = False,
    each: Callable[[int, Result], None] | None = None,
) -> list[Result]:
    """Return function(batch) for every batch, in their order. The same function gives the same results on every engine.

    :param function: a function of a module of plugin_utils (workers import it by name).
    :param batches: what can be pickled: built-in types and numpy arrays, never Ansible's containers.
    :param light: true for little work that uses neither torch nor OpenMP: the local engine then computes in this process,
        for starting a pool would cost more.
    :param each: called with the place and the result of every batch, in their order and as soon as it is there. Results are not
        kept then (the list that is returned is empty): what is long can be written down piece by piece.
    :raises ForesightError: what function raised of that class, a worker that died, a cluster that does not answer or has another version.
    """
    engine, work = engine or Engine(), list(batches)
    if not work:
        return []
    if engine.kind == "dask":
        return _handed(engine_dask.run(function, work, address=str(engine.address), root=collections_root()), each)
    if light:
        return _handed(map(function, work), each)
    return _handed(_run_local(function, work, engine), each)


def worker_count(engine: Engine | None = None) -> int:
    """Return how many processes the local engine uses at most: cores this process may use (affinity and cgroup limits count)."""
    return (engine and engine.workers) or int(loky.cpu_count())


def collections_root() -> str:
    """Return the folder that holds `ansible_collections/foresight/capacity` with the code that runs now."""
    path = os.path.abspath(__file__)
    levels = __name__.count(".")
    for _level in range(levels + 1):
        path = os.path.dirname(path)
    return path


def _handed(results: Iterable[Result], each: Callable[[int, Result], None] | None) -> list[Result]:
    """Return the results, or hand each on when it comes and keep none."""
    if each is None:
        return list(results)
    with contextlib.ExitStack() as stack:
        if isinstance(results, Generator):
            stack.callback(results.close)  # when `each` raises, the workers end now
        for place, result in enumerate(results):
            each(place, result)
    return []


def _run_local(function: Callable[[Batch], Result], work: Sequence[Batch], engine: Engine) -> Iterator[Result]:
    workers = min(worker_count(engine), len(work))
    threads = str(max(1, int(loky.cpu_count()) // workers))
    executor = loky.ProcessPoolExecutor(
        max_workers=workers,
        env=dict.fromkeys(_THREAD_VARIABLES, threads),
        initializer=runpy.run_path,
        initargs=(engine_worker.__file__, {"PARENT": os.getpid(), "ROOT": collections_root()}, engine_worker.RUN_NAME),
    )
    try:
        futures = collections.deque(executor.submit(function, batch) for batch in work)
        while futures:
            yield futures.popleft().result()
    except loky.BrokenProcessPool as error:
        raise ForesightError(
            f"A worker process of the local engine died while {len(work)} batches ran on {workers} workers ({str(error).splitlines()[0]}). "
            "The usual cause is memory: use fewer workers (O(workers)), or a dask cluster (O(engine=dask))."
        ) from error
    finally:
        executor.shutdown(wait=True, kill_workers=True)
