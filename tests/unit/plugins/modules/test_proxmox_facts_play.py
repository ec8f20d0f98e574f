"""The examples of the documentation, run by ansible-playbook against a sandbox."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("jinja2", reason="ansible-core is here without what its command line needs")
pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
import yaml

from ansible_collections.foresight.capacity.plugins.modules import proxmox_facts
from sandbox.server import Sandbox
from support.proxmox import TOKEN, hosts

STATE = pathlib.Path(__file__).parents[2] / "sandbox" / "data" / "state.json"


def test_examples(tmp_path):
    tasks = yaml.safe_load(proxmox_facts.EXAMPLES)
    with Sandbox(STATE, speed=0.0) as sandbox:
        # What an example cannot know: where the cluster is, and its secret.
        given = {"api_host": hosts(sandbox), "api_token_id": TOKEN["api_token_id"], "ca_path": sandbox.ca}
        asked = tasks[0]["foresight.capacity.proxmox_facts"]
        asked.update((name, value) for name, value in given.items() if name in asked)
        shown = {"ansible.builtin.copy": {"content": "{{ foresight_cluster | to_json }}", "dest": str(tmp_path / "{{ item }}.json")}}
        first, second, last = tasks
        play = {
            "hosts": "prod-api",
            "connection": "local",
            "gather_facts": False,
            "vars": {"vault_proxmox_token_secret": TOKEN["api_token_secret"], "ansible_python_interpreter": sys.executable},
            "tasks": [first, {**shown, "loop": ["all"]}, second, {**shown, "loop": ["two"]}, last],
        }
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
        secret = TOKEN["api_token_secret"]
        environment = {
            **os.environ,
            "PROXMOX_HOST": ",".join(hosts(sandbox)),
            "PROXMOX_TOKEN_ID": TOKEN["api_token_id"],
            "PROXMOX_TOKEN_SECRET": secret,
            "PROXMOX_CA_PATH": sandbox.ca,
            "ANSIBLE_NOCOLOR": "1",
        }
        command = [sys.executable, "-m", "ansible.cli.playbook", "-vvv", "-i", "prod-api,", str(tmp_path / "play.yml")]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    output = run.stdout + run.stderr
    assert run.returncode == 0, output
    assert secret not in output
    everything, two = (json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8")) for name in ("all", "two"))
    assert (everything["host"], [node["name"] for node in everything["nodes"]]) == ("prod-api", ["pve1", "pve2", "pve3"])
    assert [(node["name"], node["reserve"], node["link_bytes_per_second"]) for node in two["nodes"]] == [
        (name, {"cpu": 2.0, "memory": 8 << 30}, link) for name, link in (("pve1", 1.25e9), ("pve2", 1.25e8))
    ]
