# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Importing from a cluster that is not well, or that lets nobody in; what was imported stays and the rest comes later."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import connection
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import import_cluster
from sandbox import https
from sandbox.server import Sandbox
from support.proxmox import PASSWORD, TOKEN, hosts
from support.proxmox_history import import_history, samples
from support.sandbox_states import few

HERE = pathlib.Path(__file__).parent
STATE = HERE.parents[2] / "sandbox" / "data" / "state.json"
GUEST, VM = "guest:lab/lxc/104", "guest:lab/qemu/204"
GUESTS = ["guest:*"]


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(https, "_UNAUTHORISED_DELAY", 0.0)
        with Sandbox(few(STATE, tmp_path_factory.mktemp("sandbox")), speed=0.0) as sandbox:
            yield sandbox


@pytest.fixture
def sandbox(started):
    """The module's sandbox; what a test did to it is undone."""
    yield started
    faults(started)
    started.reseed()


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store.db"


def faults(sandbox, *rules):
    with sandbox.world.lock:
        sandbox.faults.set(list(rules))


def refused(sandbox, store, **more):
    with pytest.raises(InputError) as raised:
        import_history(sandbox, store, **more)
    return str(raised.value)


def imported(store):
    with open_store(str(store)) as notebook:
        return {entity.key for entity in notebook.find_entities() if entity.attributes.get("backfilled")}


# ---- what concerns all -----------------------------------------------------------------------------------------------


def test_a_missing_privilege_is_named_before_anything_is_asked(sandbox, store):
    message = refused(sandbox, store, api_token_id="one@pve!tok", api_token_secret="66666666-6666-6666-6666-666666666666")
    assert "one@pve!tok lacks Sys.Audit on /" in message
    assert "66666666-6666" not in message
    assert imported(store) == set()


def test_a_token_that_expires_on_the_way_leaves_what_is_there(sandbox, store, monkeypatch):
    monkeypatch.setattr(import_cluster, "_BATCH", 1)
    real = import_cluster.SeriesImport.write

    def write_and_expire(self, answers):
        real(self, answers)
        with sandbox.world.lock:
            sandbox.world.access.tokens["root@pam!full"].expire = 1

    monkeypatch.setattr(import_cluster.SeriesImport, "write", write_and_expire)
    message = refused(sandbox, store, entities=GUESTS, parallel=1)
    assert "a token that exists and has not expired" in message
    assert "of 4 entities of lab are imported and stay; run it again to go on" in message
    before = imported(store)
    assert 0 < len(before) < 4
    monkeypatch.setattr(import_cluster.SeriesImport, "write", real)
    sandbox.reseed()
    rest = import_history(sandbox, store, entities=GUESTS)["cluster"]
    assert (rest["up_to_date"], rest["history_calls"]) == (len(before), 4 - len(before))
    assert len(imported(store)) == 4


def test_a_ticket_serves_too(sandbox, store):
    with sandbox.world.lock:
        for holders in sandbox.world.access.acl.values():
            holders.pop("ops@pve", None)
        sandbox.world.access.acl.setdefault("/", {})["ops@pve"] = {"PVEAuditor": 1}
    assert import_history(sandbox, store, entities=[GUEST], **PASSWORD)["written"]["samples"] == 672


def test_nobody_answers(sandbox, store):
    for node in ("pve1", "pve2", "pve3"):
        sandbox.command(["api_down", node])
    assert "takes no connection" in refused(sandbox, store)


def test_without_proxmoxer_it_is_told(sandbox, store, monkeypatch):
    monkeypatch.setattr(connection, "HAS_PROXMOXER", False)
    assert "pip install proxmoxer requests" in refused(sandbox, store)


# ---- what concerns some ----------------------------------------------------------------------------------------------


def test_the_next_host_answers_when_one_goes_away(sandbox, store):
    sandbox.command(["api_down", "pve1"])
    result = import_history(sandbox, store, entities=GUESTS, api_host=hosts(sandbox, "pve1", "pve2"))
    assert result["cluster"]["failed"] == 0
    assert len(imported(store)) == 4


