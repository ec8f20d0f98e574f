# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb on a real store: whole files or nothing, the same again, shifted times, and what lies around before and after."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import write_recording
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_target import Duplicates
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support import facts_documents as d

T0 = 1_763_600_000
TABLE = {"time_column": "time", "entity": "lv:{host}/vg0/{lv}", "columns": {"used": "used_bytes"}}


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "store.db")


@pytest.fixture
def table(tmp_path):
    def table(*rows, name="usage.csv"):
        path = tmp_path / name
        path.write_text("time,host,lv,used\n" + "".join(f"{row}\n" for row in rows))
        return str(path)

    return table


def run(store, path, now=d.NOW, **more):
    return import_history(store=store, now=now, path=[path], **{"table": TABLE, **more})


def values(store, key, metric="used_bytes"):
    with open_store(store) as notebook, notebook.reading() as connection:
        query = (
            "SELECT x.time, x.value, x.flag FROM sample x JOIN series s ON s.id = x.series_id JOIN entity e ON e.id = s.entity_id "
            f"WHERE e.key = '{key}' AND s.metric = '{metric}' ORDER BY x.time"
        )
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def entity(store, key):
    with open_store(store) as notebook:
        return next(iter(notebook.find_entities(keys=[key])), None)


def observe_live(store, now, **more):
    return record(store=store, now=now, hosts=["web1"], lost=[], facts={"web1": {"foresight_lvm": d.lvm(now, **more)}})


def test_a_table_into_a_new_store(store, table):
    result = run(store, table(f"{T0},web1,data,1", f"{T0 + 60},web1,data,2", f"{T0},web2,data,3"))
    assert values(store, "lv:web1/vg0/data") == [(T0, 1.0, 0), (T0 + 60, 2.0, 0)]
    made = entity(store, "lv:web1/vg0/data")
    assert made.attributes["recorded"] == {"shifted_by": 0, "source": "usage.csv"}
    assert (made.host, made.attributes["lv"], made.attributes["size_bytes"]) == ("web1", "data", None)
    (file,) = result["files"]
    assert (file["samples"], file["entities"], file["entities_made"], file["first"], file["last"]) == (3, 2, 2, T0, T0 + 60)
    assert result["summary"] == [f"{file['path']}: 3 samples of 2 entities written."]
    with open_store(store) as notebook:
        (noted,) = notebook.find_runs("import_history")
    assert noted.status == "imported"
    assert noted.detail["samples"] == 3


def test_the_same_again_changes_nothing(store, table):
    path = table(f"{T0},web1,data,1", f"{T0 + 60},web1,data,-2")
    run(store, path)
    before = values(store, "lv:web1/vg0/data")
    result = run(store, path, now=d.NOW + 60)
    assert values(store, "lv:web1/vg0/data") == before == [(T0, 1.0, 0), (T0 + 60, -2.0, 2)]
    assert result["files"][0]["entities_made"] == 0
    assert result["files"][0]["flagged"] == {"negative": 1}


def test_rows_in_any_order_and_duplicates(store, table):
    result = run(store, table(f"{T0 + 60},web1,data,1", f"{T0},web1,data,2", f"{T0 + 60},web1,data,3", f"{T0},web2,data,9"))
    assert values(store, "lv:web1/vg0/data") == [(T0, 2.0, 0), (T0 + 60, 3.0, 0)]
    assert result["files"][0]["duplicates"] == 1
    assert result["files"][0]["out_of_order"] == 1


def test_a_file_is_imported_as_a_whole_or_not_at_all(store, table):
    path = table(f"{T0},web1,data,1", *["x,web1,data,1"] * 3)
    with pytest.raises(InputError, match="nothing was imported"):
        run(store, path, max_bad_rows=2)
    assert entity(store, "lv:web1/vg0/data") is None
    with open_store(store) as notebook:
        assert notebook.find_runs("import_history") == []


def test_check_mode_tells_what_would_be_and_writes_nothing(store, table):
    path = table(f"{T0},web1,data,1")
    result = run(store, path, check=True)
    assert not os.path.exists(store)
    assert result["files"][0]["samples"] == 1
    assert result["written"] == {"samples": 0, "entities_made": 0}
    assert "would be written" in result["summary"][0]
    observe_live(store, d.NOW)
    run(store, path, check=True)
    assert len(values(store, "lv:web1/vg0/data")) == 1
    with pytest.raises(InputError, match="known here as live"):
        run(store, path, check=True, shift_to_now=True)


