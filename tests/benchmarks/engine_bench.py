# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A large fleet through forecast_panel on a real dask cluster: memory of the workers, time against workers, equality with local.

    .venv/bin/python tests/benchmarks/engine_bench.py [--quick] [--series N] [--chunk N] [--table-series N] [--model MODEL]

Scheduler and workers are processes of this machine, one thread each, and without the collection: its code is uploaded. Series are
synthetic; all are forecast in one call, or in calls of `--chunk` series, each of which learns anew. Prints Markdown; fails when a goal is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import math
import os
import pathlib
import platform
import resource
import sys
import tempfile
import time
import typing as t

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine as engines
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import PanelForecast, forecast_panel

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from support import dask_cluster

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STEPS, HORIZON, STEP_SECONDS = 432, 36, 600
DAY = 86400 // STEP_SECONDS
SAMPLE = 200
# Series are made so many at a time, for what making them takes would else be the peak of the controller.
MADE_AT_ONCE = 2000
# Batches of other sizes round sums in another order; a few of them become exponents of a network's answer.
ROUNDING = 1e-6
GOAL_WORKER_BYTES = 3 * 2**30
# Before time is taken every worker imports what it needs: of so many series each gets a batch with fits, while the other still imports.
WARM_UP = 200
# What the nanny of a dask worker sets; the workers here have none.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclasses.dataclass
class Took:
    """What one way of computing took: seconds, CPU seconds of this process and of each worker, peak memory of each worker; and the last call."""

    wall: float = 0.0
    controller: float = 0.0
    peaks: list[int] = dataclasses.field(default_factory=list)
    busy: list[float] = dataclasses.field(default_factory=list)
    statuses: dict[str, int] = dataclasses.field(default_factory=dict)
    values: NDArray[np.float64] | None = None
    last: PanelForecast | None = None


