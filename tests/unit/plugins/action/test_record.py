# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action in plays as users run them: several hosts, one that is away, one whose clock lies, a fact cache."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import write_recording
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from support import facts_documents as d

ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")

# A facts module as any other, that tells what the test wants to be true of a host.
TOLD_FACTS = """#!/usr/bin/python
import json
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"path": {"type": "path", "required": True}}, supports_check_mode=True)
with open(module.params["path"]) as stream:
    module.exit_json(changed=False, ansible_facts=json.load(stream))
"""


class Site:
    """A folder with an inventory, a facts module and a store; hosts are local except the one named away, which nobody answers for."""

    def __init__(self, folder: pathlib.Path, *hosts: str) -> None:
        self.folder = folder
        self.store = str(folder / "store.db")
        here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        away = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
        inventory = {"all": {"hosts": {host: away if host == "away" else here for host in hosts}}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        (folder / "library").mkdir()
        (folder / "library" / "told_facts.py").write_text(TOLD_FACTS)

    def tell(self, host: str, **facts: object) -> None:
        (self.folder / f"{host}.json").write_text(json.dumps(facts))

    def play(self, *options: str, facts: bool = True, before: list | None = None, keywords: dict | None = None, **arguments: object):
        """Run a play that reads the told facts and records; return (return code, output, result of record)."""
        told = {"name": "Read", "told_facts": {"path": f"{self.folder}/{{{{ inventory_hostname }}}}.json"}}
        alive = {"name": "Reach every host", "ansible.builtin.ping": {}}
        task = {"foresight.capacity.record": {"store": self.store, **arguments}, "run_once": True, "register": "recorded"}
        keep = {
            "ansible.builtin.copy": {"content": "{{ recorded | to_json }}", "dest": f"{self.folder}/result.json", "mode": "0600"},
            "delegate_to": "localhost", "vars": {"ansible_connection": "local"}, "run_once": True, "check_mode": False,
        }  # fmt: skip
        tasks = [alive, *([told] if facts else []), *(before or []), task, keep]
        (self.folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks, **(keywords or {})}]))
        (self.folder / "result.json").unlink(missing_ok=True)
        environment = {
            **os.environ, "ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.folder / "cache"),
            "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "1",
        }  # fmt: skip
        command = [str(ANSIBLE_PLAYBOOK), "-i", "hosts.yml", "play.yml", *options]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        kept = self.folder / "result.json"
        return done.returncode, output, json.loads(kept.read_text()) if kept.exists() else None


def told(result):
    return {host: (one["status"], one["reason"]) for host, one in result["hosts"].items()}


def test_hosts_that_are_well_and_hosts_that_are_not(tmp_path):
    site = Site(tmp_path, "away", "good", "liar", "plain")
    now = int(time.time())
    site.tell("good", foresight_lvm=d.lvm(now), foresight_node=d.node(now))
    site.tell("liar", foresight_lvm=d.lvm(now + 3600))
    site.tell("plain", other_fact=1)

    code, output, result = site.play()
    assert code == 4, output
    assert told(result) == {
        "away": ("unreachable", "unreachable"),
        "good": ("recorded", None),
        "liar": ("rejected", "clock_off"),
        "plain": ("no_facts", "no_facts"),
    }
    assert result["changed"] is False
    assert result["written"]["samples"] == result["hosts"]["good"]["samples"] > 5
    assert "liar" in output
    assert "ahead of the controller's time" in output

    # The facts of the run before lie in the fact cache: nothing new, whoever asks.
    code, output, again = site.play("--check", facts=False)
    assert told(again)["good"] == ("rejected", "not_newer")
    assert told(again)["away"] == ("unreachable", "unreachable")
    assert (again["check"], again["written"]["samples"]) == (True, 0)

    site.tell("good", foresight_lvm=d.lvm(now + 5))
    code, output, limited = site.play("--limit", "good", "--check")
    assert code == 0, output
    assert told(limited) == {"good": ("recorded", None)}
    with open_store(site.store) as notebook:
        assert [run.check for run in notebook.find_runs("record")] == [True, True, False]
        assert {entity.key for entity in notebook.find_entities(kinds=["host"])} == {"host:good"}


def test_facts_of_set_fact(tmp_path):
    site = Site(tmp_path, "one", "two")
    now = int(time.time())
    before = [
        {
            "ansible.builtin.set_fact": {
                "foresight_lvm": d.lvm(now),
            },
            "when": "inventory_hostname == 'one'",
        }
    ]
    code, output, result = site.play(facts=False, before=before)
    assert code == 0, output
    assert told(result) == {"one": ("recorded", None), "two": ("no_facts", "no_facts")}


def test_recorded_hosts_beside_live_ones(tmp_path):
    site = Site(tmp_path, "good", "lab1")
    now = int(time.time())
    write_recording(str(tmp_path / "lab.jsonl.gz"), [("lab1", {"foresight_lvm": d.lvm(1_700_000_000)})])
    site.tell("good", foresight_lvm=d.lvm(now))
    site.tell("lab1")
    code, output, result = site.play(facts_from="lab.jsonl.gz", shift_to_now=True)
    assert code == 0, output
    assert told(result) == {"good": ("recorded", None), "lab1": ("recorded", None)}
    assert result["recorded"]["hosts"] == ["lab1"]
    site.tell("lab1", foresight_lvm=d.lvm(now))
    code, output, result = site.play(facts_from="lab.jsonl.gz")
    assert code == 2
    assert "lab1 has live facts" in output


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ({"max_skew": "soon"}, {}, "max_skew"),
        ({"store": "postgresql://user:secret@db/x"}, {}, "password"),
        ({"facts_from": "missing.jsonl"}, {}, "missing.jsonl"),
        ({}, {"serial": 1}, "serial"),
    ],
)
def test_what_is_refused(tmp_path, arguments, keywords, message):
    site = Site(tmp_path, "one", "two")
    code, output, result = site.play(facts=False, keywords=keywords, **arguments)
    assert code == 2
    assert result is None
    assert message in output
    assert "Traceback" not in output
    assert "secret@" not in output
