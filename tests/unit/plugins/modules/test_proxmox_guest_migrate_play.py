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

from ansible_collections.foresight.capacity.plugins.modules import proxmox_guest_migrate
from sandbox.server import Sandbox
from support.moves import action, place
from support.proxmox import TOKEN, hosts

TESTS = pathlib.Path(__file__).parents[2]
NAME = "foresight.capacity.proxmox_guest_migrate"


def documented_task():
    """The first task of docs/proxmox.md that moves guests."""
    text = (TESTS.parents[1] / "docs" / "proxmox.md").read_text(encoding="utf-8")
    (block,) = (found for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if NAME in found)
    return yaml.safe_load(block)[0]


def test_examples(tmp_path):
    state = json.loads((TESTS / "sandbox" / "data" / "state.json").read_text(encoding="utf-8"))
    state["cluster"]["name"] = "prod"
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    gate, night, show = yaml.safe_load(proxmox_guest_migrate.EXAMPLES)
    # Nobody waits an hour for a test that runs before the window.
    night[NAME]["window_wait"] = 0
    documented = documented_task()
    moves = [action("qemu/204", "pve1", "pve2", target="guest:prod/qemu/204")]
    again = {"vars": {"foresight_actions": moves}}
    with Sandbox(tmp_path / "state.json", speed=100.0) as sandbox:
        # What an example cannot know: where the cluster is, and its secret.
        given = {"api_host": hosts(sandbox), "api_token_id": TOKEN["api_token_id"], "ca_path": sandbox.ca}
        for task in (gate, documented):
            task[NAME].update(given)
        found = "{{ {'first': first, 'second': second, 'night': moves} | to_json }}"
        play = {
            "hosts": "prod-api",
            "connection": "local",
            "gather_facts": False,
            "vars": {"vault_proxmox_token_secret": TOKEN["api_token_secret"], "ansible_python_interpreter": sys.executable},
            "tasks": [
                {**gate, **again, "register": "first"},
                {**documented, **again, "register": "second"},
                {**night, "register": "moves"},
                {"ansible.builtin.copy": {"content": found, "dest": str(tmp_path / "found.json")}},
                show,
            ],
        }
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        environment = {
            **os.environ,
            "PROXMOX_HOST": ",".join(hosts(sandbox)),
            "PROXMOX_TOKEN_ID": TOKEN["api_token_id"],
            "PROXMOX_TOKEN_SECRET": TOKEN["api_token_secret"],
            "PROXMOX_CA_PATH": sandbox.ca,
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [sys.executable, "-m", "ansible.cli.playbook", "-vvv", "-i", "prod-api,", str(tmp_path / "play.yml")]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
        output = run.stdout + run.stderr
        assert run.returncode == 0, output
        assert TOKEN["api_token_secret"] not in output
        assert place(sandbox, "qemu/204") == ("pve2", True)
        results = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
        first, second, night_run = results["first"], results["second"], results["night"]
        assert (first["changed"], first["outcomes"][0]["status"]) == (True, "changed")
        assert (second["changed"], second["outcomes"][0]["status"]) == (False, "ok")
        # It is stopped: moved while its window is open, else left for later.
        (outcome,) = night_run["outcomes"]
        assert outcome["status"] in ("changed", "not_started")
        assert place(sandbox, "lxc/101")[0] == outcome["after"]["node"]
