# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing and reading samples beside pandas, on SQLite and on a real PostgreSQL. Prints Markdown; fails when a goal is missed.

    .venv/bin/python tests/benchmarks/store_bench.py [--quick]

Every measurement is a process of its own on the same synthetic data; imports and connections are not counted. What is
compared takes turns, the best of the rounds counts. pandas reads rows into a table; the store reads the same rows into aligned arrays.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import platform
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import typing as t

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, Store, bulk, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import resolve

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import postgres

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENGINES = ("SQLite", "PostgreSQL")
SERIES = 10_000
STEP = 600
START = 1_699_999_200  # a full hour
GOAL_READ = 5.0
GOAL_MEMORY = 3.0
GOAL_RECORD = 2.0


# ── what is measured, each in a process of its own ──────────────────────────────────────────────────────────────────────


def prepare(location: str, _samples: int) -> dict[str, float]:
    """Make the series."""
    with open_store(location) as store:
        _make_series(store)
    return {}


def write_store(location: str, samples: int) -> dict[str, float]:
    """Upsert so many samples of every series in one call, in the order in which observations arrive."""
    series, times, values = _data(samples)
    with open_store(location) as store:
        took, written = _timed(lambda: store.write_samples(series, times, values))
        _must(written == len(series) and int(store.sample_extent(np.arange(1, SERIES + 1))[2].sum()) == len(series))
    return took


def write_pandas(location: str, samples: int) -> dict[str, float]:
    """Append the same samples to a table without any key."""
    series, times, values = _data(samples)
    frame = pd.DataFrame({"series_id": series, "time": times, "value": values, "flag": np.zeros(len(series), dtype=np.int16)})
    engine = _engine(location)
    took, _rows = _timed(lambda: frame.to_sql("bare", engine, index=False, if_exists="replace"))
    with engine.connect() as connection:
        _must(connection.execute(sa.text("SELECT count(*) FROM bare")).scalar() == len(series))
    return took


def fill(location: str, samples: int) -> dict[str, float]:
    """Write so many samples of every series, 100 at a time, as recordings of many runs lie in a store."""
    with open_store(location) as store:
        for begin in range(0, samples, 100):
            store.write_samples(*_data(min(100, samples - begin), begin))
    return {}


def read_store(location: str, samples: int) -> dict[str, float]:
    """Read everything into aligned arrays; tell the growth of the peak memory of this process and its reading children together."""
    bulk.CHILD_FROM = 1
    question = {"start": START, "step": STEP, "how": "last"}
    with open_store(location) as store:
        # loads every library, here and in the children, who live so shortly that one look may miss them
        before = max(_peak_of(lambda: store.read_samples([1, 2], end=START + STEP, **question))[0] for _number in range(5))
        peak, (took, values) = _peak_of(
            lambda: _timed(lambda: store.read_samples(np.arange(1, SERIES + 1), end=START + samples * STEP, **question))
        )
    _must(values.shape == (SERIES, samples) and bool(np.isfinite(values).all()))
    return {**took, "memory": (peak - before) / values.nbytes, "sum": float(values.sum())}


def read_pandas(location: str, samples: int) -> dict[str, float]:
    """Read the same rows into a table."""
    query = (
        f"SELECT series_id, time, value FROM sample WHERE series_id BETWEEN 1 AND {SERIES} "
        f"AND time >= {START} AND time < {START + samples * STEP} AND flag = 0 AND value IS NOT NULL"
    )
    with _engine(location).connect() as connection:
        before, _took = _peak_of(lambda: pd.read_sql(sa.text(query + " AND time < 0"), connection))
        peak, (took, frame) = _peak_of(lambda: _timed(lambda: pd.read_sql(sa.text(query), connection)))
    _must(len(frame) == SERIES * samples)
    return {**took, "memory": (peak - before) / (8 * SERIES * samples), "sum": float(frame["value"].sum())}


def read_pandas_sqlite3(location: str, samples: int) -> dict[str, float]:
    """Read the same rows into a table over a connection of the sqlite3 module, which costs pandas less than SQLAlchemy's."""
    query = f"SELECT series_id, time, value FROM sample WHERE series_id BETWEEN 1 AND {SERIES} AND time >= {START} AND flag = 0 AND value IS NOT NULL"
    with contextlib.closing(sqlite3.connect(t.cast(str, resolve(location).path))) as connection:
        took, frame = _timed(lambda: pd.read_sql(query, connection))
    _must(len(frame) == SERIES * samples)
    return took


def record(location: str, _samples: int) -> dict[str, float]:
    """The store's part of one observation of 200 hosts with 50 volumes each, six metrics per volume, in one transaction; then the next one."""
    with open_store(location) as store:
        first = _observe(store, START)
        return {**_observe(store, START + STEP), "first": first["seconds"]}


