# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kill -9 in the middle of writing, again and again: every transaction is there wholly or not at all, and the next writer goes on."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store

SERIES = 20

_WRITE = """
import sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
keys = [f"kpi:{number}" for number in range(int(sys.argv[2]))]
with open_store(sys.argv[1]) as store:
    turn = int(sys.argv[3])
    while True:
        turn += 1
        with store.transaction():
            entities = store.put_entities([EntityRow(key, key, "kpi", None, {"turn": turn}, turn) for key in keys])
            series = store.put_series([(entities[key], "value", "count", False) for key in keys])
            for number in series.values():
                store.write_samples([number] * 50, range(turn * 100, turn * 100 + 50), [turn] * 50)
        print(turn, flush=True)
"""


def test_a_killed_writer_leaves_whole_transactions(location, start):
    """The moments differ: after the first commit the kill comes a little later each time, wherever the writer then is."""
    done = 0
    for attempt in range(5):
        process = start(_WRITE, location, SERIES, done)
        for _number in range(1 + attempt % 3):
            done = int(process.stdout.readline())
        spin = sum(range(attempt * 150_000))  # some milliseconds into the next transaction
        process.kill()
        rest, _errors = process.communicate()
        done = max([done, *map(int, rest.split())]) if spin >= 0 else done
        with open_store(location, create=False) as store:
            series = [info.id for info in store.find_series()]
            assert len(series) == SERIES
            counts = store.sample_extent(series)[2]
            turns = {entity.attributes["turn"] for entity in store.find_entities()}
            assert len(turns) == 1
            (last,) = turns
            assert last in (done, done + 1)  # committed, and killed before it could say so
            assert np.array_equal(counts, [50 * last] * SERIES)
            done = last
    if location.startswith("/"):
        assert sqlite3.connect(location).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


_RETAIN = """
import sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    store.apply_retention(int(sys.argv[2]), raw_seconds=3600, hourly_seconds=5 * 86400)
    print("done", flush=True)
"""


@pytest.mark.parametrize("patience", [0, 300_000, 1_500_000])
def test_a_killed_retention_loses_nothing(location, start, new_series, patience):
    days = 10
    now = days * 86400
    with open_store(location) as store:
        series = new_series(store, 20)
        times = np.arange(0, now, 600)
        values = np.random.default_rng(0).normal(size=(len(series), len(times)))
        store.write_samples(np.repeat(series, len(times)), np.tile(times, len(series)), values.ravel())
        question = {"start": 0, "end": now, "step": 86400}
        before = {how: store.read_samples(series, **question, how=how) for how in ("min", "mean", "max", "last")}
    process = start(_RETAIN, location, now)
    assert process.stdout.readline() == "ready\n"
    sum(range(patience))
    process.kill()
    process.communicate()
    with open_store(location) as store:
        for _number in range(2):
            for how, wanted in before.items():
                np.testing.assert_allclose(store.read_samples(series, **question, how=how), wanted, rtol=1e-9)
            assert store.sample_extent(series)[2].tolist() == [len(times)] * len(series)
            store.apply_retention(now, raw_seconds=3600, hourly_seconds=5 * 86400)
