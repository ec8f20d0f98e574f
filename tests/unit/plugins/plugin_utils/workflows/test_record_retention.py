# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""record and what is old: rolled up once a day, dropped when the user says so, never by a check run."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support import facts_documents as d


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "store.db")


def run(store, facts, now=d.NOW, **more):
    return record(store=store, now=now, facts=facts, hosts=list(facts), lost=[], **more)


def lvm(at=d.NOW):
    return {"foresight_lvm": d.lvm(at)}


def raw_rows(store):
    with open_store(store) as notebook, notebook.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM sample").scalar()


def test_old_samples_are_rolled_up_once_a_day(store):
    day = 86400
    keep = {"raw": 2 * day, "hourly": 700 * day, "daily": None, "forecasts": None}
    run(store, {"web1": lvm(d.NOW)}, now=d.NOW, keep=keep)
    first = run(store, {"web1": lvm(d.NOW + 3 * day)}, now=d.NOW + 3 * day, keep=keep)
    assert first["written"]["rolled_up"] > 0
    again = run(store, {"web1": lvm(d.NOW + 3 * day + 60)}, now=d.NOW + 3 * day + 60, keep=keep)
    assert again["written"]["rolled_up"] == 0
    checked = run(store, {"web1": lvm(d.NOW + 9 * day)}, now=d.NOW + 9 * day, keep=keep, check=True)
    assert "rolled_up" not in checked["written"], "a check run drops nothing"
    with open_store(store) as notebook:
        assert len(notebook.find_runs("retention")) == 2


@pytest.mark.parametrize(("coarser", "ages"), [("hourly", (10, 2, None)), ("daily", (10, 20, 15))])
def test_ages_that_do_not_grow_are_refused_before_anything_is_written(store, coarser, ages):
    keep = {**dict(zip(("raw", "hourly", "daily"), (age and age * 86400 for age in ages), strict=True)), "forecasts": None}
    for _again in range(2):
        with pytest.raises(InputError, match=rf"O\(keep_{coarser}\) is .*needed is at least as long"):
            run(store, {"web1": lvm()}, keep=keep)
    assert not pathlib.Path(store).exists()


def test_where_samples_are_kept_for_ever_forecasts_still_end(store):
    day = 86400
    run(store, {"web1": lvm()})
    with open_store(store) as notebook:
        (series,) = notebook.find_series(metric="used_bytes")
        row = {
            "digest": "d",
            "issued_at": d.NOW,
            "horizon_seconds": 1,
            "step_seconds": 1,
            "method": "naive",
            "status": "ok",
            "document": {},
        }
        notebook.save_forecasts([{"series_id": series.id, **row}])
    keep = {"raw": None, "hourly": day, "daily": 2 * day, "forecasts": 3 * day}
    later = run(store, {"web1": lvm(d.NOW + 9 * day)}, now=d.NOW + 9 * day, keep=keep)
    assert later["written"]["rolled_up"] == 0
    assert raw_rows(store) == 12
    with open_store(store) as notebook:
        assert notebook.find_forecasts([series.id]) == {}


def test_old_models_end_with_the_daily_retention(store):
    day = 86400
    run(store, {"web1": lvm()})
    with open_store(store) as notebook:
        (series,) = notebook.find_series(metric="used_bytes")
        notebook.save_model(f"lstm/{series.id}/600", "lstm", {"series_id": series.id, "trained_at": d.NOW}, b"x")
    keep = {"raw": None, "hourly": None, "daily": None, "forecasts": None, "models": 3 * day}
    run(store, {"web1": lvm(d.NOW + 2 * day)}, now=d.NOW + 2 * day, keep=keep)
    with open_store(store) as notebook:
        assert notebook.find_model_keys("lstm") == [f"lstm/{series.id}/600"]
    run(store, {"web1": lvm(d.NOW + 4 * day)}, now=d.NOW + 4 * day, keep=keep)
    with open_store(store) as notebook:
        assert notebook.find_model_keys("lstm") == []


def test_a_retention_that_was_killed_is_made_up_for_by_the_next_run(store):
    day = 86400
    keep = {"raw": 2 * day, "hourly": 700 * day, "daily": None, "forecasts": None}
    run(store, {"web1": lvm()})
    with open_store(store) as notebook:
        notebook.start_run("retention", at=d.NOW + 9 * day - 60, check=False, detail={})
    later = run(store, {"web1": lvm(d.NOW + 9 * day)}, now=d.NOW + 9 * day, keep=keep)
    assert later["written"]["rolled_up"] == 6