def test_history_goes_to_the_volume_that_is_known(store, table):
    observe_live(store, d.NOW)
    known = entity(store, "lv:web1/vg0/data")
    run(store, table(f"{T0},web1,data,1"))
    assert entity(store, "lv:web1/vg0/data") == known
    assert [row[0] for row in values(store, "lv:web1/vg0/data")] == [T0, d.NOW]


def test_a_volume_adopts_the_history_imported_before_it_was_observed(store, table):
    run(store, table(f"{T0},web1,data,1"))
    observe_live(store, d.NOW)
    known = entity(store, "lv:web1/vg0/data")
    assert known.identity == "lv:web1/LV-vg0-data"
    assert known.attributes["recorded"] is None
    assert [row[0] for row in values(store, "lv:web1/vg0/data")] == [T0, d.NOW]


def test_shifted_times_stay_shifted_alike(store, table):
    path = table(f"{T0},web1,data,1", f"{T0 + 60},web1,data,2")
    first = run(store, path, shift_to_now=True)
    assert first["files"][0]["shifted_by"] == d.NOW - T0 - 60
    assert "times shifted by" in first["summary"][0]
    again = run(store, path, now=d.NOW + 5000, shift_to_now=True)
    assert again["files"][0]["shifted_by"] == first["files"][0]["shifted_by"]
    assert [row[0] for row in values(store, "lv:web1/vg0/data")] == [d.NOW - 60, d.NOW]
    assert entity(store, "lv:web1/vg0/data").attributes["recorded"]["shifted_by"] == d.NOW - T0 - 60
    with pytest.raises(InputError, match="true times do not go with it"):
        run(store, path)


def test_generated_history_is_marked_for_ever(store, table):
    path = table(f"{T0},web1,data,1")
    run(store, path, synthetic=True)
    run(store, path)
    with open_store(store) as notebook:
        assert [series.synthetic for series in notebook.find_series()] == [True]


def test_several_files_and_patterns(store, table, tmp_path):
    table(f"{T0},web1,data,1", name="a.csv")
    table(f"{T0 + 60},web1,data,2", name="b.csv")
    result = run(store, str(tmp_path / "*.csv"))
    assert [os.path.basename(file["path"]) for file in result["files"]] == ["a.csv", "b.csv"]
    for pattern in ("missing.csv", "*.tsv"):
        with pytest.raises(InputError, match="There is no file"):
            run(store, str(tmp_path / pattern))


def test_a_table_needs_its_time_column_named(store, table):
    with pytest.raises(InputError, match=r"O\(time_column\)"):
        run(store, table(f"{T0},web1,data,1"), table=None)


def test_progress_is_told_on_long_imports(store, table, monkeypatch):
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import import_progress

    monkeypatch.setattr(import_progress, "_SECONDS", 0.0)
    lines = []
    run(store, table(f"{T0},web1,data,1"), progress=lines.append)
    assert len(lines) == 1
    assert "100%, 1 rows" in lines[0]


@pytest.fixture
def recording(tmp_path):
    def recording(order=range(10), name="lab.jsonl.gz", **header):
        path = str(tmp_path / name)
        lines = []
        for step in order:
            at = T0 + 60 * step
            facts = {
                "foresight_node": d.node(at, busy=30.0 * step, uptime=1000.0 + 60 * step),
                "foresight_lvm": d.lvm(at, lvs=[d.lv(used=step)]),
            }
            lines.append(("lab1", facts))
        write_recording(path, lines, **header)
        return path

    return recording


def test_a_recording(store, recording):
    result = run(store, recording(note="made in the lab"))
    (file,) = result["files"]
    assert (file["format"], file["rows"], file["note"], file["shifted_by"]) == ("recording", 10, "made in the lab", 0)
    assert values(store, "lv:lab1/vg0/data") == [(T0 + 60 * step, float(step), 0) for step in range(10)]
    assert values(store, "host:lab1", "cpu_cores")[1:] == [(T0 + 60 * step, pytest.approx(0.5), 0) for step in range(1, 10)]
    known = entity(store, "lv:lab1/vg0/data")
    assert known.attributes["recorded"] == {"shifted_by": 0, "source": "lab.jsonl.gz"}
    assert known.last_seen == T0 + 540
    again = run(store, recording())
    assert again["files"][0]["samples"] == file["samples"]
    assert len(values(store, "lv:lab1/vg0/data")) == 10


