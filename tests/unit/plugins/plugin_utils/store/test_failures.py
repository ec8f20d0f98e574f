# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users see when the store cannot be used: what was seen, what is needed, which option; never a traceback, nothing lost."""

from __future__ import annotations

import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

import postgres
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import failures, open_store

OPTION = r"O\(store\), foresight_store or E\(FORESIGHT_STORE\)"


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path):
    file = tmp_path / "store.db"
    file.write_text("my dear diary\n" * 100)
    with pytest.raises(StoreError, match=rf"not an SQLite database.*{OPTION}"):
        open_store(str(file))
    assert file.read_text() == "my dear diary\n" * 100


def test_a_directory_as_the_file(tmp_path):
    with pytest.raises(StoreError, match=rf"cannot be opened.*{OPTION}"):
        open_store(str(tmp_path))


def test_a_file_as_the_directory(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=rf"needed is a directory that may be written.*{OPTION}"):
        open_store(str(tmp_path / "file" / "store.db"))


_AS_SOMEBODY = """
import os, sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
open_store(sys.argv[2]).close()  # imports what somebody else might not be allowed to read
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with open_store(sys.argv[1]) as store:
        store.start_run("x", at=0, check=False, detail={})
except StoreError as error:
    print(error)
"""


def test_a_directory_that_may_not_be_written(start, tmp_path):
    process = start(_AS_SOMEBODY, "/proc/foresight/store.db", tmp_path / "mine.db")
    out, err = process.communicate()
    assert err == ""
    assert "needed is a directory that may be written" in out


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the test's other user may read but not write")
def test_a_store_that_may_only_be_read(start, tmp_path):
    folder = pathlib.Path("/var/tmp") / f"foresight-readonly-{os.getpid()}"
    try:
        open_store(str(folder / "store.db")).close()
        folder.chmod(0o755)
        out, err = start(_AS_SOMEBODY, folder / "store.db", tmp_path / "mine.db").communicate()
    finally:
        shutil.rmtree(folder)
    assert err == ""
    assert "Cannot use the store" in out
    assert "needed is the right to write the file and its directory" in out


def test_a_full_disk_keeps_what_was_committed(tmp_path, new_series):
    """SQLite reports the same error when a page limit is reached as when the disk is full (SQLITE_FULL)."""
    with open_store(str(tmp_path / "store.db")) as store:
        (series,) = new_series(store, 1)
        store.write_samples([series], [0], [1.0])
        with store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(StoreError, match=r"disk is full; nothing of this transaction was kept.*Needed is free space"):
            store.write_samples([series] * 50_000, range(50_000), range(50_000))
        assert store.sample_extent([series])[2].tolist() == [1]


def test_a_full_disk_in_the_middle_of_a_transaction(tmp_path, new_series):
    """As record writes: run, entities and samples in one; SQLite itself ends it, and with it every savepoint."""
    with open_store(str(tmp_path / "store.db")) as store:
        (series,) = new_series(store, 1)
        with store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")

        def record():
            with store.transaction():
                store.start_run("record", at=0, check=False, detail={})
                store.write_samples([series] * 50_000, range(50_000), range(50_000))

        with pytest.raises(StoreError, match="disk is full; nothing of this transaction was kept"):
            record()
        assert store.find_runs() == []


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is missing (apt-get install util-linux)")
def test_a_really_full_file_system(tmp_path):
    script = f"""
import sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
with open_store("{tmp_path}/disk/store.db") as store:
    entity = store.put_entities([EntityRow("kpi:a", "kpi:a", "kpi", None, {{}}, 0)])["kpi:a"]
    (series,) = store.put_series([(entity, "value", "count", False)]).values()
    store.write_samples([series], [0], [1.0])
    try:
        store.write_samples([series] * 500_000, range(500_000), range(500_000))
    except StoreError as error:
        print(error)
    print(store.sample_extent([series])[2].tolist(), store.last_samples([series])[1].tolist())
"""
    (tmp_path / "disk").mkdir()
    command = f'mount -t tmpfs -o size=2M none {tmp_path}/disk && exec {sys.executable} -c "$0"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command, script], check=False, capture_output=True, text=True
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    assert "disk is full; nothing of this transaction was kept" in done.stdout
    assert done.stdout.endswith("[1] [1.0]\n")
    assert done.stderr == ""


def test_a_damaged_file(tmp_path, new_series):
    file = tmp_path / "store.db"
    with open_store(str(file)) as store:
        new_series(store, 200)
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"file is damaged.*restore a backup"):
        open_store(str(file))


def test_another_writer_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(failures, "BUSY_SECONDS", 0.1)
    location = str(tmp_path / "store.db")
    with open_store(location) as store:
        other = sqlite3.connect(location, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process has been writing for more than 60 s"):
            store.start_run("record", at=0, check=False, detail={})
        other.execute("ROLLBACK")
        store.start_run("record", at=0, check=False, detail={})
        other.close()


def test_another_writer_on_postgresql(cluster, monkeypatch):
    location = cluster.create_database()
    with open_store(location) as store, open_store(location) as other:
        monkeypatch.setattr(failures, "BUSY_SECONDS", 0.1)
        with other.transaction(), pytest.raises(StoreError, match="another process has been writing"):
            store.start_run("record", at=0, check=False, detail={})
        store.start_run("record", at=0, check=False, detail={})


def test_a_server_that_does_not_answer(cluster):
    with pytest.raises(StoreError, match=rf"server cannot be reached.*needed are a running PostgreSQL.*{OPTION}"):
        open_store(f"postgresql://foresight@/db?host={cluster.folder}/nowhere")


def test_a_database_that_does_not_exist(cluster):
    with pytest.raises(StoreError, match="existing database \\(createdb\\)"):
        open_store(cluster.url.replace("/postgres?", "/nobody?"))


def test_the_password_comes_from_the_environment(cluster, monkeypatch):
    location = cluster.network_url(cluster.create_database())
    monkeypatch.setenv("FORESIGHT_STORE_PASSWORD", "wrong-secret")
    with pytest.raises(StoreError, match="FORESIGHT_STORE_PASSWORD or PGPASSFILE") as caught:
        open_store(location)
    assert "wrong-secret" not in str(caught.value)
    monkeypatch.setenv("FORESIGHT_STORE_PASSWORD", postgres.PASSWORD)
    open_store(location).close()


def test_the_password_comes_from_a_file(cluster, monkeypatch, tmp_path):
    location = cluster.network_url(cluster.create_database())
    monkeypatch.delenv("FORESIGHT_STORE_PASSWORD", raising=False)
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:*:*:foresight:{postgres.PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    open_store(location).close()


def test_a_server_that_goes_away_in_a_transaction(cluster, new_series):
    location = cluster.create_database()
    with open_store(location) as store:
        (series,) = new_series(store, 1)

        def lose_the_connection():
            with store.transaction():
                store.write_samples([series], [60], [1.0])
                with open_store(location) as other, other.reading() as connection:
                    connection.exec_driver_sql(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    )
                store.write_samples([series], [120], [1.0])

        with pytest.raises(StoreError, match=r"nothing of this transaction was kept|cannot be reached"):
            lose_the_connection()
        store.close()
        assert store.sample_extent([series])[2].tolist() == [0]
