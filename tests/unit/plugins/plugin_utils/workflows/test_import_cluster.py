# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of a sandbox over real HTTPS: what is in the store afterwards, and what a second run adds."""

from __future__ import annotations

import itertools
import pathlib

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from sandbox.load import noise
from sandbox.routes_metrics import _GAP, _moments
from sandbox.server import Sandbox
from support.proxmox import read
from support.proxmox_history import import_history, pass_time, samples
from support.sandbox_states import few

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
GUEST, VM, STOPPED = "guest:lab/lxc/104", "guest:lab/qemu/204", "guest:lab/lxc/101"
DAY = 86400


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with Sandbox(few(STATE, tmp_path_factory.mktemp("sandbox")), speed=0.0) as started:
        yield started


@pytest.fixture
def running(tmp_path):
    """A sandbox whose clock a test moves."""
    with Sandbox(few(STATE, tmp_path), speed=0.0) as started:
        yield started


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.db"


def load(sandbox, vmid, time):
    """What a guest wants by its load series; the nodes have more than enough, so it gets it."""
    return sandbox.world.guests[vmid].load.at(int(time))


def highest(sandbox, vmid, time, step=1800):
    return max(load(sandbox, vmid, moment).cpu for moment in _moments(time, step))


# ---- values ----------------------------------------------------------------------------------------------------------