def test_a_recording_shifted_and_synthetic(store, recording):
    result = run(store, recording(synthetic=True), shift_to_now=True)
    assert result["files"][0]["synthetic"] is True
    assert values(store, "lv:lab1/vg0/data")[-1][0] == d.NOW
    with open_store(store) as notebook:
        assert all(series.synthetic for series in notebook.find_series())


def test_a_recording_in_any_order(store, recording):
    order = [0, 1, 3, 2, 3, 5, 4, 6, 7, 9, 8]
    result = run(store, recording(order))
    assert values(store, "lv:lab1/vg0/data") == [(T0 + 60 * step, float(step), 0) for step in range(10)]
    assert (result["files"][0]["out_of_order"], result["files"][0]["duplicates"]) == (3, 1)
    assert entity(store, "host:lab1").last_seen == T0 + 540
    assert entity(store, "host:lab1").attributes["documents"]["foresight_lvm"]["observed_at"] == T0 + 540


def test_a_recording_of_a_live_host_gives_samples_only(store, recording):
    record(store=store, now=d.NOW, hosts=["lab1"], lost=[], facts={"lab1": {"foresight_lvm": d.lvm(d.NOW)}})
    known = entity(store, "lv:lab1/vg0/data")
    run(store, recording())
    now_known = entity(store, "lv:lab1/vg0/data")
    assert (now_known.attributes, now_known.last_seen) == (known.attributes, known.last_seen)
    assert len(values(store, "lv:lab1/vg0/data")) == 11
    with pytest.raises(InputError, match="known here as live"):
        run(store, recording(), shift_to_now=True)


def test_a_recorded_host_that_comes_alive(store, recording):
    run(store, recording())
    record(store=store, now=d.NOW, hosts=["lab1"], lost=[], facts={"lab1": {"foresight_lvm": d.lvm(d.NOW)}})
    assert entity(store, "lv:lab1/vg0/data").attributes["recorded"] is None
    assert len(values(store, "lv:lab1/vg0/data")) == 11


def test_names_and_notes_that_no_database_takes(store, table, recording, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/b\xfcro.csv")
    os.rename(table(f"{T0},web1,data,1"), path)
    assert run(store, path)["files"][0]["path"].endswith("/b?ro.csv")
    assert entity(store, "lv:web1/vg0/data").attributes["recorded"]["source"] == "b?ro.csv"
    for note in ("\ud800", float("nan")):
        assert run(store, recording(note=note))["files"][0]["note"] in ("?", None)


def test_as_many_bad_lines_of_a_recording_as_the_option_says(store, recording):
    path = recording(name="lab.jsonl")
    with open(path, "a") as file:
        file.write("{\n" * 120)
    with pytest.raises(InputError, match="more than 100 lines"):
        run(store, path)
    assert run(store, path, max_bad_rows=120)["files"][0]["bad_rows"] == 120


def test_documents_of_the_future_are_left_out(store, recording):
    result = run(store, recording(), now=T0 + 60 * 4)
    assert values(store, "lv:lab1/vg0/data")[-1][0] == T0 + 60 * 9
    result = run(store, recording(name="b.jsonl"), now=T0, max_skew=120)
    assert result["files"][0]["bad_rows"] == 7
    assert "in the future" in result["files"][0]["bad"][0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=8), min_size=1, max_size=8))
def test_duplicates_are_counted_exactly(chunks):
    counter = Duplicates()
    rows = []
    for chunk in chunks:
        rows += chunk
        counter.add(np.array([row[0] for row in chunk]), np.array([row[1] for row in chunk]))
    assert counter.count == len(rows) - len(set(rows))


def test_the_order_of_rows_makes_no_difference(tmp_path, table):
    rows = [f"{T0 + 60 * step},web{host},data,{step + host}" for step in range(50) for host in range(3)]
    stores = []
    for seed in range(3):
        shuffled = list(rows)
        random.Random(seed).shuffle(shuffled)
        stores.append(str(tmp_path / f"{seed}.db"))
        run(stores[-1], table(*shuffled, name=f"{seed}.csv"))
    assert all(
        values(stores[0], f"lv:web{host}/vg0/data") == values(store, f"lv:web{host}/vg0/data") for store in stores for host in range(3)
    )
