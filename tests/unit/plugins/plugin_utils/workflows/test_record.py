# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verb on a real store: what is written, what is refused, and what a kill leaves."""

from __future__ import annotations

import pathlib
import signal
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import write_recording
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Flag, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support import facts_documents as d


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "store.db")


def run(store, facts, now=d.NOW, **more):
    arguments = {"hosts": list(facts), "lost": [], **more}
    return record(store=store, now=now, facts=facts, **arguments)


def lvm(at=d.NOW, **more):
    return {"foresight_lvm": d.lvm(at, **more)}


def values(store, key, metric):
    """Return the raw (time, value, flag) rows of a series."""
    with open_store(store) as notebook, notebook.reading() as connection:
        query = (
            "SELECT x.time, x.value, x.flag FROM sample x JOIN series s ON s.id = x.series_id JOIN entity e ON e.id = s.entity_id "
            f"WHERE e.key = '{key}' AND s.metric = '{metric}' ORDER BY x.time"
        )
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def entities(store, **conditions):
    with open_store(store) as notebook:
        return {entity.key: entity for entity in notebook.find_entities(**conditions)}


def test_every_kind_of_host_in_one_run(store):
    facts = {
        "good": lvm(),
        "quiet": {},
        "down": {},
        "cached": lvm(d.NOW - 90_000),
        "ahead": lvm(d.NOW + 4000),
        "broken": {"foresight_lvm": "garbage"},
    }
    result = run(store, facts, lost=["down", "cached"])
    told = {host: (one["status"], one["reason"]) for host, one in result["hosts"].items()}
    assert told == {
        "good": ("recorded", None),
        "quiet": ("no_facts", "no_facts"),
        "down": ("unreachable", "unreachable"),
        "cached": ("unreachable", "unreachable"),
        "ahead": ("rejected", "clock_off"),
        "broken": ("rejected", "invalid_document"),
    }
    assert set(entities(store)) == {"host:good", "vg:good/vg0", "lv:good/vg0/data"}
    assert result["written"]["samples"] == 6
    assert any("ahead" in warning and "max_skew" in warning for warning in result["warnings"])
    assert result["summary"][0] == "Hosts: 1 no_facts, 1 recorded, 2 rejected, 2 unreachable."


def test_the_same_facts_again_write_nothing(store):
    run(store, {"web1": lvm()})
    again = run(store, {"web1": lvm()}, now=d.NOW + 60)
    assert again["hosts"]["web1"]["reason"] == "not_newer"
    assert again["written"]["samples"] == 0
    assert len(values(store, "lv:web1/vg0/data", "used_bytes")) == 1


def test_a_check_run_is_written_and_marked(store):
    result = run(store, {"web1": lvm()}, check=True)
    assert result["check"] is True
    assert result["written"]["samples"] == 6
    with open_store(store) as notebook:
        (row,) = notebook.find_runs("record")
    assert row.check is True
    assert row.status == "recorded"


def test_flagged_samples_are_kept_and_not_read(store):
    run(store, {"web1": lvm(lvs=[d.lv(used=20 * d.GIB)])})
    assert values(store, "lv:web1/vg0/data", "used_bytes") == [(d.NOW, 20 * d.GIB, Flag.IMPOSSIBLE)]
    with open_store(store) as notebook:
        (series,) = notebook.find_series(metric="used_bytes")
        assert notebook.sample_extent([series.id])[2].tolist() == [0]


def test_rates_go_on_from_run_to_run(store):
    run(store, {"web1": {"foresight_node": d.node(), "foresight_lxc": d.lxc()}})
    later = {
        "foresight_node": d.node(d.NOW + 60, busy=190.0, uptime=1060.0),
        "foresight_lxc": d.lxc(d.NOW + 60, [d.container(cpu_seconds=80.0)]),
    }
    run(store, {"web1": later}, now=d.NOW + 60)
    assert values(store, "host:web1", "cpu_cores")[-1] == (d.NOW + 60, pytest.approx(1.5), 0)
    assert values(store, "guest:web1/lxc/web", "cpu_cores") == [(d.NOW + 60, pytest.approx(0.5), 0)]


