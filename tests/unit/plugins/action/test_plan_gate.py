# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""plan and plan_gate in real runs of ansible-playbook with two hosts (local connection)."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store

GIB = 1 << 30
ACTIONS = [
    {
        "kind": "lv_resize",
        "host": host,
        "target": f"lv:{host}/vg0/data",
        "expect": {"uuid": f"u-{host}", "size": GIB},
        "from": {"size": GIB},
        "to": {"size": 2 * GIB},
        "reason": "floor",
    }
    for host in ("web1", "web2")
]
STORE = "{{ store }}"
CHANGE = {
    "foresight.capacity.plan_gate": {
        "state": "done",
        "store": STORE,
        "results": "{{ [{'item': mine.actions[0], 'status': 'changed', 'changed': true, 'seconds': 0.5}] }}",
    },
    "when": "mine.actions | length > 0",
}


def keep(name):
    """Return a task that writes a registered variable to a file, in check mode too."""
    return {
        "ansible.builtin.copy": {
            "content": f"{{{{ {name} | to_json }}}}",
            "dest": f"{{{{ out }}}}/{name}.{{{{ inventory_hostname }}}}.json",
            "mode": "0600",
        },
        "check_mode": False,
        "changed_when": False,
    }


def play(*tasks, **keywords):
    return {"hosts": "all", "gather_facts": False, "tasks": list(tasks), **keywords}


PLAN = play(
    {
        "foresight.capacity.plan": {"store": STORE, "path": "{{ out }}/plan.yml", "actions": ACTIONS, "policy": {"headroom": 0.1}},
        "register": "made",
        "run_once": True,
    },
    {**keep("made"), "run_once": True},
)
OPEN = play(
    {
        "foresight.capacity.plan_gate": {
            "state": "open",
            "store": STORE,
            "plan": "{{ out }}/plan.yml",
            "lock_wait": "{{ wait | default(0) }}",
            "require_approval": "{{ strict | default(false) }}",
        },
        "register": "gate",
        "run_once": True,
    },
    {**keep("gate"), "run_once": True},
)
CHANGES = [
    {"foresight.capacity.plan_gate": {"state": "host", "store": STORE, "run_id": "{{ gate.run_id }}"}, "register": "mine"},
    keep("mine"),
]
CLOSE = play(
    {
        "foresight.capacity.plan_gate": {"state": "close", "store": STORE, "run_id": "{{ gate.run_id }}"},
        "register": "closed",
        "run_once": True,
    },
    {**keep("closed"), "run_once": True},
)
APPLY = [OPEN, play(*CHANGES, CHANGE, serial=1), CLOSE]
APPROVE = play(
    {
        "foresight.capacity.plan_gate": {"state": "approve", "store": STORE, "plan": "{{ out }}/plan.yml"},
        "register": "approved",
        "run_once": True,
    },
    {**keep("approved"), "run_once": True},
)