def _observe(store: Store, now: int) -> dict[str, float]:
    rows = [_volume(number, now) for number in range(SERIES)]

    def observe() -> None:
        with store.transaction():
            entities = store.put_entities(rows)
            series = store.put_series([(number, f"metric_{metric}", "bytes", False) for number in entities.values() for metric in range(6)])
            store.write_samples(list(series.values()), [now] * len(series), np.arange(len(series), dtype=float))

    return _timed(observe)[0]


MEASUREMENTS: dict[str, Callable[[str, int], dict[str, float]]] = {
    function.__name__: function
    for function in (prepare, write_store, write_pandas, fill, read_store, read_pandas, read_pandas_sqlite3, record)
}


def _make_series(store: Store) -> None:
    entities = store.put_entities([_volume(number, START) for number in range(SERIES)])
    store.put_series([(number, "used_bytes", "bytes", False) for number in sorted(entities.values())])


def _volume(number: int, now: int) -> EntityRow:
    host, name = f"web{number // 50}", f"volume{number % 50}"
    attributes = {
        "vg": "vg0",
        "lv": name,
        "size_bytes": 10 << 30,
        "tags": ["a"],
        "fs": {"type": "ext4", "size": 10 << 30, "used": number, "mountpoints": [f"/{name}"]},
    }
    return EntityRow(f"lv:{host}/uuid{number}", f"lv:{host}/vg0/{name}", "lv", host, {**attributes, "observed_at": now}, now)


def _data(samples: int, begin: int = 0) -> tuple[t.Any, t.Any, t.Any]:
    series = np.tile(np.arange(1, SERIES + 1), samples)
    times = np.repeat(START + (begin + np.arange(samples)) * STEP, SERIES)
    return series, times, np.random.default_rng(begin).random(len(series)) * 1e12


def _timed(function: Callable[[], t.Any]) -> tuple[dict[str, float], t.Any]:
    """Return wall and processor time of the function (of this process and its children, without a database server), and its result."""
    begin, used = time.perf_counter(), sum(os.times()[:4])
    result = function()
    return {"seconds": time.perf_counter() - begin, "cpu": sum(os.times()[:4]) - used}, result


def _peak_of(function: Callable[[], t.Any]) -> tuple[int, t.Any]:
    """Return the most memory (bytes, resident) that this process and its children had together while the function ran, and its result."""
    ended = threading.Event()
    peak = 0

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.005):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = function()
        peak = max(peak, _resident())
    finally:
        ended.set()
        watcher.join()
    return peak, result


