# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation, run by ansible-playbook: the lookup and cluster_balance together, on what was recorded and on the sandbox."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from ansible_collections.foresight.capacity.plugins.lookup import cluster
from sandbox.server import Sandbox
from support.proxmox import TOKEN, hosts, read
from support.recorded_cluster import NOW, put_history, recorded
from support.sandbox_states import few

STATE = pathlib.Path(__file__).parents[2] / "sandbox" / "data" / "state.json"
SHOWN = {"content": "{{ [document, balance] | to_json }}", "mode": "0600"}


def run_play(folder, text, *before, **environment):
    """Run the examples after other tasks; what they found lies in answer.json."""
    shown = {"ansible.builtin.copy": {**SHOWN, "dest": str(folder / "answer.json")}, "run_once": True}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [*before, *yaml.safe_load(text), shown]}]
    (folder / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
    command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "prod-api,", "-c", "local", str(folder / "play.yml")]
    given = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PYTHON_INTERPRETER": sys.executable, **environment}
    return subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=180)


@pytest.fixture
def play(tmp_path):
    """Return a function that runs the examples against a recorded cluster, with one text in them replaced."""
    store = recorded(tmp_path / "store.db")
    put_history(store)

    def run(old="", new=""):
        given = f"lookup('foresight.capacity.cluster', store='{store}', now={NOW}, workers=1, model='empirical', "
        return run_play(tmp_path, cluster.EXAMPLES.replace("lookup('foresight.capacity.cluster', ", given).replace(old, new))

    return run


def test_the_examples_look_a_cluster_up_and_balance_it(play, tmp_path):
    done = play()
    assert done.returncode == 0, done.stdout + done.stderr
    document, balance = json.loads(pathlib.Path(tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert document["demand"] == {"basis": "predicted_peak", "quantile": 0.9, "window_seconds": 86400}
    assert (document["host"], document["now"]) == ("prod-api", NOW)
    assert balance["verdict"] == "no_beneficial_move"


def test_the_examples_on_a_cluster_that_was_just_read(tmp_path):
    text = cluster.EXAMPLES.replace("foresight.capacity.cluster', ", "foresight.capacity.cluster', workers=1, model='empirical', ")
    with Sandbox(few(STATE, tmp_path), speed=0.0) as sandbox:
        done = run_play(
            tmp_path,
            text,
            {"foresight.capacity.proxmox_facts": {"host": "{{ inventory_hostname }}"}},
            {"foresight.capacity.record": {}, "run_once": True},
            {"foresight.capacity.import_history": {"source": "proxmox", "timeframes": ["month"]}, "run_once": True},
            PROXMOX_HOST=",".join(hosts(sandbox)),
            PROXMOX_TOKEN_ID=TOKEN["api_token_id"],
            PROXMOX_TOKEN_SECRET=TOKEN["api_token_secret"],
            PROXMOX_CA_PATH=sandbox.ca,
            FORESIGHT_STORE=str(tmp_path / "store.db"),
        )
        names = [node["name"] for node in read(sandbox)["nodes"]]
    assert done.returncode == 0, done.stdout + done.stderr
    document, balance = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert (document["cluster"], document["host"], document["demand"]["basis"]) == ("lab", "prod-api", "predicted_peak")
    assert [node["name"] for node in document["nodes"]] == names
    assert {guest["demand_status"] for guest in document["guests"] if guest["running"]} == {"ok"}
    assert balance["verdict"] in ("balanced", "improved", "no_beneficial_move")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("host=inventory_hostname", "host='web1'", "no cluster that was read through web1, but through prod-api"),
        ("'foresight.capacity.cluster', ", "'foresight.capacity.cluster', 'prod', ", "takes no terms"),
        ("quantile=0.9", "quantile=9", "O(quantile)"),
    ],
)
def test_what_is_refused(play, old, new, message):
    done = play(old, new)
    output = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 2
    assert message in output
    assert "Traceback" not in output
