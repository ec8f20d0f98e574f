# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation with source proxmox, and the playbook import, run by ansible-playbook against a sandbox."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
import yaml

from ansible_collections.foresight.capacity.plugins.modules import import_history
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from sandbox.server import Sandbox
from support.proxmox import TOKEN, hosts
from support.sandbox_states import few

ROOT = pathlib.Path(__file__).parents[4]
STATE = ROOT / "tests" / "unit" / "sandbox" / "data" / "state.json"
SECRET = TOKEN["api_token_secret"]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with Sandbox(few(STATE, tmp_path_factory.mktemp("sandbox")), speed=0.0) as started:
        yield started


@pytest.fixture
def run(sandbox, tmp_path):
    """Return a function that runs a playbook with credentials in the environment, verbosely, and returns its code and output."""

    def run(playbook, *more, **environment):
        given = {
            "PROXMOX_HOST": ",".join(hosts(sandbox)),
            "PROXMOX_TOKEN_ID": TOKEN["api_token_id"],
            "PROXMOX_TOKEN_SECRET": SECRET,
            "PROXMOX_CA_PATH": sandbox.ca,
            "FORESIGHT_STORE": str(tmp_path / "store.db"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        }
        command = [sys.executable, "-m", "ansible.cli.playbook", "-vvv", "-i", "prod-api,", "-c", "local", str(playbook), *more]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **given, **environment}, capture_output=True, text=True, check=False, timeout=180
        )
        return done.returncode, done.stdout + done.stderr

    return run


def write(path, *tasks, **variables):
    play = {"hosts": "all", "gather_facts": False, "vars": variables, "tasks": list(tasks)}
    path.write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    return path


def test_the_examples(sandbox, run, tmp_path):
    first, second = [
        task for task in yaml.safe_load(import_history.EXAMPLES) if task["foresight.capacity.import_history"].get("source") == "proxmox"
    ]
    # What an example cannot know: where the cluster is.
    first["foresight.capacity.import_history"].update(api_host=hosts(sandbox), api_token_id=TOKEN["api_token_id"], ca_path=sandbox.ca)
    first["register"] = "imported"
    shown = {"ansible.builtin.copy": {"content": "{{ imported | to_json }}", "dest": str(tmp_path / "imported.json"), "mode": "0600"}}
    code, output = run(write(tmp_path / "play.yml", first, shown, second, vault_proxmox_token_secret=SECRET))
    assert code == 0, output
    assert SECRET not in output
    result = json.loads((tmp_path / "imported.json").read_text(encoding="utf-8"))
    assert (result["changed"], result["check"], result["cluster"]["failed"]) == (False, False, 0)
    assert result["cluster"]["entities"] == {"guest": 4, "node": 3, "storage": 4}
    assert result["written"]["samples"] == result["cluster"]["samples"] > 10_000
    with open_store(str(tmp_path / "store.db")) as notebook:
        assert len(notebook.find_runs("import_history")) == 2
        assert SECRET not in json.dumps([run.detail for run in notebook.find_runs()])


def playbook(run, tmp_path, *more, **environment):
    options = {"foresight_import_options": {"source": "proxmox", "timeframes": ["hour"], "entities": ["node:*"]}}
    (tmp_path / "options.json").write_text(json.dumps(options), encoding="utf-8")
    return run(ROOT / "playbooks" / "import.yml", "-e", "@options.json", *more, **environment)


def test_the_playbook_with_credentials_of_the_environment(run, tmp_path):
    code, output = playbook(run, tmp_path)
    assert code == 0, output
    assert "samples of 3 of 3 entities written" in output
    assert SECRET not in output


def test_the_playbook_asks_each_cluster_with_the_credentials_of_its_host(sandbox, run, tmp_path):
    given = {"api_host": hosts(sandbox), "api_token_id": TOKEN["api_token_id"], "ca_path": sandbox.ca}
    good = {"foresight_proxmox": {**given, "api_token_secret": "{{ vault_secret }}"}, "vault_secret": SECRET}
    bad = {"foresight_proxmox": {**given, "api_token_secret": "{{ vault_secret }}"}, "vault_secret": "00000000-0000-0000-0000-000000000000"}
    inventory = {"all": {"hosts": {"a-host": {}}, "children": {"foresight_clusters": {"hosts": {"good-api": good, "bad-api": bad}}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    nothing = dict.fromkeys(("PROXMOX_HOST", "PROXMOX_TOKEN_ID", "PROXMOX_TOKEN_SECRET", "PROXMOX_CA_PATH"), "")
    code, output = playbook(run, tmp_path, "-i", "hosts.yml", "--limit", "!bad-api,!prod-api", **nothing)
    assert code == 0, output
    assert "samples of 3 of 3 entities written" in output
    assert SECRET not in output
    code, output = playbook(run, tmp_path, "-i", "hosts.yml", **nothing)
    assert code == 2
    assert "Needed is a token that exists and has not expired" in " ".join(output.split())
    assert SECRET not in output


def test_the_playbook_takes_no_credentials_among_the_options(run, tmp_path):
    options = {"foresight_import_options": {"source": "proxmox", "api_token_secret": SECRET}}
    (tmp_path / "options.json").write_text(json.dumps(options), encoding="utf-8")
    code, output = run(ROOT / "playbooks" / "import.yml", "-e", "@options.json")
    assert code == 2
    assert "told by foresight_proxmox of its host" in " ".join(output.split())
    assert SECRET not in output


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        ({}, {"PROXMOX_HOST": ""}, "api_host"),
        ({"timeframes": ["decade"]}, {}, "decade"),
        ({}, {"PROXMOX_TOKEN_SECRET": "00000000-0000-0000-0000-000000000000"}, "Needed is a token that exists and has not expired"),
        ({"entities": ["guest:lab/lxc/1040"]}, {}, "similar to what was asked: guest:lab/lxc/104"),
    ],
)
def test_what_is_refused(run, tmp_path, arguments, environment, message):
    task = {"foresight.capacity.import_history": {"source": "proxmox", **arguments}, "run_once": True}
    code, output = run(write(tmp_path / "play.yml", task), **environment)
    assert code == 2
    assert message in " ".join(output.split())
    assert "Traceback" not in output
    assert SECRET not in output