def _resident() -> int:
    """Bytes of this process and its children; what they share (a fork shares everything with its parent at first) counts once."""
    pids = [str(os.getpid()), *pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    kilobytes = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a child that has just ended
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return 1024 * kilobytes


def _must(correct: bool) -> None:
    if not correct:
        raise SystemExit("The result of a measurement is wrong.")


def _engine(location: str) -> sa.Engine:
    """An engine for pandas with the same durability as the store's."""
    place = resolve(location)
    if place.path is None:
        return sa.create_engine(sa.make_url(t.cast(str, place.url)).set(drivername="postgresql+psycopg"))
    engine = sa.create_engine(sa.URL.create("sqlite", database=place.path))

    @sa.event.listens_for(engine, "connect")
    def _settle(connection: t.Any, _record: t.Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    return engine


# ── the run ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def measure(name: str, location: str, samples: int = 0) -> dict[str, float]:
    """Run one measurement in a new process and return what it tells."""
    command = [sys.executable, __file__, "--measure", name, "--location", location, "--samples", str(samples)]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"The measurement {name} failed.")
    return t.cast("dict[str, float]", json.loads(done.stdout))


def compare(engine: str, place: Callable[[], str], write: int, read: int, rounds: int) -> list[str]:
    """Print the rows of one engine; return the goals that were missed."""
    return [
        *(f"{engine}: {goal}" for goal in compare_writing(engine, place, write, rounds)),
        *(f"{engine}: {goal}" for goal in compare_reading(engine, place, read, rounds)),
        *(f"{engine}: {goal}" for goal in time_recording(engine, place, rounds)),
    ]


def compare_writing(engine: str, place: Callable[[], str], samples: int, rounds: int) -> list[str]:
    """The store's upsert beside pandas.to_sql."""
    ours, again, theirs = [], [], []
    for _number in range(rounds):
        location, bare = place(), place()
        measure("prepare", location)
        ours.append(measure("write_store", location, samples))
        theirs.append(measure("write_pandas", bare, samples))
        again.append(measure("write_store", location, samples))
    ratio = _best(theirs)["seconds"] / _best(ours)["seconds"]
    row(engine, f"write {SERIES * samples:,} samples, upsert by key", _best(ours), "`to_sql`, bare table", _best(theirs), "≥ 1 ×")
    row(engine, "the same samples again", _best(again), "", None, "")
    return [] if ratio >= 1 else [f"writing takes longer than pandas.to_sql ({ratio:.1f} ×)"]


def compare_reading(engine: str, place: Callable[[], str], samples: int, rounds: int) -> list[str]:
    """The store's aligned arrays beside pandas.read_sql."""
    location = place()
    measure("prepare", location)
    measure("fill", location, samples)
    ours, theirs, raw = [], [], []
    for _number in range(rounds):
        # pandas first, so that the file lies in the page cache for both
        theirs.append(measure("read_pandas", location, samples))
        ours.append(measure("read_store", location, samples))
        if engine == "SQLite":
            raw.append(measure("read_pandas_sqlite3", location, samples))
    _must(all(abs(one["sum"] / other["sum"] - 1) < 1e-9 for one, other in zip(ours, theirs, strict=True)))
    memory, other = (max(took["memory"] for took in measured) for measured in (ours, theirs))
    ratio = _best(theirs)["seconds"] / _best(ours)["seconds"]
    more = f"{memory:.1f} × (goal ≤ {GOAL_MEMORY:.0f} ×); pandas {other:.1f} ×"
    row(
        engine,
        f"read {SERIES * samples:,} samples of {SERIES:,} series",
        _best(ours),
        "`read_sql`",
        _best(theirs),
        f"≥ {GOAL_READ:.0f} ×",
        more,
    )
    if raw:
        row(engine, "the same", _best(ours), "`read_sql` over `sqlite3`, without SQLAlchemy", _best(raw), "")
    missed = [] if ratio >= GOAL_READ else [f"reading is {ratio:.1f} × as fast as pandas.read_sql, the goal is {GOAL_READ:.0f} ×"]
    return (
        missed
        if memory <= GOAL_MEMORY
        else [*missed, f"reading takes {memory:.1f} × the memory of the arrays, the goal is {GOAL_MEMORY:.0f} ×"]
    )


def time_recording(engine: str, place: Callable[[], str], rounds: int) -> list[str]:
    """The store's part of record."""
    took = _best([measure("record", place()) for _number in range(rounds)])
    row(
        engine,
        f"record {SERIES:,} entities, {6 * SERIES:,} samples (new store: {took['first']:.2f} s)",
        took,
        "",
        None,
        f"≤ {GOAL_RECORD:.0f} s",
    )
    return [] if took["seconds"] <= GOAL_RECORD else [f"recording takes {took['seconds']:.1f} s, the goal is {GOAL_RECORD:.0f} s"]


def row(engine: str, task: str, ours: dict[str, float], beside: str, theirs: dict[str, float] | None, goal: str, more: str = "") -> None:
    """Print one row of the table."""
    other, ratio = (_told(theirs), f"{theirs['seconds'] / ours['seconds']:.1f} ×") if theirs else ("", "")
    print(f"| {engine} | {task} | {_told(ours)} | {beside} | {other} | {ratio} | {goal} | {more} |", flush=True)


def _told(took: dict[str, float]) -> str:
    return f"{took['seconds']:.2f} s ({took['cpu']:.2f} s)"


def _best(measured: list[dict[str, float]]) -> dict[str, float]:
    return min(measured, key=lambda took: took["seconds"])


@contextlib.contextmanager
def places(engine: str, folder: pathlib.Path) -> Iterator[Callable[[], str]]:
    """Give a function that returns the location of an empty store each time."""
    if engine == "SQLite":
        numbers = iter(range(1000))
        yield lambda: str(folder / f"store{next(numbers)}.db")
        return
    with postgres.running(durable=True) as cluster:
        yield cluster.create_database


def main() -> int:
    """Print the table and return 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, one round, no goals")
    parser.add_argument("--engine", action="append", choices=ENGINES, help="only this one")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--measure", choices=sorted(MEASUREMENTS), help=argparse.SUPPRESS)
    parser.add_argument("--location", help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(MEASUREMENTS[options.measure](options.location, options.samples)))
        return 0
    write, read, rounds = (10, 100, 1) if options.quick else (100, 1000, options.rounds)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run; best of {rounds}.\n")
    print(
        "| engine | task | store, wall (CPU) | beside | wall (CPU) | store is faster | goal | growth of peak memory ÷ arrays |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    missed: list[str] = []
    for engine in options.engine or ENGINES:
        if engine == "PostgreSQL" and postgres.binaries() is None:
            print(f"\nPostgreSQL left out: it is not installed ({postgres.APT}).")
            continue
        with tempfile.TemporaryDirectory(prefix="store_bench", dir="/var/tmp") as folder, places(engine, pathlib.Path(folder)) as place:
            missed += compare(engine, place, write, read, rounds)
    for sentence in missed:
        print(f"\nMissed: {sentence}.")
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
