"""A plan that resizes guests, from the gate through proxmox_guest_resize against a sandbox to its outcomes."""

from __future__ import annotations

import copy
import json
import pathlib

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.close_gate import close_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_done import host_done
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.host_gate import host_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.open_gate import open_gate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from sandbox.server import Sandbox
from support.proxmox import resize
from support.sandbox_client import Client

DATA = pathlib.Path(__file__).parent / "data"
STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
NOW = 1_763_700_000
HOST = "lab-api"


@pytest.fixture(scope="module")
def started():
    with Sandbox(STATE, speed=200.0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started):
    yield started
    started.reseed()


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "store.db")


@pytest.fixture
def actions(sandbox):
    """The plan that is kept as data, with the digests of this sandbox."""
    found = json.loads((DATA / "guest_resize_actions.json").read_text(encoding="utf-8"))
    for action in found:
        guest = action["target"].partition("/")[2]
        action["expect"]["digest"] = Client(sandbox).get(f"/nodes/{action['expect']['node']}/{guest}/config")["digest"]
    return found


def make(store, actions):
    return plan(store=store, now=NOW, inventory=[HOST], hosts=[HOST], actions=copy.deepcopy(actions))["document"]


def apply(sandbox, store, made):
    """What apply.yml does, with one task for all guests."""
    open_gate(store=store, now=NOW + 10, plan=made["id"], inventory=[HOST], play=[HOST], reachable=[HOST])
    handed = host_gate(store=store, now=NOW + 15, host=HOST, failed=[])["actions"]
    results = json.loads(json.dumps(resize(sandbox, actions=handed)))
    noted = host_done(store=store, now=NOW + 20, host=HOST, results=results)
    close_gate(store=store, now=NOW + 30)
    return results, noted


def states(store, made):
    with open_store(store) as opened:
        progress = opened.find_actions(made["id"])
        return opened.load_plan(made["id"]).state, {row.state for row in progress.values()}


def test_plan_is_applied_and_noted(sandbox, store, actions):
    made = make(store, actions)
    results, noted = apply(sandbox, store, made)
    assert {result["status"] for result in results} == {"changed"}
    assert noted["outcomes"]["changed"] == noted["written"]["outcomes"] == len(actions)
    assert states(store, made) == ("applied", {"applied"})
    with open_store(store) as opened:
        outcome = next(one for one in opened.find_outcomes() if one.target == "guest:lab/qemu/204")
    assert (outcome.before["memory"], outcome.after["pending"]) == (2 << 30, {"cores": 2})
    # Whoever applies the actions again changes nothing, though every digest is another by now.
    assert [result["status"] for result in resize(sandbox, actions=actions)] == ["ok"] * len(actions)


def test_guest_that_changed_since_is_refused_and_the_rest_applied(sandbox, store, actions):
    made = make(store, actions)
    Client(sandbox).put("/nodes/pve1/lxc/104/config", memory=1536)
    results, noted = apply(sandbox, store, made)
    assert [(result["status"], result["reason"]) for result in results if result["guest"] == "lxc/104"] == [
        ("refused", "precondition_changed")
    ]
    assert noted["outcomes"] == {"changed": len(actions) - 1, "ok": 0, "refused": 1, "failed": 0}
    assert states(store, made)[0] == "partly_applied"