def test_fine_points_are_the_values_of_the_load_series_and_gaps_stay_gaps(sandbox, store):
    result = import_history(sandbox, store, timeframes=["day"], entities=[GUEST])
    cores, memory = samples(store, GUEST, "cpu_cores"), samples(store, GUEST, "memory_bytes")
    end = int(sandbox.world.now() // 60) * 60
    there = [time for time in range(end - 1439 * 60, end + 1, 60) if noise(104, time // 60) <= _GAP]
    assert len(there) < 1440
    assert sorted(cores) == sorted(memory) == there
    for time in there[::100]:
        assert cores[time] == pytest.approx(load(sandbox, 104, time).cpu)
        assert memory[time] == pytest.approx(load(sandbox, 104, time).memory, abs=1)
    assert result["written"] == {"samples": 2 * len(there), "entities_made": 1}
    assert (result["cluster"]["first"], result["cluster"]["last"]) == (there[0], there[-1])


def test_coarse_points_of_guests_are_highest_values_or_means_as_asked(sandbox, store, tmp_path):
    import_history(sandbox, store, entities=[GUEST])
    peaks = samples(store, GUEST, "cpu_cores")
    import_history(sandbox, tmp_path / "means.db", entities=[GUEST], peaks=False)
    means = samples(tmp_path / "means.db", GUEST, "cpu_cores")
    assert sorted(peaks) == sorted(means)
    assert len(peaks) == 336
    for time in sorted(peaks)[:330:50]:
        moments = list(_moments(time, 1800))
        assert peaks[time] == pytest.approx(highest(sandbox, 104, time))
        assert means[time] == pytest.approx(sum(load(sandbox, 104, moment).cpu for moment in moments) / len(moments))


def test_nodes_and_storages_have_the_series_that_record_goes_on_with(sandbox, store):
    result = import_history(sandbox, store)
    document = read(sandbox, host="prod-api")
    now = document["observed_at"]
    with open_store(str(store)) as notebook:
        before = {(series.entity_id, series.metric) for series in notebook.find_series()}
    recorded = record(store=str(store), now=now, hosts=["prod-api"], lost=[], facts={"prod-api": {"foresight_cluster": document}})
    assert recorded["hosts"]["prod-api"]["status"] == "recorded"
    with open_store(str(store)) as notebook:
        entities = {entity.id: entity for entity in notebook.find_entities()}
        after = {(series.entity_id, series.metric): series.id for series in notebook.find_series()}
        assert before <= set(after)
        assert {entity.kind for entity in entities.values()} == {"host", "node", "guest", "storage"}
        # Both say the same of the same minute, up to what the API lags.
        for number, metric in before:
            times = notebook.sample_times([after[number, metric]], start=now - 3600, end=now + 1)[after[number, metric]].tolist()
            assert times[-1] == now
            values = [notebook.read_samples([after[number, metric]], start=time, end=time + 1, step=1)[0, 0] for time in times[-2:]]
            assert values[1] == pytest.approx(values[0], rel=0.5), (entities[number].key, metric)
    assert result["cluster"]["entities"] == {"guest": 4, "node": 3, "storage": 4}


def test_a_node_is_its_guests_and_its_overhead_without_its_zfs_cache(sandbox, store):
    import_history(sandbox, store, entities=["node:lab/pve1"], timeframes=["hour"])
    node = sandbox.world.nodes["pve1"]
    cores, memory = samples(store, "node:lab/pve1", "cpu_cores"), samples(store, "node:lab/pve1", "memory_bytes")
    assert cores
    for time in sorted(cores)[::10]:
        used = sandbox.world.usage.node(node, time)
        assert cores[time] == pytest.approx(used.cores)
        assert memory[time] == pytest.approx(used.memory - node.arcsize)


def test_a_guest_that_does_not_run_has_no_samples_and_is_not_asked_again(sandbox, store):
    result = import_history(sandbox, store, entities=[STOPPED])
    assert (result["cluster"]["samples"], result["cluster"]["history_calls"]) == (0, 1)
    assert samples(store, STOPPED, "cpu_cores") == {}
    assert import_history(sandbox, store, entities=[STOPPED])["cluster"]["history_calls"] == 0


# ---- resolutions and repetition --------------------------------------------------------------------------------------


def test_of_several_timeframes_the_finest_counts(sandbox, store):
    import_history(sandbox, store, timeframes=["hour", "week", "year"], entities=[VM])
    times = sorted(samples(store, VM, "cpu_cores"))
    now = sandbox.world.now()
    distances = {later - earlier for earlier, later in itertools.pairwise(times)}
    assert {60, 1800, 21600} <= distances
    fine = [time for time in times if time > now - 3600 + 60]
    assert all(later - earlier < 600 for earlier, later in itertools.pairwise(fine))
    assert not [time for time in times if time < now - 8 * DAY and time % 21600]


def test_a_second_run_adds_nothing_and_a_later_one_only_what_is_new(running, store):
    first = import_history(running, store, entities=[GUEST, "node:*"], timeframes=["month", "year"])
    again = import_history(running, store, entities=[GUEST, "node:*"], timeframes=["month", "year"])
    assert (again["written"], again["cluster"]["history_calls"]) == ({"samples": 0, "entities_made": 0}, 0)
    assert again["cluster"]["up_to_date"] == 4
    before = samples(store, GUEST, "cpu_cores")
    pass_time(running, 7200)
    later = import_history(running, store, entities=[GUEST, "node:*"], timeframes=["month", "year"])
    after = samples(store, GUEST, "cpu_cores")
    new = sorted(set(after) - set(before))
    assert {time: after[time] for time in before} == before
    assert new == [max(before) + 1800 * number for number in range(1, len(new) + 1)]
    assert len(new) == 4
    assert later["cluster"]["history_calls"] == 4
    assert later["cluster"]["samples"] < first["cluster"]["samples"] / 50


def test_what_was_recorded_stays_and_holes_between_are_filled(sandbox, store):
    now = int(sandbox.world.now())
    with open_store(str(store)) as notebook:
        number = notebook.put_entities([EntityRow(GUEST, GUEST, "guest", "prod-api", {"cluster": "lab"}, now)])[GUEST]
        series = notebook.put_series([(number, "cpu_cores", "cores", False)])[number, "cpu_cores"]
        live = [now - 600 * step for step in range(20)] + [now - 2 * DAY]
        notebook.write_samples([series] * len(live), live, [9.0] * len(live))
    import_history(sandbox, store, entities=[GUEST])
    after = samples(store, GUEST, "cpu_cores")
    assert all(after[time] == 9.0 for time in live)
    others = sorted(set(after) - set(live))
    assert len(others) > 300
    assert not [time for time in others if any(time - 1800 < other <= time for other in live)]
    with open_store(str(store)) as notebook:
        (entity,) = notebook.find_entities(keys=[GUEST])
    assert (entity.host, entity.last_seen, entity.attributes["cluster"]) == ("prod-api", now, "lab")


def test_recording_after_an_import_keeps_how_far_it_came(sandbox, store):
    import_history(sandbox, store)
    document = read(sandbox, host="prod-api")
    record(store=str(store), now=document["observed_at"], hosts=["prod-api"], lost=[], facts={"prod-api": {"foresight_cluster": document}})
    assert import_history(sandbox, store)["cluster"]["history_calls"] == 0
    with open_store(str(store)) as notebook:
        (node,) = notebook.find_entities(keys=["node:lab/pve1"])
    assert (node.attributes["cores"], node.attributes["recorded"]) == (2, None)


def test_a_check_run_tells_what_it_would_write_and_leaves_nothing(sandbox, store):
    told = import_history(sandbox, store, entities=[GUEST], check=True)
    assert (told["cluster"]["samples"], told["written"]["samples"], told["cluster"]["run"]) == (672, 0, None)
    assert not store.exists()
    assert "672 samples of 1 of 1 entities would be written" in told["summary"][0]
    assert import_history(sandbox, store, entities=[GUEST])["written"]["samples"] == 672


# ---- choice ----------------------------------------------------------------------------------------------------------


def test_entities_are_chosen_by_globs_and_by_what_the_cluster_tells_of_them(sandbox, store):
    chosen = import_history(sandbox, store, entities=["guest:*", "!status == 'stopped'", "!*/204"])["cluster"]
    assert (chosen["entities"], chosen["history_calls"]) == ({"guest": 2}, 2)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"entities": ["guest:lab/lxc/10"]}, "similar to what was asked: guest:lab/lxc/10"),
        ({"parallel": 0}, "O(parallel) is 0"),
        ({"timeframes": []}, "O(timeframes)"),
        ({"api_user": "root", "api_password": "x"}, "USER@REALM"),
    ],
)
def test_a_wrong_choice_is_told(sandbox, store, more, message):
    with pytest.raises(InputError) as raised:
        import_history(sandbox, store, **more)
    assert message in str(raised.value)


def test_history_with_shifted_times_takes_no_true_ones(sandbox, store):
    with open_store(str(store)) as notebook:
        notebook.put_entities([EntityRow(GUEST, GUEST, "guest", None, {"recorded": {"shifted_by": 5, "source": "lab"}}, 1)])
    with pytest.raises(InputError, match="shifted by 5 s"):
        import_history(sandbox, store, entities=[GUEST])


def test_a_cluster_whose_clock_is_ahead_is_told_and_its_future_flagged(sandbox, store):
    result = import_history(sandbox, store, entities=[GUEST], now=int(sandbox.world.now()) - 7200)
    assert "7200 s ahead" in result["warnings"][0]
    assert set(result["cluster"]["flagged"]) == {"clock"}
    assert max(samples(store, GUEST, "cpu_cores")) <= sandbox.world.now() - 6900
