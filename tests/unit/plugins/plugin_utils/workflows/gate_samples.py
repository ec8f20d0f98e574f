# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small plan in a real store, for tests of the workflows around plans."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.close_gate import close_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_gate import host_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.open_gate import open_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan

GIB = 1 << 30
NOW = 1_763_700_000
HOSTS = ["web1", "web2"]


def volume(host="web1", name="data", to=12 * GIB, **more):
    """Return an lv_resize as lv_allocate gives it."""
    return {
        "kind": "lv_resize",
        "host": host,
        "target": f"lv:{host}/vg0/{name}",
        "expect": {"uuid": f"{host}-{name}", "size": 10 * GIB},
        "from": {"size": 10 * GIB},
        "to": {"size": to},
        "reason": "forecast",
        "cost": {"bytes": to - 10 * GIB},
        **more,
    }


def observe(store, *, recorded=None):
    """Write the hosts, VGs and volumes of the sample plan as record does."""
    with open_store(store) as opened:
        rows = []
        for host in HOSTS:
            rows.append(EntityRow(f"host:{host}", f"host:{host}", "host", host, {"observed_at": NOW - 60, "recorded": recorded}, NOW - 60))
            group = {"size_bytes": 50 * GIB, "free_bytes": 20 * GIB, "observed_at": NOW - 60}
            rows.append(EntityRow(f"vg:{host}/u", f"vg:{host}/vg0", "vg", host, group, NOW - 60))
            rows.append(EntityRow(f"lv:{host}/u", f"lv:{host}/vg0/data", "lv", host, {"observed_at": NOW - 90, "tags": ["web"]}, NOW - 90))
        opened.put_entities(rows)


def make(store, *actions, **more):
    """Make a plan for both hosts and return the answer of the workflow."""
    return plan(
        **{
            "store": store,
            "now": NOW,
            "inventory": HOSTS,
            "hosts": HOSTS,
            "actions": list(actions) or [volume("web1"), volume("web2")],
            **more,
        }
    )


def opening(store, plan_id, **more):
    """Return the arguments of open_gate."""
    return {"store": store, "now": NOW + 10, "plan": plan_id, "inventory": HOSTS, "play": HOSTS, "reachable": HOSTS, **more}


def enter(store, plan_id, **more):
    """Open the gate in this process."""
    return open_gate(**opening(store, plan_id, **more))


def tell(store, plan_id, *results, run=None, at=NOW + 20):
    """Write outcomes as plan_gate does: (action id, host, target, status) each; of the newest apply run if none is named."""
    with open_store(store) as opened:
        run = opened.find_runs("apply", limit=1)[0].id if run is None else run
        opened.add_outcomes(
            {
                "plan_id": plan_id, "action_id": action, "run_id": run, "host": host, "target": target, "status": status, "changed": status == "changed",
                "started_at": at, "seconds": 1.0, "before": {}, "after": {}, "message": "",
            }
            for action, host, target, status in results
        )  # fmt: skip


def states(store, plan_id):
    """Return the state of the plan and of its actions by target, as the store has them."""
    with open_store(store) as opened:
        row, progress = opened.load_plan(plan_id), opened.find_actions(plan_id)
    return row.state, {action["target"]: progress[action["id"]].state for action in row.document["actions"] if action["id"] in progress}


def hand(store, host, **more):
    """Pass the gate for one host, as apply.yml does before its actions."""
    return host_gate(**{"store": store, "now": NOW + 15, "host": host, "failed": [], **more})


def close(store, **more):
    """Close the gate of this process."""
    return close_gate(store=store, now=NOW + 30, **more)


def apply(store, plan_id, status="changed", hosts=("web1", "web2"), at=20, **more):
    """Open, do, tell and close, as apply.yml does."""
    opened = enter(store, plan_id, **more)
    for host in hosts:
        for action in hand(store, host)["actions"]:
            tell(store, plan_id, (action["id"], host, action["target"], status), at=NOW + at)
    return opened, close(store)


def leases(store):
    """Return every lease of the store."""
    with open_store(store) as opened:
        return opened.find_leases()
