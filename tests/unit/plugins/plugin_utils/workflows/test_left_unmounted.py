# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes an action that was stopped may have left unmounted, on a real store."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity, EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.left_unmounted import find_left_unmounted

NOW = 1_763_700_000
TARGET = "lv:web1/vg0/data"


@pytest.fixture
def notebook(tmp_path):
    with open_store(str(tmp_path / "store.db")) as opened:
        yield opened


def volume(fs="vfat", mountpoints=(), key=TARGET, uuid="uuid-data", number=7):
    filesystem = {"type": fs, "mountpoints": list(mountpoints)} if fs else None
    return Entity(number, uuid, key, "lv", "web1", {"uuid": uuid, "fs": filesystem}, NOW - 9000, NOW, True)


def hand_out(notebook, state, at, plan="p1", **action):
    """One action of a plan, and how far it came; of what ended there is an outcome."""
    document = {"id": "a1", "target": TARGET, "expect": {"uuid": "uuid-data"}, "allow": {"unmount": True}, **action}
    notebook.save_plan({"id": plan, "created_at": at, "expires_at": at + 3600, "actions": [document]})
    notebook.set_action(plan, "a1", state, at=at, run_id=None, detail={})
    if state in ("failed", "applied"):
        end(notebook, {"applied": "changed"}.get(state, state), at, plan)


def end(notebook, status, at, plan="p2"):
    notebook.add_outcomes(
        [
            {
                "plan_id": plan, "action_id": "a1", "run_id": None, "host": "web1", "target": TARGET, "status": status, "changed": status == "changed",
                "started_at": at, "seconds": 2.0, "before": {}, "after": {}, "message": "",
            }
        ]
    )  # fmt: skip


@pytest.mark.parametrize("state", ["started", "unknown", "failed"])
def test_an_action_that_did_not_end_well_may_have_left_its_volume_unmounted(notebook, state):
    hand_out(notebook, state, NOW - 600)
    assert find_left_unmounted(notebook, [volume()], NOW) == {7}
    assert find_left_unmounted(notebook, [volume(fs="ext4")], NOW) == {7}


def test_what_ended_well_or_is_mounted_or_cannot_be_told_is_left_alone(notebook):
    hand_out(notebook, "failed", NOW - 600)
    seen_otherwise = [volume(mountpoints=["/srv"]), volume(fs="swap"), volume(fs="xfs"), volume(fs=None), volume(key="lv:web1/vg0/other")]
    assert [find_left_unmounted(notebook, [one], NOW) for one in seen_otherwise] == [set()] * 5
    assert find_left_unmounted(notebook, [volume()], NOW + 91 * 86400) == set(), "a person has wanted it so since"


@pytest.mark.parametrize(
    ("state", "action"), [("applied", {}), ("refused", {}), ("pending", {}), ("failed", {"allow": {}}), ("failed", {"allow": None})]
)
def test_an_action_that_ended_or_never_unmounts_left_nothing(notebook, state, action):
    hand_out(notebook, state, NOW - 600, **action)
    assert find_left_unmounted(notebook, [volume()], NOW) == set()


@pytest.mark.parametrize(
    ("status", "at", "found"),
    [("changed", NOW - 500, set()), ("ok", NOW - 500, set()), ("ok", NOW - 5000, {7}), ("refused", NOW - 500, {7})],
)
def test_only_a_later_resize_that_ended_well_settles_it(notebook, status, at, found):
    hand_out(notebook, "unknown", NOW - 600)
    end(notebook, status, at)
    assert find_left_unmounted(notebook, [volume()], NOW) == found


def test_a_failure_that_changed_something_settles_nothing(notebook):
    hand_out(notebook, "unknown", NOW - 600)
    end(notebook, "failed", NOW - 500)
    assert find_left_unmounted(notebook, [volume()], NOW) == {7}


def test_another_volume_that_took_the_name_is_left_alone(notebook):
    hand_out(notebook, "unknown", NOW - 600)
    assert find_left_unmounted(notebook, [volume(uuid="uuid-another")], NOW) == set()


@pytest.mark.parametrize(("seen", "found"), [(NOW - 700, True), (NOW - 300, False)])
def test_what_was_seen_in_use_since_was_unmounted_by_somebody_else(notebook, seen, found):
    """Whoever mounted it settled the matter; whoever unmounted it then wants it so."""
    hand_out(notebook, "failed", NOW - 600)
    ids = notebook.put_entities([EntityRow("uuid-data", TARGET, "lv", "web1", {}, seen)])
    series = notebook.put_series([(ids["uuid-data"], "used_bytes", "bytes", True)])
    notebook.write_samples([series[ids["uuid-data"], "used_bytes"]], [seen], [1.0])
    assert find_left_unmounted(notebook, [volume(number=ids["uuid-data"])], NOW) == ({ids["uuid-data"]} if found else set())