def test_a_renamed_volume_keeps_its_history_and_a_replaced_one_starts_anew(store):
    run(store, {"web1": lvm(lvs=[d.lv("data", uuid="U1")])})
    run(store, {"web1": lvm(d.NOW + 60, lvs=[d.lv("files", uuid="U1"), d.lv("data", uuid="U2")])}, now=d.NOW + 60)
    assert [row[0] for row in values(store, "lv:web1/vg0/files", "used_bytes")] == [d.NOW, d.NOW + 60]
    assert [row[0] for row in values(store, "lv:web1/vg0/data", "used_bytes")] == [d.NOW + 60]


def test_what_a_host_no_longer_has_is_retired_and_comes_back(store):
    run(store, {"web1": lvm(lvs=[d.lv("a"), d.lv("b")]), "web2": lvm()})
    result = run(store, {"web1": lvm(d.NOW + 60, lvs=[d.lv("a")])}, now=d.NOW + 60)
    assert result["written"]["retired"] == 1
    assert "lv:web1/vg0/b" not in entities(store)
    assert "lv:web2/vg0/data" in entities(store)
    run(store, {"web1": lvm(d.NOW + 120, lvs=[d.lv("a"), d.lv("b")])}, now=d.NOW + 120)
    assert [row[0] for row in values(store, "lv:web1/vg0/b", "used_bytes")] == [d.NOW, d.NOW + 120]


def test_a_host_that_lost_its_lvm_tools_keeps_its_volumes(store):
    run(store, {"web1": lvm()})
    run(store, {"web1": lvm(d.NOW + 60, available=False, reason="needs_root", lvs=[], vgs=[])}, now=d.NOW + 60)
    assert "lv:web1/vg0/data" in entities(store)


def test_a_shared_group_is_marked_on_both_sides(store):
    run(store, {"web1": lvm(vgs=[d.vg(uuid="SHARED")])})
    assert entities(store)["vg:web1/vg0"].attributes["shared_with"] == []
    run(store, {"web2": lvm(d.NOW + 60, vgs=[d.vg(uuid="SHARED")])}, now=d.NOW + 60)
    assert entities(store)["vg:web1/vg0"].attributes["shared_with"] == ["web2"]
    assert entities(store)["vg:web2/vg0"].attributes["shared_with"] == ["web1"]
    run(store, {"web2": lvm(d.NOW + 120, vgs=[])}, now=d.NOW + 120)
    run(store, {"web1": lvm(d.NOW + 180, vgs=[d.vg(uuid="SHARED")])}, now=d.NOW + 180)
    assert entities(store)["vg:web1/vg0"].attributes["shared_with"] == []


def test_a_guest_seen_by_its_node_and_by_its_cluster_is_one(store):
    facts = {
        "pve1": {"foresight_lxc": d.lxc(containers=[d.container("lxc/101")], cluster="prod")},
        "prod-api": {"foresight_cluster": d.cluster()},
    }
    result = run(store, facts)
    assert {one["status"] for one in result["hosts"].values()} == {"recorded"}
    guest = entities(store, kinds=["guest"])["guest:prod/lxc/101"]
    assert guest.attributes["node"] == "pve1"
    assert guest.attributes["node_host"] == "pve1"
    assert guest.attributes["filesystem_total_bytes"] == 4 * d.GIB


def test_both_roads_to_a_guest_go_on_from_run_to_run(store):
    for step, cpu_seconds in enumerate((50.0, 80.0, 110.0)):
        at = d.NOW + 60 * step
        container = d.container("lxc/101", cpu_seconds=cpu_seconds)
        facts = {
            "pve1": {"foresight_lxc": d.lxc(at, [container], cluster="prod")},
            "prod-api": {"foresight_cluster": d.cluster(at + 1)},
        }
        run(store, facts, now=at + 1)
        guest = entities(store, kinds=["guest"])["guest:prod/lxc/101"]
        assert guest.host == "prod-api"
        assert guest.attributes["counters"]["values"]["cpu_seconds"] == cpu_seconds
    rates = values(store, "guest:prod/lxc/101", "cpu_cores")
    assert [row for row in rates if row[0] in (d.NOW + 60, d.NOW + 120)] == [(d.NOW + 60, 0.5, 0), (d.NOW + 120, 0.5, 0)]
    # A guest that the cluster lists no longer is gone, whoever saw it last.
    run(store, {"prod-api": {"foresight_cluster": d.cluster(d.NOW + 300, guests=[])}}, now=d.NOW + 300)
    assert entities(store, kinds=["guest"]) == {}


