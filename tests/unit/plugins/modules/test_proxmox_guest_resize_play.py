"""The examples of the documentation, run by ansible-playbook against a sandbox."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

pytest.importorskip("jinja2", reason="ansible-core is here without what its command line needs")
pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
import yaml

from ansible_collections.foresight.capacity.plugins.modules import proxmox_guest_resize
from sandbox.server import Sandbox
from support.proxmox import TOKEN, hosts, resize_action

STATE = pathlib.Path(__file__).parents[2] / "sandbox" / "data" / "state.json"
MANUAL = pathlib.Path(__file__).parents[4] / "docs" / "proxmox.md"
NAME = "foresight.capacity.proxmox_guest_resize"
GIB = 1 << 30


def play(sandbox, tmp_path, tasks, *more, **variables):
    """Run tasks as a play; its output and what it registered as C(resized)."""
    shown = {"ansible.builtin.copy": {"content": "{{ resized | to_json }}", "dest": str(tmp_path / "resized.json")}}
    secret = TOKEN["api_token_secret"]
    document = {
        "hosts": "prod-api",
        "connection": "local",
        "gather_facts": False,
        "vars": {"vault_proxmox_token_secret": secret, "ansible_python_interpreter": sys.executable, **variables},
        "tasks": [*tasks, {**shown, "when": "resized is defined", "check_mode": False, "diff": False, "changed_when": False}],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([document], sort_keys=False), encoding="utf-8")
    environment = {
        **os.environ,
        "PROXMOX_HOST": ",".join(hosts(sandbox)),
        "PROXMOX_TOKEN_ID": TOKEN["api_token_id"],
        "PROXMOX_TOKEN_SECRET": secret,
        "PROXMOX_CA_PATH": sandbox.ca,
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [sys.executable, "-m", "ansible.cli.playbook", "-vvv", "--diff", "-i", "prod-api,", str(tmp_path / "play.yml"), *more]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    assert secret not in output
    file = tmp_path / "resized.json"
    return output, json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def changed(output):
    return int(re.search(r"prod-api\s+: ok=\d+\s+changed=(\d+)", output)[1])


def test_examples(tmp_path):
    tasks = yaml.safe_load(proxmox_guest_resize.EXAMPLES)
    action = resize_action("guest:lab/lxc/101", {"memory": GIB}, {"memory": 2 * GIB}, node="pve1")
    given = {"host_gate": {"actions": [action, {**action, "kind": "guest_migrate"}]}}
    with Sandbox(STATE, speed=200.0) as sandbox:
        # What an example cannot know: where the cluster is, and its secret.
        real = {"api_host": hosts(sandbox), "api_token_id": TOKEN["api_token_id"], "ca_path": sandbox.ca}
        asked = tasks[0][NAME]
        asked.update((name, value) for name, value in real.items() if name in asked)
        told, foretold = play(sandbox, tmp_path, tasks, "--check", **given)
        done, resized = play(sandbox, tmp_path, tasks, **given)
        again, _same = play(sandbox, tmp_path, tasks, **given)
        diffs = [[line for line in output.splitlines() if re.match(r"[+-] ", line)] for output in (told, done, again)]
        config = {guest.id: guest.config for guest in sandbox.world.guests.values()}
    assert resized["restart_required"] == foretold["restart_required"] == {"qemu/204": ["cores"]}
    assert (changed(told), changed(done), changed(again)) == (3, 3, 0)
    assert diffs[0]
    assert diffs[0] == diffs[1]
    assert not diffs[2]
    assert (config["lxc/104"]["memory"], config["lxc/101"]["memory"], config["lxc/108"]["swap"]) == ("2048", "2048", "256")
    assert config["qemu/204"]["scsi0"].endswith("size=8G")


def test_example_of_the_manual(tmp_path):
    section = MANUAL.read_text(encoding="utf-8").partition("## Resizing guests")[2]
    tasks = yaml.safe_load(re.search(r"```yaml\n(.*?)```", section, re.DOTALL)[1])
    tasks[0]["register"] = "resized"
    with Sandbox(STATE, speed=200.0) as sandbox:
        _output, resized = play(sandbox, tmp_path, tasks)
    assert [result["status"] for result in resized["outcomes"]] == ["changed", "changed"]
