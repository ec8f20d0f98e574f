# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fabricated next version: its migrations are the published ones and one more, run on real stores of the published version."""

from __future__ import annotations

import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store, open_store, upgrade
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import resolve
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import VERSION, tables

NEXT = f"{int(VERSION) + 1:04d}"

# a column that must not be null (SQLite rebuilds the table, which others refer to), and a row that tells how often this ran
MIGRATION = f"""
import os, signal
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{VERSION}"


def upgrade():
    recreate = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("series", recreate=recreate) as batch:
        batch.add_column(sa.Column("display", sa.Text, nullable=False, server_default="new"))
    op.execute("INSERT INTO retention (resolution, kept_from) VALUES ('raw', 0)")
    # HERE
"""


@pytest.fixture
def migrations(tmp_path):
    """Return a function that makes the script directory of the next version, whose migration ends with the given line."""

    def make(last: str = "") -> str:
        folder = tmp_path / f"migrations{len(list(tmp_path.glob('migrations*')))}"
        shutil.copytree(upgrade.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / f"v{NEXT}_next.py").write_text(MIGRATION.replace("# HERE", last))
        return str(folder)

    return make


@pytest.fixture
def old(location, new_series):
    """A store of the published version with a sample in it, closed."""
    with open_store(location) as store:
        (series,) = new_series(store, 1)
        store.write_samples([series], [60], [1.5])
    return location


def ask(location, query):
    store = Store(resolve(location))
    try:
        with store.reading() as connection:
            return raw_connection(connection).cursor().execute(query).fetchall()
    finally:
        store.close()


def bring_up(location, migrations):
    store = Store(resolve(location))
    try:
        upgrade.prepare(store, create=True, version=NEXT, migrations=migrations)
    finally:
        store.close()


def backups(location):
    file = pathlib.Path(location)
    return sorted(file.parent.glob("store.db.v*")) if location.startswith("/") else []


def test_the_version_of_the_code_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", upgrade.MIGRATIONS)
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [VERSION]


def test_a_store_of_the_first_version_becomes_what_a_new_one_is(old):
    store = Store(resolve(old))
    with store.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE plan_picture")
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '0001'")
    store.close()
    with open_store(old) as store, store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "schema_version", "compare_type": True})
        assert compare_metadata(context, tables().metadata) == []
    assert ask(old, "SELECT version_num FROM schema_version") == [(VERSION,)]
    assert ask(old, "SELECT value FROM sample") == [(1.5,)]


def test_a_store_is_upgraded_in_place(old, migrations):
    before = ask(old, "SELECT id, entity_id, metric, unit FROM series")
    bring_up(old, migrations())
    assert ask(old, "SELECT version_num FROM schema_version") == [(NEXT,)]
    assert ask(old, "SELECT id, entity_id, metric, unit FROM series") == before
    assert ask(old, "SELECT display FROM series") == [("new",)]
    assert ask(old, "SELECT value FROM sample") == [(1.5,)]
    bring_up(old, migrations())
    assert ask(old, "SELECT count(*) FROM retention") == [(1,)]


def test_a_backup_of_the_old_version_lies_beside_it(tmp_path, new_series, migrations):
    location = str(tmp_path / "store.db")
    with open_store(location) as store:
        new_series(store, 1)
    bring_up(location, migrations())
    (backup,) = backups(location)
    assert re.fullmatch(rf"store\.db\.v{VERSION}\.\d{{8}}T\d{{6}}Z\.bak", backup.name)
    with open_store(str(backup)) as store:
        assert len(store.find_series()) == 1
    assert sqlite3.connect(backup).execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_backup_that_cannot_be_finished_leaves_nothing_behind(tmp_path, new_series, migrations, monkeypatch):
    location = str(tmp_path / "store.db")
    with open_store(location) as store:
        new_series(store, 1)
    monkeypatch.setattr(upgrade.time, "strftime", lambda *_arguments: "now")
    blocked = tmp_path / f"store.db.v{VERSION}.now.bak"
    blocked.mkdir()
    with pytest.raises(StoreError, match="directory"):
        bring_up(location, migrations())
    assert backups(location) == [blocked]
    assert ask(location, "SELECT version_num FROM schema_version") == [(VERSION,)]


_UPGRADE = """
import sys
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store, upgrade
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import resolve
store = Store(resolve(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
upgrade.prepare(store, create=True, version=sys.argv[2], migrations=sys.argv[3])
print("done")
"""


def test_of_processes_that_race_exactly_one_upgrades(old, migrations, start):
    processes = [start(_UPGRADE, old, NEXT, migrations()) for _number in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, err = process.communicate()
        assert (out, process.returncode) == ("done\n", 0), err
    assert ask(old, "SELECT count(*) FROM retention") == [(1,)]
    assert len(backups(old)) in (0, 1)


def test_an_upgrade_killed_in_the_middle_never_happened(old, migrations, start):
    process = start(_UPGRADE, old, NEXT, migrations("os.kill(os.getpid(), signal.SIGKILL)"))
    process.communicate("go\n")
    assert process.returncode == -9
    assert ask(old, "SELECT version_num FROM schema_version") == [(VERSION,)]
    with open_store(old) as store:
        assert [info.unit for info in store.find_series()] == ["count"]
    bring_up(old, migrations())
    assert ask(old, "SELECT value FROM sample") == [(1.5,)]


def test_an_upgrade_that_fails_changes_nothing(old, migrations):
    with pytest.raises(StoreError):
        bring_up(old, migrations('op.execute("SELECT * FROM no_such_table")'))
    assert ask(old, "SELECT version_num FROM schema_version") == [(VERSION,)]
    assert ask(old, "SELECT count(*) FROM retention") == [(0,)]


def test_an_upgrade_that_breaks_a_reference_changes_nothing(tmp_path, new_series, migrations):
    location = str(tmp_path / "store.db")
    with open_store(location) as store:
        new_series(store, 1)
    with pytest.raises(StoreError, match="break a reference in table series"):
        bring_up(location, migrations('op.execute("DELETE FROM entity")'))
    assert ask(location, "SELECT count(*) FROM entity") == [(1,)]


def test_a_newer_store_is_refused_and_left_alone(old):
    store = Store(resolve(old))
    with store.transaction() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '9999'")
    store.close()
    with pytest.raises(StoreError, match=r"schema version 9999.*this one knows.*ansible-galaxy collection install -U"):
        open_store(old)
    assert ask(old, "SELECT value FROM sample") == [(1.5,)]
    assert backups(old) == []


def test_a_database_with_tables_of_somebody_else_is_refused(location):
    store = Store(resolve(location))
    with store.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE series (name TEXT)")
    store.close()
    with pytest.raises(StoreError, match="already holds tables of the names series"):
        open_store(location)


def test_every_file_can_be_imported_without_third_party_packages():
    """ansible-test does that with every file of plugin_utils, the migrations included."""
    folder = pathlib.Path(upgrade.MIGRATIONS).parent
    names = [".".join(file.relative_to(folder).with_suffix("").parts) for file in folder.rglob("*.py") if file.name != "__init__.py"]
    assert "migrations.env" in names
    script = (
        "import importlib, sys\n"
        "sys.modules.update({name: None for name in ('alembic', 'sqlalchemy', 'numpy', 'psycopg', 'adbc_driver_sqlite', 'adbc_driver_manager', 'pyarrow')})\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module('ansible_collections.foresight.capacity.plugins.plugin_utils.store.' + name)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *names], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