def test_a_guest_has_rates_in_runs_without_the_api_of_its_cluster(store):
    """As with --limit: the guest belongs to the host of the API, its counters come from its node."""
    run(
        store,
        {"pve1": {"foresight_lxc": d.lxc(containers=[d.container("lxc/101")], cluster="prod")}, "api": {"foresight_cluster": d.cluster()}},
    )
    later = d.lxc(d.NOW + 60, [d.container("lxc/101", cpu_seconds=80.0)], cluster="prod")
    run(store, {"pve1": {"foresight_lxc": later}}, now=d.NOW + 60)
    assert values(store, "guest:prod/lxc/101", "cpu_cores")[-1] == (d.NOW + 60, 0.5, 0)


def test_live_guests_do_not_go_with_a_shifted_history(store, tmp_path):
    path = tmp_path / "guests.csv"
    path.write_text("time,cpu\n1700000000,1\n")
    table = {"time_column": "time", "entity": "guest:box/lxc/web", "columns": {"cpu": "cpu_cores"}}
    import_history(store=store, now=d.NOW, path=[str(path)], table=table, shift_to_now=True)
    result = run(store, {"box": {"foresight_lxc": d.lxc(d.NOW + 60)}}, now=d.NOW + 60)
    assert "shifted times" in result["issues"][0]
    assert values(store, "guest:box/lxc/web", "memory_bytes") == []


@pytest.fixture
def recording(tmp_path):
    path = str(tmp_path / "lab.jsonl.gz")
    lines = [("lab1", {"foresight_lvm": d.lvm(1_700_000_000 + 60 * step, lvs=[d.lv(used=step)])}) for step in range(10)]
    write_recording(path, lines)
    return path


def test_recorded_facts_stand_for_hosts_without_facts(store, recording):
    result = run(store, {"web1": lvm(), "lab1": {}}, facts_from=recording, shift_to_now=True)
    shift = d.NOW - (1_700_000_000 + 540)
    assert result["hosts"]["lab1"]["from_recording"] is True
    assert result["recorded"] == {"shifted_by": shift, "source": "lab.jsonl.gz", "hosts": ["lab1"]}
    known = entities(store)
    assert known["lv:lab1/vg0/data"].attributes["recorded"] == {"shifted_by": shift, "source": "lab.jsonl.gz"}
    assert known["lv:web1/vg0/data"].attributes["recorded"] is None
    assert values(store, "lv:lab1/vg0/data", "used_bytes") == [(d.NOW, 9.0, 0)]


def test_recorded_facts_are_shifted_as_their_history_was(store, recording):
    import_history(store=store, now=d.NOW, path=[recording], shift_to_now=True)
    before = values(store, "lv:lab1/vg0/data", "used_bytes")
    for later in (30, 7200):
        result = run(store, {"lab1": {}}, now=d.NOW + later, facts_from=recording)
        assert result["hosts"]["lab1"]["status"] == "recorded"
        assert values(store, "lv:lab1/vg0/data", "used_bytes") == before
    assert len(before) == 10


def test_recorded_facts_never_take_the_place_of_live_ones(store, recording):
    with pytest.raises(InputError, match=r"lab1 has live facts, and .*lab\.jsonl\.gz"):
        run(store, {"lab1": lvm()}, facts_from=recording)
    run(store, {"lab1": lvm()})
    with pytest.raises(InputError, match="known here as live"):
        run(store, {"lab1": {}}, now=d.NOW + 60, facts_from=recording)


