# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks on a Proxmox cluster out of balance: check mode, apply, and nothing left to do. The cluster's clock is held but for the moves."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests" / "tools"))
from with_sandbox import cluster


@pytest.fixture(scope="module")
def served():
    with cluster(clock=0) as one:
        yield one


@pytest.fixture
def play(served, tmp_path):
    inventory = tmp_path / "hosts.yml"
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(yaml.safe_dump({"all": {"children": {"foresight_clusters": {"hosts": {"sandbox-api": host}}}}}))
    extra = {
        "foresight_store": str(tmp_path / "store.db"),
        "foresight_plan_path": str(tmp_path / "plan.yml"),
        "report_path": str(tmp_path / "report"),
    }

    def run(name, *options, fails=False, **variables):
        # No faster than the moves need: while a busy machine starts the playbook the loads of the guests go on, and become another plan's.
        served.ctl("clock", "20" if name == "apply" and "--check" not in options else "hold")
        command = [
            str(pathlib.Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            str(inventory),
            f"foresight.capacity.{name}",
            *options,
        ]
        environment = {**os.environ, **served.environment, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
        answer = subprocess.run(
            [*command, "-e", json.dumps({**extra, **variables})], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (answer.returncode == 0) is not fails, answer.stdout + answer.stderr
        return answer.stdout

    run.report = (tmp_path / "report" / "index.html").read_text
    run.plan = lambda: yaml.safe_load((tmp_path / "plan.yml").read_text())
    return run


def changed(output):
    return sum(int(count) for count in re.findall(r"changed=(\d+)", output))


def nodes_of(served):
    """Return the node of each guest, as the cluster says."""
    import requests

    base, who = next(iter(served.bases.values())), served.environment
    token = f"PVEAPIToken={who['PROXMOX_USER']}!{who['PROXMOX_TOKEN_ID'].rpartition('!')[2]}={who['PROXMOX_TOKEN_SECRET']}"
    answer = requests.get(f"{base}/api2/json/cluster/resources", headers={"Authorization": token}, verify=served.ca, timeout=30)
    return {entry["id"]: entry["node"] for entry in answer.json()["data"] if entry["type"] in ("lxc", "qemu")}


def test_nothing_named_nothing_moved_then_all_of_it_once(play, served, tmp_path):
    everything = {
        "balance_manage": [{"match": "*"}],
        "balance_limits": {"windows": [{"from": "00:00", "to": "00:00"}]},
    }
    before = nodes_of(served)

    output = play("site", foresight_apply=True)
    assert (changed(output), nodes_of(served)) == (0, before)
    proposed = [entry for entry in play.plan()["proposals"] if entry["kind"] == "guest_migrate"]
    assert {entry["target"].removeprefix("guest:sandbox/") for entry in proposed} <= set(before)
    assert proposed

    play("observe")
    old = play("plan", fails=True, balance_max_observed_seconds=-1, **everything)
    assert "run foresight.capacity.observe first" in " ".join(old.split())
    play("plan", **everything)
    plan = play.plan()
    wanted = {**before, **{one["target"].removeprefix("guest:sandbox/"): one["to"]["node"] for one in plan["actions"]}}
    assert wanted != before

    rehearsed = play("apply", "--check", foresight_apply=True, foresight_plan=plan["id"], **everything)
    assert nodes_of(served) == before
    applied = play("apply", foresight_apply=True, foresight_plan=plan["id"], **everything)
    assert changed(rehearsed) == changed(applied) == 1
    assert nodes_of(served) == wanted

    told = play("report", foresight_plan=plan["id"])
    assert f"planned moves are done; limits broken {plan['before']['cluster:sandbox']['violations']} → 0" in " ".join(told.split())
    page = play.report()
    for guest in {one["target"].removeprefix("guest:sandbox/") for one in plan["actions"]}:
        assert f'<span class="name">{guest}</span>' in page
    assert all(node in page for node in set(wanted.values()))
    assert page.count(">applied</span>") == len(plan["actions"])
    assert (tmp_path / "report" / "cluster-sandbox.png").exists()

    output = play("site", foresight_apply=True, **everything)
    assert changed(output) == 0
    assert play.plan()["actions"] == []
    assert nodes_of(served) == wanted