def test_history_that_cannot_be_read_is_told_and_asked_again_the_next_time(sandbox, store):
    faults(sandbox, {"fault": "error", "path": "/nodes/.*/104/rrddata", "status": 500, "reason": "got timeout"})
    result = import_history(sandbox, store, entities=GUESTS)
    assert (result["cluster"]["failed"], result["cluster"]["problem_count"]) == (1, 1)
    assert GUEST in result["cluster"]["problems"][0]
    assert "got timeout" in result["warnings"][0]
    assert len(imported(store)) == 3
    faults(sandbox)
    again = import_history(sandbox, store, entities=GUESTS)["cluster"]
    assert (again["history_calls"], again["samples"]) == (1, 672)


def test_an_answer_that_is_cut_off_is_asked_again(sandbox, store):
    faults(sandbox, {"fault": "truncate", "path": "/nodes/.*/104/rrddata", "times": 1})
    result = import_history(sandbox, store, entities=[GUEST], max_retries=1)
    assert (result["cluster"]["failed"], result["written"]["samples"]) == (0, 672)


def test_after_too_many_failures_in_a_row_it_ends(sandbox, store, monkeypatch):
    monkeypatch.setattr(import_cluster, "_FAILED_IN_A_ROW", 3)
    faults(sandbox, {"fault": "error", "path": "/nodes/.*/rrddata", "status": 500, "reason": "got timeout"})
    message = refused(sandbox, store)
    assert "got timeout" in message
    assert "0 of 11 entities of lab" in message


def test_a_node_that_is_down_leaves_its_own_storage_out_and_keeps_its_history(sandbox, store):
    sandbox.command(["node_down", "pve3"])
    result = import_history(sandbox, store, api_host=hosts(sandbox, "pve1"))
    assert [problem for problem in result["cluster"]["problems"] if "storage:lab/pve3/local is left out" in problem]
    assert result["cluster"]["failed"] == 0
    assert samples(store, "node:lab/pve3", "cpu_cores")
    assert samples(store, "storage:lab/shared", "used_bytes")


def test_a_guest_without_any_metrics_is_no_failure(sandbox, store):
    faults(
        sandbox,
        {"fault": "error", "path": "/nodes/.*/104/rrddata", "status": 500, "reason": "RRD error: opening '104': No such file or directory"},
    )
    result = import_history(sandbox, store, entities=[GUEST])
    assert (result["cluster"]["failed"], result["cluster"]["samples"], imported(store)) == (0, 0, set())


# ---- killed ----------------------------------------------------------------------------------------------------------


def test_killed_in_the_middle_it_goes_on_from_there(sandbox, store, tmp_path):
    faults(sandbox, {"fault": "slow", "path": "/nodes/.*/(105|204)/rrddata", "seconds": 60.0})
    options = {"store": str(store), "now": int(sandbox.world.now()), "api_host": hosts(sandbox), "ca_path": sandbox.ca, **TOKEN}
    (tmp_path / "options.json").write_text(json.dumps(options), encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(HERE / "import_process.py"), str(tmp_path / "options.json")])
    try:
        until = time.monotonic() + 60
        while len(done := imported(store)) < 2 and time.monotonic() < until:
            assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert done == {"guest:lab/lxc/101", GUEST}
    before = samples(store, GUEST, "cpu_cores")
    faults(sandbox)
    rest = import_history(sandbox, store, entities=GUESTS)["cluster"]
    assert (rest["up_to_date"], rest["history_calls"], rest["samples"]) == (2, 2, 2 * 672)
    assert samples(store, GUEST, "cpu_cores") == before
    with open_store(str(store)) as notebook:
        runs = notebook.find_runs("import_history")
    assert sorted(run.finished_at is None for run in runs) == [False, True]
    assert TOKEN["api_token_secret"] not in json.dumps([run.detail for run in runs])