def test_live_facts_do_not_go_with_a_shifted_history(store, recording):
    run(store, {"lab1": {}}, facts_from=recording, shift_to_now=True)
    live = run(store, {"lab1": lvm(d.NOW + 60)}, now=d.NOW + 60)
    assert live["hosts"]["lab1"]["reason"] == "recorded_host"
    assert entities(store)["lv:lab1/vg0/data"].attributes["recorded"] is not None


_KILLED = """
import importlib.util, os, signal, sys
spec = importlib.util.spec_from_file_location("d", sys.argv[2])
d = importlib.util.module_from_spec(spec); spec.loader.exec_module(d)
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record

count = 0
def trace(statement):
    global count
    count += 1
    if count == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

import sqlite3
connect = sqlite3.connect
def traced(*args, **kwargs):
    connection = connect(*args, **kwargs)
    connection.set_trace_callback(trace)
    return connection
sqlite3.connect = sqlite3.dbapi2.connect = traced
hosts = {f"h{i}": {"foresight_lvm": d.lvm(d.NOW + 60)} for i in range(3)}
record(store=sys.argv[1], now=d.NOW + 60, hosts=list(hosts), lost=[], facts=hosts)
print("statements", count)
"""


def test_a_kill_at_any_statement_loses_only_what_was_not_committed(tmp_path):
    """A real process, killed with SIGKILL right before the n-th SQL statement of a second run."""
    store = str(tmp_path / "store.db")
    hosts = {f"h{i}": lvm() for i in range(3)}
    run(store, hosts)
    before = values(store, "lv:h1/vg0/data", "used_bytes")
    killed = 0
    for number in (1, 5, 12, 20, 28, 36, 44, 52, 60, 70, 10_000):
        code = [sys.executable, "-c", _KILLED, store, str(pathlib.Path(d.__file__)), str(number)]
        done = subprocess.run(code, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
        after = values(store, "lv:h1/vg0/data", "used_bytes")
        assert after in (before, [*before, (d.NOW + 60, 5.0 * d.GIB, 0)])
        for host in hosts:
            assert len(values(store, f"lv:{host}/vg0/data", "used_bytes")) == len(after)
    assert done.returncode == 0
    assert killed >= 5
    again = run(store, {host: lvm(d.NOW + 120) for host in hosts}, now=d.NOW + 120)
    assert {one["status"] for one in again["hosts"].values()} == {"recorded"}
    assert [row[0] for row in values(store, "lv:h2/vg0/data", "used_bytes")] == [d.NOW, d.NOW + 60, d.NOW + 120]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bad=st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from(["lvs", "vgs", "observed_at", "schema", "name", "size"]), x, max_size=3)
        ),
    )
)
def test_one_bad_host_never_costs_another(tmp_path_factory, bad):
    store = str(tmp_path_factory.mktemp("bad") / "store.db")
    facts = {"a": lvm(), "bad": {"foresight_lvm": bad}, "worse": {"foresight_lvm": {**d.lvm(), "lvs": bad}}, "z": lvm()}
    result = run(store, facts)
    assert result["hosts"]["a"]["status"] == result["hosts"]["z"]["status"] == "recorded"
    assert len(values(store, "lv:a/vg0/data", "used_bytes")) == len(values(store, "lv:z/vg0/data", "used_bytes")) == 1


def test_schedules_that_share_a_store_count_their_own_observations(store):
    """Web1 is observed and planned by one schedule, db1 by another one: neither keeps the other from its plan."""
    counted = {"web1": [], "db1": []}
    for number in range(1, 6):
        for host in counted:
            now = d.NOW + 60 * number
            counted[host].append(run(store, {host: lvm(now)}, now=now)["observations_since_plan"])
            if host == "db1" and number % 2 == 0:
                plan(store=store, now=now, inventory=["web1", "db1"], hosts=["db1"])
            plan(store=store, now=now, inventory=["web1", "db1"], hosts=[host], check=True)
    assert counted == {"web1": [1, 2, 3, 4, 5], "db1": [1, 2, 1, 2, 1]}
