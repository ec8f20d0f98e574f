"""The playbook simulate as users run it: without an inventory, with one whose hosts are dead, twice, in check mode, and with input that is wrong."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from support.playbooks import ANSIBLE_PLAYBOOK, Playbooks

GIB = 2**30
# Two nodes; what is on the first is all there is.
DOCUMENT = {
    "cluster": "tiny",
    "nodes": [{"name": name, "cpu": 8, "memory": 64 * GIB} for name in ("one", "two")],
    "guests": [{"id": f"lxc/{number}", "node": "one", "cpu": 1, "memory": 8 * GIB} for number in range(100, 106)],
}


@pytest.fixture
def dead(tmp_path: Path) -> Playbooks:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        yaml.safe_dump({"all": {"hosts": {name: {"ansible_host": "127.0.0.1", "ansible_port": 9} for name in ("web1", "web2")}}})
    )
    return Playbooks(inventory, tmp_path / "store.db")


def test_it_runs_anywhere_without_an_inventory(tmp_path: Path) -> None:
    command = [
        str(ANSIBLE_PLAYBOOK),
        "foresight.capacity.simulate",
        "-e",
        "simulate_preset=small",
        "-e",
        "simulate_strategies=foresight,greedy",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    told = json.loads((tmp_path / "simulation" / "simulation.json").read_text())
    assert [one["strategy"] for one in told["strategies"]] == ["foresight", "greedy"]
    assert "simulate: greedy (2 of 2)" in done.stdout
    assert sorted(path.name for path in (tmp_path / "simulation").iterdir()) == [
        "cluster.json", "comparison.png", "index.html", "placement-foresight.png", "placement-greedy.png", "simulation.json",
    ]  # fmt: skip


def test_an_exported_cluster_twice_and_in_check_mode(dead: Playbooks, tmp_path: Path) -> None:
    (tmp_path / "tiny.yml").write_text(yaml.safe_dump(DOCUMENT))
    options = {"simulate_file": "tiny.yml", "simulate_path": "out", "simulate_policy": {"target_spread": 0.2}}
    checked = dead.run("simulate", "--check", "--diff", **options)
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    again = dead.run("simulate", "--limit", "web2", **options)
    assert [(run.returncode, run.changed) for run in (checked, again)] == [(0, 0), (0, 0)], "no host is contacted"
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == times
    assert "tiny has 2 nodes and 6 guests." in again.output
    (one,) = json.loads((tmp_path / "out" / "simulation.json").read_text())["strategies"]
    assert (one["moves"], one["bytes"], one["figures"]["memory"]["after"]["spread"]) == (3, 3 * 8 * GIB, 0.0)
    assert one["figures"]["memory"]["before"]["std"] == 24 * GIB


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"simulate_file": "nowhere.json"}, "Cannot read a cluster from"),
        ({"simulate_strategies": "best"}, "best is no strategy; needed are names of foresight"),
        ({"simulate_policy": {"target": 1}}, "unknown key 'target'"),
        ({"simulate_policy": [1]}, "simulate_policy"),
        ({"simulate_preset": "big"}, "needed is one of classic"),
    ],
)
def test_what_goes_wrong_is_told_without_a_traceback(dead: Playbooks, options: dict[str, object], told: str) -> None:
    run = dead.run("simulate", check=False, **options)
    assert run.returncode == 2
    assert told in run.output
    assert "Traceback" not in run.output