def many(begin: int, count: int) -> NDArray[np.float64]:
    """Return so many series of the fleet, from one that begins a part of it on."""
    values = np.empty((count, STEPS))
    for place in range(0, count, MADE_AT_ONCE):
        part = values[place : place + MADE_AT_ONCE]
        part[:] = series((begin + place) // MADE_AT_ONCE, len(part))
    return values


def series(part: int, count: int) -> NDArray[np.float64]:
    """Return part number so many of the fleet, [count, STEPS]: a fifth each grows steadily, in bursts, daily, as a saw-tooth, not at all."""
    random = np.random.default_rng([7, part])
    time_of = np.arange(STEPS)
    scale = 10 ** random.uniform(8, 12, (count, 1))
    phase, rate = random.uniform(0, 1, (count, 1)), random.uniform(0.1, 1.0, (count, 1))
    noise = random.normal(size=(count, STEPS))
    families = [
        1 + rate * time_of / STEPS + 0.002 * noise.cumsum(axis=1),
        1 + np.cumsum((random.random((count, STEPS)) < 0.03) * random.exponential(0.1, (count, STEPS)), axis=1),
        1 + rate * np.sin(2 * np.pi * (time_of / DAY + phase)) / 2 + 0.05 * noise,
        1 + (time_of * rate / DAY * 3 + phase) % 1 + 0.01 * noise,
        1 + 0.001 * noise.cumsum(axis=1) + 0.01 * noise,
    ]
    kind = np.arange(count) % len(families)
    return scale * np.choose(kind[:, None], families)


def forecast(values: NDArray[np.float64], engine: engines.Engine, model: str, **more: t.Any) -> PanelForecast:
    """Forecast the series as the lookup does: their limit is a quarter above the last value."""
    options = {"step_seconds": STEP_SECONDS, "horizon": HORIZON, "lower": 0.0, "limits": values[:, -1] * 1.25}
    return forecast_panel(list(values), **options, model=model, engine=engine, **more)


def fleet(engine: engines.Engine, model: str, count: int, chunk: int) -> Took:
    """Forecast count series chunk by chunk; the chunks before the last one are forgotten."""
    forecast(series(10**6, WARM_UP), engine, model)
    took = Took()
    for begin in range(0, count, chunk):
        took.values = many(begin, min(chunk, count - begin))
        wall, processor = time.perf_counter(), time.process_time()
        told = Told(begin, count)
        took.last = forecast(took.values, engine, model, each=told)
        took.wall += time.perf_counter() - wall
        took.controller += time.process_time() - processor
        for status in took.last.status:
            took.statuses[status] = took.statuses.get(status, 0) + 1
    return took


class Told:
    """Tells how far a run is, each time another tenth of it is done."""

    def __init__(self, done: int, count: int) -> None:
        self.done, self.count, self.begun = done, count, time.perf_counter()

    def __call__(self, _panel: PanelForecast, rows: list[int]) -> None:
        before, self.done = self.done, self.done + len(rows)
        if 10 * before // self.count != 10 * self.done // self.count:
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            seconds = time.perf_counter() - self.begun
            print(f"  {self.done} of {self.count} series, {seconds:.0f} s, controller {held:.2f} GiB", file=sys.stderr, flush=True)


@contextlib.contextmanager
def cluster_of(workers: int) -> Iterator[tuple[engines.Engine, dask_cluster.Cluster]]:
    """Start a cluster of so many workers; give the engine that uses it."""
    with (
        tempfile.TemporaryDirectory(prefix="foresight-bench-") as folder,
        dask_cluster.started(pathlib.Path(folder), workers, **ONE_THREAD) as cluster,
    ):
        yield engines.Engine("dask", address=cluster.address), cluster


def on_dask(workers: int, model: str, count: int, chunk: int) -> Took:
    """Do fleet on a cluster of so many workers of its own."""
    with cluster_of(workers) as (engine, cluster):
        begun = [cpu_seconds(process.pid) for process in cluster.workers]
        took = fleet(engine, model, count, chunk)
        took.peaks = [peak_bytes(process.pid) for process in cluster.workers]
        took.busy = [cpu_seconds(process.pid) - before for process, before in zip(cluster.workers, begun, strict=True)]
    return took


def on_this_machine(workers: int, model: str, count: int, chunk: int) -> Took:
    """Do fleet on a pool of its own."""
    try:
        return fleet(engines.Engine(workers=workers), model, count, chunk)
    finally:
        engines.close()


def peak_bytes(pid: int) -> int:
    """Return the most memory the process has held so far."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that the process has used so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def furthest(took: Took, model: str) -> float:
    """Return how far SAMPLE series of a run are from what this machine makes of them with their choices, as a share of the largest value."""
    if took.values is None or took.last is None:
        return float("nan")
    rows = np.linspace(0, len(took.values) - 1, min(SAMPLE, len(took.values))).astype(int)
    # Some more series would be tried with theta and ETS, as in any later run: then they were chosen for anew.
    models = [{**one, "tried_fits": True} if one else None for one in (took.last.models[row] for row in rows)]
    local = forecast(took.values[rows], engines.Engine(workers=2), model, models=models, families=took.last.families)
    engines.close()
    remote = took.last.quantiles[rows]
    return float((np.abs(local.quantiles - remote).max(axis=(1, 2)) / np.abs(remote).max(axis=(1, 2))).max())


def differences(model: str) -> list[str]:
    """Return what differs between local and dask in forecasts of SAMPLE series, bit for bit."""
    values = series(0, SAMPLE)
    local = forecast(values, engines.Engine(workers=2), model)
    engines.close()
    with cluster_of(2) as (engine, _cluster):
        remote = forecast(values, engine, model)
    found = []
    for field in dataclasses.fields(PanelForecast):
        one, other = getattr(local, field.name), getattr(remote, field.name)
        # The text of a float is exact, and unlike the float a NaN's equals another's.
        same = np.array_equal(one, other, equal_nan=True) if isinstance(one, np.ndarray) else repr(one) == repr(other)
        if not same:
            found.append(field.name)
    return found


def table(model: str, count: int) -> list[str]:
    """Return the rows: time against workers, on a cluster and on this machine."""
    rows = ["| engine | workers | wall s | series/s | against one worker | CPU s of the controller |", "|---|---|---|---|---|---|"]
    for name, way in (("dask", on_dask), ("local", on_this_machine)):
        alone = 0.0
        for workers in (1, 2):
            took = way(workers, model, count, count)
            alone = alone or took.wall
            rows.append(
                f"| {name} | {workers} | {took.wall:.1f} | {count / took.wall:.0f} | {alone / took.wall:.2f} × | {took.controller:.1f} |"
            )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="2,000 series and 500 in the table, to see that it works")
    parser.add_argument("--series", type=int, help="series of the large run (100,000)")
    parser.add_argument("--chunk", type=int, help="series of one call of forecast_panel in the large run (all)")
    parser.add_argument("--table-series", type=int, help="series of each row of the table of time against workers (5,000), 0 = no table")
    parser.add_argument("--model", default="auto")
    options = parser.parse_args()
    count = options.series or (2000 if options.quick else 100_000)
    chunk = options.chunk or count
    rows = (500 if options.quick else 5000) if options.table_series is None else options.table_series

    differing = differences(options.model)
    large = on_dask(2, options.model, count, chunk)
    controller = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    failed = list(differing)
    away = furthest(large, options.model)
    if math.isnan(away) or away > ROUNDING:
        failed.append("equality of the large run with local")
    if max(large.peaks) >= GOAL_WORKER_BYTES:
        failed.append("memory of a worker")
    if sum(large.statuses.values()) != count:
        failed.append("series without a forecast")
    print(
        f"\n{count:,} synthetic series of {STEPS} steps, horizon {HORIZON}, `model={options.model}`, {chunk:,} a call, dask with two workers "
        f"of one thread on {engines.worker_count()} cores ({platform.machine()}, Python {platform.python_version()}); imports are not counted.\n"
    )
    print("| | measured | goal |\n|---|---|---|")
    print(f"| completes | {large.statuses} in {large.wall:.0f} s ({1000 * large.wall / count:.1f} ms a series) | all |")
    print(
        f"| peak memory of each worker | {', '.join(f'{peak / 2**30:.2f} GiB' for peak in large.peaks)} | < {GOAL_WORKER_BYTES / 2**30:.0f} GiB |"
    )
    print(f"| CPU seconds of each worker | {', '.join(f'{seconds:.0f}' for seconds in large.busy)} | |")
    print(f"| the controller | {controller / 2**30:.2f} GiB at most, {large.controller:.0f} CPU s | |")
    print(f"| {SAMPLE} series, dask beside local | {'differ in ' + ', '.join(differing) if differing else 'equal, bit for bit'} | equal |")
    print(f"| {SAMPLE} series out of the large run, local with the same choices | {away:.1g} of the value apart | {ROUNDING:g} |")
    if rows:
        print(f"\nTime against workers, {rows:,} series in one call:\n")
        print("\n".join(table(options.model, rows)))
    if failed:
        print(f"\nMissed: {', '.join(failed)}.")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
