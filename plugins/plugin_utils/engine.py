# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that runs heavy work: one function over many batches, in processes of its own or on a dask cluster.

Nothing heavy is computed in the Ansible process itself or in a fork of it: threads of OpenMP and torch do not survive a fork.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence, Sized

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine_dask, engine_local
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import loky

Batch = t.TypeVar("Batch")
Result = t.TypeVar("Result")
KINDS = ("local", "dask")
Progress = Callable[[int, "int | None"], None]


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
    progress: Progress | None = None,
    needs: Sequence[str] = (),
) -> list[Result]:
    """Return function(batch) for every batch, in their order. The same function gives the same results on every engine.

    Arguments and errors are those of run_each.
    """
    return list(run_each(function, batches, engine=engine, light=light, progress=progress, needs=needs))


def run_each(
    function: Callable[[Batch], Result],
    batches: Iterable[Batch],
    *,
    engine: Engine | None = None,
    light: bool = False,
    progress: Progress | None = None,
    needs: Sequence[str] = (),
) -> Generator[Result, None, None]:
    """Yield function(batch) for every batch, in their order, while later batches are computed.

    Batches are drawn as workers get free: three for each worker exist at a time, or their results, however many there are in all.

    :param function: a function of a module of plugin_utils (workers import it by name).
    :param batches: what can be pickled: built-in types and numpy arrays, never Ansible's containers. May be a generator.
    :param light: true for little work that uses neither torch nor OpenMP: the local engine then computes in this process,
        for starting a pool would cost more.
    :param progress: called in this process with the number of results so far and of batches in all (None where nobody knows it).
    :param needs: pip names of what function uses beyond NumPy and statsforecast: the workers of a cluster must have the same versions.
    :raises ForesightError: what function raised of that class, a worker that died, a cluster that does not answer or has another version.
    """
    engine, total = engine or Engine(), len(batches) if isinstance(batches, Sized) else None
    if total == 0:
        return
    results: Iterator[Result]
    if engine.kind == "dask":
        results = engine_dask.run_each(function, batches, address=str(engine.address), root=collections_root(), needs=needs)
    elif light:
        results = map(function, batches)
    else:
        results = engine_local.run_each(
            function, batches, workers=worker_count(engine), cores=int(loky.cpu_count()), root=collections_root()
        )
    for done, result in enumerate(results, 1):
        if progress is not None:
            progress(done, total)
        yield result


def close() -> None:
    """End the local workers that wait for a next call. Whoever knows that there is none calls this; the end of the process does too."""
    engine_local.close()


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
