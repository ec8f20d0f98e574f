# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of volumes whose changes are mostly taken back by the next one: what series have in common is learned from it in a moment."""

from __future__ import annotations

import json
import pathlib
import typing as t

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast

NOW, STEP, GIB = 1_763_700_000, 600, 2**30
COUNT, LENGTH, HORIZON = 24, 90, 6
KEY = global_models.key_of("used_bytes", STEP, HORIZON, 1)


def walk(number: int, length: int = LENGTH) -> np.ndarray:
    """Return a volume whose changes are mostly taken back by the next one: something that all series have in common."""
    changes = np.random.default_rng(number).normal(size=length) * 1e8
    changes[1:] -= 0.8 * changes[:-1]
    return 10 * GIB + np.cumsum(changes)


def put(path: pathlib.Path, numbers: t.Iterable[int] = range(COUNT), *, length: int = LENGTH, end: int = NOW) -> None:
    with open_store(str(path)) as store:
        rows = [EntityRow(f"lv:web1/uuid-{one}", f"lv:web1/vg0/v{one:03}", "lv", "web1", {"size_bytes": 64 * GIB}, NOW) for one in numbers]
        entities = store.put_entities(rows)
        ids = store.put_series([(entities[row.identity], "used_bytes", "bytes", False) for row in rows])
        for row, number in zip(rows, numbers, strict=True):
            times = [end - STEP * (length - 1 - place) for place in range(length)]
            store.write_samples([ids[entities[row.identity], "used_bytes"]] * length, times, walk(number, length))


def ask(path: pathlib.Path, **options: t.Any) -> list[dict[str, t.Any]]:
    found = forecast(**{"store": str(path), "metrics": ["used_bytes"], "entities": ["lv:*"], "horizon": "1h", "now": NOW, **options})
    json.dumps(found, allow_nan=False)
    return found


def row_of(path: pathlib.Path, key: str = KEY) -> tuple[dict[str, t.Any], bytes]:
    with open_store(str(path)) as store:
        return store.read_models([key])[key]


def change_row(path: pathlib.Path, key: str = KEY, **values: t.Any) -> None:
    table = tables().model
    with open_store(str(path)) as store, store.transaction() as connection:
        assert connection.execute(sa.update(table).where(table.c.key == key).values(**values)).rowcount == 1


def rewritten(path: pathlib.Path, **changes: t.Any) -> None:
    """Store the row again with another meta, and with the checksum that belongs to it."""
    meta, payload = row_of(path)
    with open_store(str(path)) as store:
        store.save_model(KEY, global_models.KIND, {**meta, **changes}, payload)