class Site:
    """A folder with inventory, store and playbooks."""

    def __init__(self, folder):
        self.folder = folder
        self.store = str(folder / "store.db")
        hosts = {host: {} for host in ("web1", "web2")}
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": variables}}))
        with open_store(self.store) as opened:
            opened.put_entities([EntityRow(f"host:{host}", f"host:{host}", "host", host, {"observed_at": 5}, 5) for host in hosts])

    def command(self, plays, *arguments, **variables):
        book = self.folder / "book.yml"
        book.write_text(yaml.safe_dump(plays))
        extra = {"store": self.store, "out": str(self.folder), **variables}
        program = pathlib.Path(sys.executable).with_name("ansible-playbook")
        return [str(program), "-i", str(self.folder / "hosts.yml"), str(book), "-e", json.dumps(extra), *arguments]

    def environment(self):
        return {**os.environ, "ANSIBLE_HOME": str(self.folder / "ansible"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}

    def run(self, plays, *arguments, fails=False, **variables):
        done = subprocess.run(
            self.command(plays, *arguments, **variables),
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        output = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, output
        return output

    def kept(self, name, host="web1"):
        return json.loads((self.folder / f"{name}.{host}.json").read_text())

    def states(self):
        plan = self.kept("made")["plan"]["id"]
        with open_store(self.store) as opened:
            row, progress = opened.load_plan(plan), opened.find_actions(plan)
            return row.state, {
                action["host"]: progress[action["id"]].state for action in row.document["actions"] if action["id"] in progress
            }


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_plan_apply_and_apply_again(site):
    output = site.run([PLAN, *APPLY])
    assert "changed=0" in output.split("PLAY RECAP")[1]
    made = site.kept("made")
    assert (made["changed"], made["written"]["plans"], made["plan"]["path"]) == (False, 1, str(site.folder / "plan.yml"))
    assert made["document"]["budgets"] == dict.fromkeys(["actions", "bytes", "growth_bytes", "growth_fraction", "failures"])
    assert site.kept("gate")["lease"]["scope"].startswith("inventory:")
    assert [action["host"] for action in site.kept("mine", "web2")["actions"]] == ["web2"]
    assert (site.kept("closed")["state"], site.states()) == ("applied", ("applied", {"web1": "applied", "web2": "applied"}))
    site.run(APPLY)
    assert site.states()[0] == "applied"


def test_limit_leaves_the_rest_for_another_run(site):
    site.run([PLAN])
    site.run(APPLY, "--limit", "web1")
    assert [(entry["host"], entry["reason"]) for entry in site.kept("gate")["pending"]] == [("web2", "not_in_play")]
    assert site.states() == ("partly_applied", {"web1": "applied", "web2": "pending"})
    site.run(APPLY, "--limit", "web2")
    assert site.states() == ("applied", {"web1": "applied", "web2": "applied"})


def test_check_mode_goes_all_the_way_and_leaves_no_trace_of_progress(site):
    site.run([PLAN, *APPLY], "--check")
    assert site.kept("made")["plan"]["check"] is True
    assert site.kept("gate")["lease"] is None
    assert len(site.kept("mine")["actions"]) == 1
    assert site.states() == ("proposed", {})
    assert "was made in check mode and is never applied" in site.run(APPLY, fails=True)


def test_check_mode_and_the_real_run_hand_out_the_same(site):
    site.run([PLAN])
    site.run(APPLY, "--check")
    assert site.states() == ("proposed", {})
    checked = site.kept("mine")["actions"]
    site.run(APPLY)
    assert site.kept("mine")["actions"] == checked
    assert site.states()[0] == "applied"


def test_approval_by_the_user_who_runs_it(site):
    site.run([PLAN])
    assert "is proposed, not approved" in site.run(APPLY, fails=True, strict=True)
    site.run([APPROVE, *APPLY], strict=True, awx_user_name="alice")
    assert site.kept("approved")["approved_by"] == "alice"
    assert site.states()[0] == "applied"


def test_a_user_without_a_name_is_asked_for_one(site):
    """A container that runs under any uid has no login name; here the variables that would tell one are emptied and the uid is unknown."""
    site.run([PLAN])
    code = f"import pwd, runpy, sys; pwd.getpwuid = {{}}.__getitem__; sys.argv = {site.command([APPROVE])!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    environment = {key: value for key, value in site.environment().items() if key not in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=site.folder, capture_output=True, text=True, check=False)
    assert "needed is a name (O(approved_by), foresight_approved_by)" in done.stdout + done.stderr
    assert site.states()[0] == "proposed"


def test_a_run_killed_in_the_middle_is_closed_by_the_next(site):
    site.run([PLAN])
    for name in ("reached", "hold"):
        os.mkfifo(site.folder / name)
    stuck = [{"ansible.builtin.raw": "echo here > {{ out }}/reached"}, {"ansible.builtin.raw": "cat {{ out }}/hold"}]
    slow = [OPEN, play(*CHANGES, *stuck, CHANGE, serial=1), CLOSE]
    killed = subprocess.Popen(
        site.command(slow), env=site.environment(), cwd=site.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert (site.folder / "reached").read_text() == "here\n"
        rival = site.run(APPLY, fails=True)
        assert f"process {killed.pid} on controller" in rival
    finally:
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    site.run(APPLY)
    # only now let the orphan of the killed run go on: it has nobody left to tell
    os.close(os.open(site.folder / "hold", os.O_RDWR | os.O_NONBLOCK))
    gate = site.kept("gate")
    assert gate["lease"]["taken_over_from"]["pid"] == killed.pid
    assert any("was cut off and is closed now" in line and "1 of its actions" in line for line in gate["summary"])
    assert site.states() == ("applied", {"web1": "applied", "web2": "applied"})


@pytest.mark.parametrize(("keyword", "value"), [("serial", 1), ("strategy", "free")])
def test_a_split_play_is_refused_where_the_whole_is_needed(site, keyword, value):
    assert f"(the keyword {keyword} of the play)" in site.run([{**PLAN, keyword: value}], fails=True)


def test_an_unknown_budget_is_told_by_name(site):
    wrong = play({"foresight.capacity.plan": {"store": STORE, "budgets": {"max_actions": 3}}, "run_once": True})
    assert "max_actions" in site.run([wrong], fails=True)
