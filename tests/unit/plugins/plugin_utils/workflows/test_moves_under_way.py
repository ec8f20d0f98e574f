# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest that was seen on its way counts on the node that it goes to."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster import cluster
from support.recorded_cluster import NOW, by_id, document, recorded

GUEST = "lxc/101"


@pytest.fixture
def seen(tmp_path):
    """Record the cluster with the guest as it was seen, and the plans that were handed out before; return what is planned with."""

    def look_up(seen, *plans, at=NOW - 60):
        found = document()
        by_id(found)[GUEST].update(seen)
        found["nodes"].append({**found["nodes"][0], "name": "pve3"})
        path = recorded(tmp_path / "store.db", found)
        with open_store(str(path)) as store:
            for number, (state, origin, target) in enumerate(plans):
                action = {"id": f"a{number}", "kind": "guest_migrate", "host": "prod-api", "target": f"guest:prod/{GUEST}"}
                action |= {"from": {"node": origin}, "to": {"node": target}}
                store.save_plan({"id": f"p{number}", "created_at": at, "expires_at": NOW, "check": False, "actions": [action]})
                store.set_actions(f"p{number}", [(action["id"], state, {})], at=at + number, run_id=None)
        return by_id(cluster(store=str(path), now=NOW, horizon="24h", model="empirical", workers=1))[GUEST]["node"]

    return look_up


def test_at_rest_it_is_where_it_is(seen):
    assert seen({}, ("started", "pve1", "pve2")) == "pve1"


def test_what_the_migration_tells_is_taken_first(seen):
    assert seen({"moving": True, "moving_to": "pve3"}, ("started", "pve1", "pve2")) == "pve3"


@pytest.mark.parametrize("state", ["started", "unknown"])
def test_else_the_newest_plan_that_was_handed_out_and_not_ended_tells(seen, state):
    assert seen({"moving": True, "moving_to": None}, (state, "pve1", "pve3"), (state, "pve1", "pve2")) == "pve2"


@pytest.mark.parametrize("plan", [("applied", "pve1", "pve2"), ("pending", "pve1", "pve2"), ("unknown", "pve3", "pve2")])
def test_other_plans_tell_nothing(seen, plan):
    assert seen({"moving": True, "moving_to": None}, plan) == "pve1"


def test_a_node_that_the_document_lacks_is_no_destination(seen):
    assert seen({"moving": True, "moving_to": None}, ("unknown", "pve1", "pve9")) == "pve1"


def test_nor_do_those_of_long_ago(seen):
    assert seen({"moving": True, "moving_to": None}, ("unknown", "pve1", "pve2"), at=NOW - 90000) == "pve1"
