# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation, run by ansible-playbook: the lookup and cluster_balance together."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.lookup import cluster
from support.recorded_cluster import NOW, put_history, recorded


@pytest.fixture
def play(tmp_path):
    """Return a function that runs the examples against a recorded cluster, with one text in them replaced."""
    store = recorded(tmp_path / "store.db")
    put_history(store)

    def run(old="", new=""):
        given = f"lookup('foresight.capacity.cluster', store='{store}', now={NOW}, workers=1, model='empirical', "
        text = cluster.EXAMPLES.replace("lookup('foresight.capacity.cluster', ", given).replace(old, new)
        shown = {
            "ansible.builtin.copy": {
                "content": "{{ [document, balance] | to_json }}",
                "dest": str(tmp_path / "answer.json"),
                "mode": "0600",
            }
        }
        plays = [{"hosts": "all", "gather_facts": False, "tasks": [*yaml.safe_load(text), {**shown, "run_once": True}]}]
        (tmp_path / "play.yml").write_text(yaml.safe_dump(plays, sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "ansible.cli.playbook", "-i", "prod-api,", "-c", "local", str(tmp_path / "play.yml")]
        environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PYTHON_INTERPRETER": sys.executable}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)

    return run


def test_the_examples_look_a_cluster_up_and_balance_it(play, tmp_path):
    done = play()
    assert done.returncode == 0, done.stdout + done.stderr
    document, balance = json.loads(pathlib.Path(tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert document["demand"] == {"basis": "predicted_peak", "quantile": 0.9, "window_seconds": 86400}
    assert (document["host"], document["now"]) == ("prod-api", NOW)
    assert balance["verdict"] == "no_beneficial_move"


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
