# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import store_diagram
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import raw_connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa


def test_a_new_store_has_exactly_the_tables_of_the_schema(store):
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "schema_version", "compare_type": True})
        assert compare_metadata(context, tables().metadata) == []


@pytest.mark.parametrize(
    "name",
    [
        "entity", "series", "sample", "sample_hour", "sample_day", "forecast", "model", "run", "plan", "plan_action", "plan_picture", "outcome", "lease",
    ],
)  # fmt: skip
def test_every_table_says_what_it_is(name):
    assert tables().metadata.tables[name].comment


def test_samples_are_named_rows_for_grafana(store, location):
    entity = store.put_entities([EntityRow("lv:web1/u1", "lv:web1/vg0/data", "lv", "web1", {}, 0)])["lv:web1/u1"]
    (series,) = store.put_series([(entity, "used_bytes", "bytes", False)]).values()
    store.write_samples([series] * 3, [0, 86400, 10 * 86400], [1.0, 2.0, 3.0])
    store.apply_retention(10 * 86400, raw_seconds=86400, hourly_seconds=9 * 86400)
    with store.reading() as connection:
        cursor = raw_connection(connection).cursor()
        rows = cursor.execute(
            "SELECT entity, host, metric, unit, resolution, time, value, flag FROM sample_named WHERE time >= 0 ORDER BY time"
        ).fetchall()
        moments = [str(row[0]) for row in cursor.execute("SELECT timestamp FROM sample_named ORDER BY time").fetchall()]
    named = ("lv:web1/vg0/data", "web1", "used_bytes", "bytes")
    assert rows == [(*named, "day", 0, 1.0, 0), (*named, "hour", 86400, 2.0, 0), (*named, "raw", 864000, 3.0, 0)]
    assert moments[2].startswith("1970-01-11 00:00:00")


def test_foreign_keys_hold(store):
    with pytest.raises(StoreError, match="refers to something that is not in the store"), store.transaction() as connection:
        connection.execute(sa.insert(tables().series).values(entity_id=77, metric="x", unit="y", synthetic=False))


def test_the_documentation_is_up_to_date():
    """Otherwise: .venv/bin/python tests/support/store_diagram.py"""
    assert store_diagram.PAGE.read_text(encoding="utf-8") == store_diagram.page()
