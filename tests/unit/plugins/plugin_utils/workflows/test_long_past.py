# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a volume held within a long past, from a real store."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.long_past import LongPast

GIB = 2**30
HOUR, DAY = 3600, 86400
NOW = 1_763_700_000
WINDOW = 14 * DAY


@pytest.fixture
def notebook(tmp_path):
    with open_store(str(tmp_path / "store.db")) as opened:
        yield opened


def put(notebook, name, hours, samples, **fs):
    """Store a volume of 40 GiB with samples so many hours ago and return its entity."""
    filesystem = {"type": "ext4", "size": 40 * GIB, "used": 8 * GIB, "mountpoints": ["/srv"], **fs}
    attributes = {"vg": "vg0", "lv": name, "uuid": name, "size_bytes": 40 * GIB, "segment_type": "linear", "fs": filesystem}
    key = f"lv:h/vg0/{name}"
    with notebook.transaction():
        number = notebook.put_entities([EntityRow(f"lv:h/{name}", key, "lv", "h", attributes, NOW)])[f"lv:h/{name}"]
        if len(hours):
            series = notebook.put_series([(number, "used_bytes", "bytes", True)])[number, "used_bytes"]
            times = NOW - np.asarray(hours)[::-1] * HOUR
            notebook.write_samples(np.full(len(times), series), times, np.broadcast_to(np.asarray(samples, dtype=float), times.shape))
    (entity,) = notebook.find_entities(keys=[key])
    return entity


def test_the_peak_of_the_whole_window_counts_and_nothing_before_it(notebook):
    hours = np.arange(20 * 24)
    used = np.where(hours == 13 * 24, 30 * GIB, np.where(hours == 15 * 24, 39 * GIB, 8 * GIB))[::-1]
    entity = put(notebook, "data", hours, used)
    assert LongPast(notebook, [entity], NOW, WINDOW).of(entity) == {
        "past_peak_bytes": 30 * GIB,
        "past_seconds": WINDOW,
        "last_failed_at": None,
        "copies_freed": 1,
    }


def test_a_young_series_is_known_since_its_first_sample(notebook):
    entity = put(notebook, "data", np.arange(49), 8 * GIB)
    assert LongPast(notebook, [entity], NOW, WINDOW).of(entity)["past_seconds"] == 2 * DAY


def test_a_day_without_samples_ends_what_is_known_but_not_the_peak(notebook):
    hours = np.concatenate([np.arange(5 * 24), np.arange(7 * 24, 20 * 24)])
    entity = put(notebook, "data", hours, np.where(hours == 10 * 24, 20 * GIB, 8 * GIB)[::-1])
    assert LongPast(notebook, [entity], NOW, WINDOW).of(entity) == {
        "past_peak_bytes": 20 * GIB,
        "past_seconds": 5 * DAY,
        "last_failed_at": None,
        "copies_freed": 1,
    }


def test_what_retention_rolled_up_keeps_its_peak(notebook):
    hours = np.arange(20 * 24)
    entity = put(notebook, "data", hours, np.where(hours == 12 * 24 + 3, 25 * GIB, 8 * GIB)[::-1])
    notebook.apply_retention(NOW, raw_seconds=2 * DAY, hourly_seconds=5 * DAY)
    assert LongPast(notebook, [entity], NOW, WINDOW).of(entity) == {
        "past_peak_bytes": 25 * GIB,
        "past_seconds": WINDOW,
        "last_failed_at": None,
        "copies_freed": 1,
    }


@pytest.mark.parametrize(
    ("fs", "seconds"),
    [
        ({"type": "xfs"}, WINDOW),
        ({"type": "swap"}, WINDOW),
        ({"type": "ntfs"}, WINDOW),
        ({"type": None}, WINDOW),
        ({"mountpoints": []}, WINDOW),
        ({"used": None}, WINDOW),
        ({"used": 37 * GIB}, WINDOW),
        ({}, 0),
    ],
)
def test_nothing_is_read_of_what_could_not_shrink(notebook, fs, seconds):
    entity = put(notebook, "data", np.arange(48), 8 * GIB, **fs)
    assert LongPast(notebook, [entity], NOW, seconds).of(entity) == {
        "past_peak_bytes": None,
        "past_seconds": None,
        "last_failed_at": None,
        "copies_freed": 1,
    }


def test_without_samples_nothing_is_known(notebook):
    never, gone = put(notebook, "never", [], 0), put(notebook, "gone", np.arange(30, 60), 8 * GIB)
    past = LongPast(notebook, [never, gone], NOW, WINDOW)
    assert [past.of(entity)["past_seconds"] for entity in (never, gone)] == [None, None]


def test_the_last_failure_counts_but_not_one_of_a_rehearsal(notebook):
    entity, once, long_ago = (put(notebook, name, np.arange(48), 8 * GIB) for name in ("data", "once", "long_ago"))
    with notebook.transaction():
        real, rehearsal = (notebook.start_run("apply", at=NOW - DAY, check=check, detail={}) for check in (False, True))
        outcome = {
            "action_id": "a" * 16,
            "plan_id": "p",
            "host": "h",
            "changed": False,
            "seconds": 1.0,
            "before": {},
            "after": {},
            "message": "",
        }
        notebook.add_outcomes(
            {**outcome, "target": target, "status": status, "started_at": NOW - ago, "run_id": run}
            for target, status, ago, run in (
                (entity.key, "refused", 500, real),
                (entity.key, "failed", 900, real),
                (entity.key, "failed", 100, rehearsal),
                (entity.key, "ok", 50, real),
                ("lv:h/vg0/other", "failed", 10, real),
                (once.key, "failed", 360 * DAY, real),
                (long_ago.key, "failed", 366 * DAY, real),
            )
        )
    past = LongPast(notebook, [entity, once, long_ago], NOW, WINDOW)
    assert [past.of(one)["last_failed_at"] for one in (entity, once, long_ago)] == [NOW - 500, NOW - 360 * DAY, None]
