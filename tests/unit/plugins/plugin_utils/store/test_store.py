# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opening a store, and its transactions."""

from __future__ import annotations

import pathlib
import sqlite3
import threading

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store


def test_what_was_written_is_there_when_opened_again(location, new_series):
    with open_store(location) as store:
        (series,) = new_series(store, 1)
        store.write_samples([series], [60], [1.5])
    with open_store(location, create=False) as store:
        assert store.last_samples([series])[1].tolist() == [1.5]


def test_a_store_that_is_not_there_is_told_and_not_created(tmp_path, cluster):
    file = tmp_path / "none" / "store.db"
    for location in (str(file), cluster.create_database()):
        with pytest.raises(StoreError, match=r"no store at .*foresight\.capacity\.observe"):
            open_store(location, create=False)
    assert not file.parent.exists()


def test_a_new_store_waits_for_the_process_that_makes_it_too(tmp_path):
    """SQLite's own waiting leaves out the switch to WAL, which needs the file for itself."""
    open_store(str(tmp_path / "first.db")).close()  # the imports would take as long as the wait
    location = str(tmp_path / "store.db")
    other = sqlite3.connect(location, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    release.start()
    open_store(location).close()
    release.join()
    other.close()


def test_the_directory_is_the_users_own(tmp_path):
    open_store(str(tmp_path / "a" / "store.db")).close()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_an_error_in_a_transaction_undoes_all_of_it(store, new_series):
    (series,) = new_series(store, 1)

    def fail():
        with store.transaction():
            store.write_samples([series], [60], [1.0])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.sample_extent([series])[2].tolist() == [0]


def test_errors_of_others_stay_what_they_are(store):
    def fail():
        with store.transaction():
            pathlib.Path("/no/such/file").read_text()

    with pytest.raises(FileNotFoundError):
        fail()


def test_an_inner_error_that_is_caught_undoes_the_inner_part_only(store, new_series):
    (series,) = new_series(store, 1)
    with store.transaction():
        store.write_samples([series], [60], [1.0])
        with pytest.raises(StoreError, match="not in the store"):
            store.write_samples([series, 10**6], [120, 120], [2.0, 2.0])
        store.write_samples([series], [180], [3.0])
    assert np.array_equal(store.read_samples([series], start=60, end=240, step=60), [[1.0, np.nan, 3.0]], equal_nan=True)


def test_a_transaction_reads_what_it_wrote_and_others_do_not(store, location, new_series):
    (series,) = new_series(store, 1)
    with open_store(location) as other, store.transaction():
        store.write_samples([series], [60], [1.0])
        assert store.read_samples([series], start=60, end=120, step=60).tolist() == [[1.0]]
        assert np.isnan(other.read_samples([series], start=60, end=120, step=60)).all()


def test_threads_share_one_store(store, new_series):
    series = new_series(store, 4)
    failed = []

    def write(number: int) -> None:
        try:
            for time in range(0, 360, 60):
                with store.transaction():
                    store.write_samples([number], [time], [float(time)])
                    store.write_samples([number], [time + 30], [float(time)])
        except StoreError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=[number]) for number in series]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert store.sample_extent(series)[2].tolist() == [12] * 4


_OPEN = """
import sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store, EntityRow
sys.stdin.readline()
with open_store(sys.argv[1]) as store:
    for turn in range(3):
        key = f"kpi:{sys.argv[2]}/{turn}"
        with store.transaction():
            entity = store.put_entities([EntityRow(key, key, "kpi", None, {}, turn), EntityRow("host:all", "host:all", "host", "all", {"by": key}, turn)])
            series = store.put_series([(entity[key], "value", "count", False)])
            store.write_samples(list(series.values()) * 1000, range(1000), range(1000))
"""


def test_processes_create_and_write_one_store_at_once(location, start):
    processes = [start(_OPEN, location, number) for number in range(3)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate() == ("", "")
        assert process.returncode == 0
    with open_store(location, create=False) as store:
        series = [info.id for info in store.find_series()]
        assert len(series) == 9
        assert store.sample_extent(series)[2].tolist() == [1000] * 9
        assert len(store.find_entities(keys=["host:all"])) == 1


def test_nobody_else_may_read_a_new_store(tmp_path):
    path = tmp_path / "store.db"
    with open_store(str(path)) as opened:
        opened.put_entities([EntityRow("host:a", "host:a", "host", "a", {}, 1)])
        assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
