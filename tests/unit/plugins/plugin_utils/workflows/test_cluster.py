# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's workflow on a store of generated history: what each guest's demand is, and what the document says of it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import cluster as workflow
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster import cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster_document import guest_document
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support.recorded_cluster import GIB, GUESTS, NOW, STEP, by_id, document, put_history, recorded


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A cluster whose guests have histories of every kind; nobody writes to it but for forecasts."""
    path = recorded(tmp_path_factory.mktemp("cluster") / "store.db")
    put_history(path)
    return path


def look_up(store, **options):
    return cluster(**{"store": str(store), "now": NOW, "horizon": "24h", "model": "empirical", "workers": 1, **options})


# ---- demand ----------------------------------------------------------------------------------------------------------


def test_a_forecast_peak_takes_the_place_of_current_use_which_is_kept_beside_it(store):
    guest = by_id(look_up(store))["lxc/101"]
    assert guest["demand_status"] == "ok"
    # It swings between 1 and 3 cores, 2 and 4 GiB, and is low now.
    assert guest["now"] == {"cpu": 1.0, "memory": 2 * GIB}
    assert guest["cpu"] == pytest.approx(3.0, rel=0.1)
    assert guest["memory"] == pytest.approx(4 * GIB, rel=0.1)
    assert guest["forecast"]["cpu"] == {"quantile": 0.9, "value": guest["cpu"], "method": "empirical"}
    assert (guest["node"], guest["cpu_max"], guest["memory_max"], guest["disks"]) == (
        "pve1", 8.0, 16 * GIB, [{"storage": "local-lvm", "bytes": 8 * GIB}],
    )  # fmt: skip


def test_the_basis_is_a_forecast_as_soon_as_one_guest_has_one(store, tmp_path):
    assert look_up(store, quantile=0.8)["demand"] == {"basis": "predicted_peak", "quantile": 0.8, "window_seconds": 86400}
    bare = recorded(tmp_path / "bare.db")
    answer = look_up(bare)
    assert answer["demand"] == {"basis": "current"}
    assert {guest["demand_status"] for guest in answer["guests"]} == {"cold_start", "not_running"}
    assert all((guest["cpu"], guest["memory"]) == (guest["now"]["cpu"], guest["now"]["memory"]) for guest in answer["guests"])


@pytest.mark.parametrize(
    ("guest", "status"),
    [("lxc/102", "cold_start"), ("lxc/103", "stale"), ("lxc/104", "invalid"), ("qemu/105", "not_running"), ("qemu/106", "cold_start")],
)
def test_a_guest_without_a_good_forecast_keeps_its_current_use_and_says_why(store, guest, status):
    found = by_id(look_up(store))[guest]
    assert found["demand_status"] == status
    assert (found["cpu"], found["memory"]) == (found["now"]["cpu"], found["now"]["memory"])
    assert found["forecast"] is None
    if status in ("stale", "cold_start", "invalid"):
        assert found["demand_note"]


def test_one_good_forecast_of_two_is_not_enough(store):
    found = by_id(look_up(store))["qemu/107"]
    assert found["demand_status"] == "cold_start"
    assert found["demand_note"].startswith("memory: ")
    assert (found["cpu"], found["memory"]) == (2.5, 3 * GIB)


def test_demand_is_never_above_what_a_guest_may_use(store):
    guest = by_id(look_up(store))["qemu/108"]
    assert (guest["demand_status"], guest["cpu"], guest["memory"]) == ("ok", 2.0, 2 * GIB)


def test_later_all_are_stale_and_nothing_is_a_forecast(store):
    answer = look_up(store, now=NOW + 7 * 86400)
    assert answer["demand"] == {"basis": "current"}
    assert {guest["demand_status"] for guest in answer["guests"]} == {"stale", "not_running", "invalid"}
    assert look_up(store, now=NOW + 7 * 86400, max_age="30d")["demand"]["basis"] == "predicted_peak"


def test_each_metric_is_forecast_for_all_guests_at_once(store, monkeypatch):
    calls = []
    real = workflow.forecast_entities

    def counted(notebook, entities, metric, **options):
        calls.append((metric, len(entities), options["step"]))
        return real(notebook, entities, metric, **options)

    monkeypatch.setattr(workflow, "forecast_entities", counted)
    look_up(store)
    assert calls == [("cpu_cores", 7, 1800), ("memory_bytes", 7, 1800)]
    calls.clear()
    look_up(store, horizon="12h", step="1h")
    assert [step for _metric, _count, step in calls] == [3600, 3600]


# ---- the document ----------------------------------------------------------------------------------------------------


def test_the_document_is_what_was_recorded(store):
    answer, given_document = look_up(store), document()
    assert {
        key: answer[key] for key in ("schema", "cluster", "host", "observed_at", "version", "quorate", "balancers", "rules", "now")
    } == {
        "schema": "foresight.cluster/1",
        "cluster": "prod",
        "host": "prod-api",
        "observed_at": NOW - 60,
        "version": "9.2.11",
        "quorate": True,
        "balancers": ["crs ha-auto-rebalance"],
        "rules": [
            {"kind": "apart", "guests": ["lxc/101", "lxc/102"], "nodes": [], "strict": True, "weight": 1.0, "source": "tag", "name": "web"}
        ],
        "now": NOW,
    }
    for node, given_node in zip(answer["nodes"], given_document["nodes"], strict=True):
        assert {key: node[key] for key in given_node if key not in ("ha_state", "arc_bytes")} == {
            key: value for key, value in given_node.items() if key not in ("ha_state", "arc_bytes")
        }
    assert [guest["id"] for guest in answer["guests"]] == sorted(GUESTS)
    assert by_id(answer)["lxc/102"]["movable"] is False
    assert by_id(answer)["lxc/102"]["unmovable_because"] == ["is locked (backup)"]


def test_cluster_balance_takes_it(store):
    answer = look_up(store)
    assert read_cluster(answer).demand_basis == "predicted_peak"
    balance = cluster_balance(answer, {"now": answer["now"]})
    assert balance["verdict"] in ("balanced", "improved", "no_beneficial_move")


def test_a_guest_that_is_gone_is_gone_and_one_whose_use_is_not_known_stays_where_it_is(tmp_path):
    path = recorded(tmp_path / "store.db")
    later = document(at=NOW)
    later["guests"] = [guest for guest in later["guests"] if guest["id"] != "lxc/103"]
    later["guests"][0]["now"]["cpu"] = -1.0
    record(store=str(path), now=NOW, hosts=["prod-api"], lost=[], facts={"prod-api": {"foresight_cluster": later}})
    answer = by_id(look_up(path))
    assert "lxc/103" not in answer
    assert (answer["lxc/101"]["cpu"], answer["lxc/101"]["movable"]) == (8.0, False)
    assert answer["lxc/101"]["unmovable_because"] == ["its use of cpu is not known", "a part of what was told of it makes no sense"]


@pytest.mark.parametrize("wrong", [{"pinned_to": "pve1"}, {"movable": "no"}, {"disks": "all"}, {"more": {"a/b": 1}}, {"priority": -1}])
def test_a_guest_of_which_something_makes_no_sense_stays_where_it_is(tmp_path, wrong):
    path = recorded(tmp_path / "store.db")
    later = document(at=NOW)
    later["guests"][0].update(wrong)
    record(store=str(path), now=NOW, hosts=["prod-api"], lost=[], facts={"prod-api": {"foresight_cluster": later}})
    answer = by_id(look_up(path))
    assert answer["lxc/101"]["movable"] is False
    assert answer["lxc/103"]["movable"] is True


def test_a_cluster_that_two_hosts_read_is_the_same_through_both(tmp_path):
    path = recorded(tmp_path / "store.db")
    record(store=str(path), now=NOW, hosts=["other-api"], lost=[], facts={"other-api": {"foresight_cluster": document(at=NOW)}})
    first, second = look_up(path, host="prod-api"), look_up(path, host="other-api")
    assert (first["host"], second["host"]) == ("prod-api", "other-api")
    assert first["guests"] == second["guests"]
    assert len(first["nodes"]) == 2


def test_one_of_several_clusters_is_named(tmp_path):
    path = recorded(tmp_path / "store.db")
    other = {**document(), "cluster": "test"}
    record(store=str(path), now=NOW, hosts=["test-api"], lost=[], facts={"test-api": {"foresight_cluster": other}})
    with pytest.raises(InputError, match=r"through prod-api, test-api; needed is one of them \(O\(host\)\)"):
        look_up(path)
    assert look_up(path, host="test-api")["cluster"] == "test"
    with pytest.raises(InputError, match="no cluster that was read through web1, but through prod-api, test-api"):
        look_up(path, host="web1")


def test_what_cannot_be_answered_is_told(tmp_path, store):
    with pytest.raises(StoreError):
        look_up(tmp_path / "none.db")
    with open_store(str(tmp_path / "empty.db")):
        pass
    with pytest.raises(InputError, match="needed are facts of proxmox_facts"):
        look_up(tmp_path / "empty.db")
    with pytest.raises(InputError, match=r"O\(quantile\)"):
        look_up(store, quantile=1.0)


# ---- properties ------------------------------------------------------------------------------------------------------

PEAKS = st.one_of(st.none(), st.floats(-1e12, 1e15, allow_nan=False))
ANSWERS = st.one_of(
    st.none(),
    st.builds(
        lambda status, peak: {"status": status, "note": "n", "method": "m", "peak": None if peak is None else {"quantiles": {"0.9": peak}}},
        st.sampled_from(["ok", "stale", "cold_start", "invalid"]),
        PEAKS,
    ),
)
USE = st.fixed_dictionaries({"cpu": st.floats(0, 64), "memory": st.integers(0, 2**40)})


@given(cpu=ANSWERS, memory=ANSWERS, now=USE, most=USE)
def test_demand_is_current_use_or_a_forecast_within_its_limits(cpu, memory, now, most):
    attributes = {"id": "lxc/1", "node": "n", "running": True, "now": now, "most": most}
    found = guest_document(Entity(1, "k", "k", "guest", "h", attributes, 0, 0, True), {"cpu": cpu, "memory": memory}, 0.9)
    assert found["now"] == now
    if found["demand_status"] == "ok":
        assert cpu["status"] == memory["status"] == "ok"
        for name in ("cpu", "memory"):
            assert math.isfinite(found[name])
            assert 0 <= found[name] <= (most[name] or math.inf)
    else:
        assert (found["cpu"], found["memory"]) == (now["cpu"], now["memory"])
        assert found["forecast"] is None


def test_step_of_the_samples_is_taken_where_it_is_longer(store):
    assert STEP < 1800
    with open_store(str(store)) as notebook:
        series = [one.id for one in notebook.find_series(metric="cpu_cores")]
        assert workflow._step(notebook, series, 86400) == 1800
        assert workflow._step(notebook, series, 3600) == STEP
