# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action in plays as users run them, on hosts that nobody answers for."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest
import yaml

from support import generated  # the generator is shared with the integration tests

ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")
DEAD = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=2"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with an inventory of dead hosts, and a store that knows two of them."""
    folder = tmp_path_factory.mktemp("site")
    hosts = ["many0", "many1", "dead"]
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": dict.fromkeys(hosts, DEAD)}}))
    generated.fill_many(str(folder / "store.db"), hosts=2, volumes=3, observations=3, now=int(time.time()))
    return folder


def play(folder, *options, keywords=None, **arguments):
    """Run a play that reports and keeps the result; return (return code, output, result)."""
    report = {"foresight.capacity.report": {"store": str(folder / "store.db"), **arguments}, "run_once": True, "register": "answer"}
    keep = {
        "ansible.builtin.copy": {"content": "{{ answer | to_json }}", "dest": f"{folder}/result.json", "mode": "0600"},
        "delegate_to": "localhost", "vars": {"ansible_connection": "local"}, "run_once": True, "check_mode": False,
    }  # fmt: skip
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [report, keep], **(keywords or {})}]))
    (folder / "result.json").unlink(missing_ok=True)
    environment = {**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_NOCOLOR": "1"}
    command = [str(ANSIBLE_PLAYBOOK), "-i", "hosts.yml", "play.yml", *options]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    kept = folder / "result.json"
    return done.returncode, done.stdout + done.stderr, json.loads(kept.read_text()) if kept.exists() else None


def test_it_is_written_though_no_host_answers(site):
    code, output, answer = play(site, path=str(site / "live"), images=1)
    assert code == 0, output
    assert answer["changed"] is False
    assert [os.path.basename(path) for path in answer["files"]] == ["index.html", "volume-many1_vg0_v002.png", "groups.png"]
    assert answer["written"] == {"files": 3, "removed": 0}
    assert answer["summary"][-1] == f"Report: {site}/live/index.html"
    page = (site / "live" / "index.html").read_text()
    assert page.count('<tr class="volume') == 6
    assert "Never observed: dead." in page


def test_check_mode_writes_it_too_and_limit_narrows_it(site):
    code, output, answer = play(site, "--check", "--limit", "many0", path=str(site / "check"), images=0)
    assert code == 0, output
    assert answer["changed"] is False
    assert (site / "check" / "index.html").read_text().count('<tr class="volume') == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"path": "/proc/report"}, "Cannot write the report to /proc/report/index.html"),
        ({"path": "out", "plan": "0" * 64}, "holds no plan 000"),
        ({"path": "out", "store": "nowhere.db"}, "nowhere.db"),
        ({}, "path"),
    ],
)
def test_what_goes_wrong_is_told_without_a_traceback(site, arguments, told):
    code, output, _answer = play(site, **arguments)
    assert code == 2
    assert told in output
    assert "Traceback" not in output


def test_a_split_play_is_refused(site):
    code, output, _answer = play(site, path="out", keywords={"serial": 1})
    assert code == 2
    assert "serial" in output
