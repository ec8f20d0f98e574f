# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a forgotten host leaves: its history, and nothing that is current."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError, StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forget import forget
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from support import facts_documents as d


@pytest.fixture
def store(tmp_path):
    """A store in which old and new show the same VG, and other shows one of its own."""
    path = str(tmp_path / "store.db")
    observe(path, 0, old="SHARED", new="SHARED", other="OWN")
    return path


def observe(store, after, **groups):
    now = d.NOW + after
    facts = {host: {"foresight_lvm": d.lvm(now, vgs=[d.vg(uuid=uuid)])} for host, uuid in groups.items()}
    record(store=store, now=now, facts=facts, hosts=list(facts), lost=[])


def current(store):
    with open_store(store) as notebook:
        return {entity.key: entity.attributes for entity in notebook.find_entities()}


def samples(store):
    with open_store(store) as notebook, notebook.reading() as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM sample").scalar()


def run(store, *hosts, after=60, **more):
    return forget(store=store, now=d.NOW + after, hosts=list(hosts), inventory=["new", "other"], **more)


def test_nothing_of_it_is_current_and_its_history_stays(store):
    before = samples(store)
    result = run(store, "old")
    assert result["hosts"] == {"old": 3}
    assert result["written"] == {"entities": 3}
    assert not [key for key in current(store) if ":old" in key]
    assert {"host:new", "vg:new/vg0", "lv:new/vg0/data", "host:other"} <= set(current(store))
    assert samples(store) == before


def test_its_group_is_no_longer_shared_once_the_other_host_is_observed(store):
    assert current(store)["vg:new/vg0"]["shared_with"] == ["old"]
    observe(store, 30, new="SHARED")
    assert current(store)["vg:new/vg0"]["shared_with"] == ["old"], "a host that is silent may come back to its disks"
    run(store, "old")
    observe(store, 90, new="SHARED")
    assert current(store)["vg:new/vg0"]["shared_with"] == []


def test_forgetting_again_changes_nothing(store):
    run(store, "old")
    known = current(store)
    result = run(store, "old", after=90)
    assert result["hosts"] == {"old": 0}
    assert result["summary"] == ["old: was forgotten before."]
    assert current(store) == known


def test_check_mode_writes_nothing(store):
    known = current(store)
    result = run(store, "old", check=True)
    assert (result["hosts"], result["written"]) == ({"old": 3}, {"entities": 0})
    assert result["summary"][0].startswith("Check mode: nothing is written. old: 3 entities")
    assert current(store) == known
    with open_store(store) as notebook:
        assert not notebook.find_runs("forget")


def test_a_host_that_is_observed_again_is_back(store):
    known = set(current(store))
    run(store, "old")
    observe(store, 120, old="SHARED")
    assert set(current(store)) == known
    assert current(store)["vg:old/vg0"]["shared_with"] == ["new"]


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        (["new"], r"new is in this inventory; .* Take it out of the inventory first"),
        (["old", "new"], r"new is in this inventory"),
        (["olt"], r"olt was never recorded in .*needed is the name of a recorded host \(O\(hosts\)\)\. Recorded are old\."),
        ([], r"No host is named"),
    ],
)
def test_what_is_refused_changes_nothing(store, hosts, message):
    known = current(store)
    with pytest.raises(InputError, match=message):
        run(store, *hosts)
    assert current(store) == known


def test_a_store_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        run(str(tmp_path / "nowhere" / "store.db"), "old")
