# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import json

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import STRATEGIES
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify, verify_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate import simulate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate_cluster import PRESETS, find_cluster
from support.placement_views import by_hand

SMALL = {"nodes": [64, 64, 128], "guests_per_node": 6, "seed": 2}


def named(answer):
    return [path.rpartition("/")[2] for path in answer["files"]]


def test_files_and_the_answers_in_them(tmp_path):
    answer = simulate(synthetic=SMALL, path=str(tmp_path), policy={"target_spread": 0.1})
    assert named(answer) == ["index.html", "placement-foresight.png", "simulation.json", "cluster.json"]
    assert answer["written"] == {"files": 4, "unchanged": 0, "removed": 0}
    document = json.loads((tmp_path / "cluster.json").read_text())
    assert {key: value for key, value in document.items() if key != "digest"} == synthetic_cluster(**SMALL)
    told = json.loads((tmp_path / "simulation.json").read_text())
    assert told["cluster"] == {
        "name": "synthetic",
        "synthetic": True,
        "observed_at": None,
        "nodes": 3,
        "guests": len(document["guests"]),
        "rules": 0,
    }
    (one,) = told["strategies"]
    expected = cluster_balance(document, {"target_spread": 0.1})
    assert one["answer"]["moves"] == expected["moves"]
    assert verify(document, {**one["answer"], "seconds": 0}, {"target_spread": 0.1}) == []
    assert verify_waves(document, expected["moves"], one["ordered"], None) == []
    assert (one["moves"], one["waves"]) == (len(expected["moves"]), len(one["ordered"]))
    assert one["bytes"] == sum(move["cost"]["bytes"] for move in expected["moves"])
    assert one["figures"]["memory"]["after"]["spread"] == expected["after"]["spread"]["memory"]
    assert answer["simulation"]["strategies"][0]["figures"] == one["figures"]
    assert "answer" not in answer["simulation"]["strategies"][0]
    assert answer["summary"][0] == f"synthetic (synthetic data) has 3 nodes and {len(document['guests'])} guests."
    assert answer["summary"][-1] == f"Pictures: {tmp_path}/index.html"


def test_a_second_run_leaves_the_files_as_they_are(tmp_path):
    first = simulate(synthetic=SMALL, path=str(tmp_path), strategies=["foresight", "greedy"])
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    second = simulate(synthetic=SMALL, path=str(tmp_path), strategies=["foresight", "greedy"])
    assert second["written"] == {"files": 0, "unchanged": first["written"]["files"], "removed": 0}
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == before
    (tmp_path / "placement-greedy.png").unlink()
    assert simulate(synthetic=SMALL, path=str(tmp_path), strategies=["foresight", "greedy"])["written"]["files"] == 1


def test_what_a_former_simulation_drew_goes_and_other_files_stay(tmp_path):
    simulate(synthetic=SMALL, path=str(tmp_path), strategies=["foresight", "greedy"])
    (tmp_path / "placement-mine.png").write_bytes(b"mine")
    answer = simulate(synthetic={**SMALL, "seed": 3}, path=str(tmp_path), strategies=["foresight"])
    assert answer["written"] == {"files": 4, "unchanged": 0, "removed": 2}
    assert {path.name for path in tmp_path.iterdir()} == {*named(answer), "placement-mine.png"}


def test_a_strategy_that_cannot_says_so_and_stops_nobody(tmp_path):
    told = []
    answer = simulate(synthetic={"nodes": 8, "guests_per_node": 6}, strategies="all", path=str(tmp_path), progress=told.append)
    done = {one["strategy"]: one for one in answer["simulation"]["strategies"]}
    assert list(done) == list(STRATEGIES)
    assert "it takes up to" in done["exact"]["failed"]
    assert all("failed" not in one for name, one in done.items() if name != "exact")
    assert "placement-exact.png" not in named(answer)
    assert "comparison.png" in named(answer)
    row, why = (line for line in answer["summary"] if line.startswith("exact"))
    assert row.endswith("no answer")
    assert why == f"exact gave no answer. {done['exact']['failed']}"
    assert f"simulate: exact ({len(STRATEGIES)} of {len(STRATEGIES)}) …" in told
    assert len(told) == 2 * len(STRATEGIES)


@pytest.mark.parametrize("kind", ["json", "json.gz", "yml", "txt"])
def test_a_cluster_comes_out_of_a_file(tmp_path, kind):
    path = tmp_path / f"cluster.{kind}"
    text = yaml.safe_dump(by_hand()) if kind in ("yml", "txt") else json.dumps(by_hand())
    path.write_bytes(gzip.compress(text.encode()) if kind.endswith("gz") else text.encode())
    assert find_cluster(file=str(path)) == by_hand()
    answer = simulate(file=str(path), path=str(tmp_path / "out"))
    assert "cluster.json" not in named(answer), "it is there already"
    assert answer["simulation"]["strategies"][0]["violations"]["before"] == 2


def test_what_a_document_has_besides_is_passed_over(tmp_path):
    path = tmp_path / "cluster.yml"
    path.write_text("exported: 2026-11-22\n1: {2: x, y: z}\n" + yaml.safe_dump(by_hand()))
    assert simulate(file=str(path), path=str(tmp_path / "out"))["written"]["files"] == 3
    assert simulate(file=str(path), path=str(tmp_path / "out"))["written"]["files"] == 0


def test_other_goals_are_done_once(tmp_path):
    answer = simulate(
        synthetic=SMALL, goal="evacuate", policy={"goal_options": {"nodes": ["node01"]}}, strategies=["all"], path=str(tmp_path)
    )
    (one,) = answer["simulation"]["strategies"]
    assert one["moves"] > 0
    assert answer["simulation"]["policy"] == {"goal": "evacuate", "goal_options": {"nodes": ["node01"]}}
    assert "was done once" in answer["summary"][1]


@pytest.mark.parametrize("goal", ["repair_only", "consolidate", "headroom"])
def test_every_goal_has_a_picture(tmp_path, goal):
    assert named(simulate(synthetic=SMALL, goal=goal, path=str(tmp_path)))[1] == "placement-foresight.png"


def test_presets_are_what_their_names_say():
    assert len(find_cluster()["nodes"]) == 13
    assert find_cluster(preset="small", synthetic={"seed": 5}) != find_cluster(preset="small")
    ruled = find_cluster(preset="rules")
    assert sum(node["maintenance"] for node in ruled["nodes"]) == 2
    assert len(ruled["rules"]) > 50
    assert [len(find_cluster(preset=name, synthetic={"guests_per_node": 1})["nodes"]) for name in PRESETS] == [13, 3, 50, 50, 200, 1000]
    assert len(find_cluster(synthetic={"nodes": 4})["nodes"]) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"file": "/nowhere/cluster.json"}, r"Cannot read a cluster from /nowhere/cluster\.json: No such file or directory\. Needed .* \(O\(file\)\)"),
        ({"file": "{tmp}/list.json", "content": b"[1]"}, r"list\.json holds a list; needed is a mapping with nodes and guests \(O\(file\)\)"),
        ({"file": "{tmp}/empty.yml", "content": b""}, r"holds nothing"),
        ({"file": "{tmp}/other.json", "content": b'{"guests": [], "a": 1}'}, r"has no nodes, seen: guests, a; needed .*at least one node \(O\(file\)\)"),
        ({"cluster": {"nodes": []}}, r"cluster has no nodes, seen: nodes; needed .* \(O\(cluster\)\)"),
        ({"cluster": {"nodes": [{"name": "a"}]}}, r"Node a has no cpu \(O\(cluster\.nodes\[0\]\.cpu\)\)"),
        ({"cluster": {"nodes": []}, "file": "x"}, r"given more than once, by cluster and by file"),
        ({"preset": "big"}, r"There is no preset 'big'; needed is one of classic, small, .* \(O\(preset\)\)"),
        ({"synthetic": {"node": 3}}, r"unknown key 'node'; did you mean nodes"),
        ({"strategies": ["best"]}, r"best is no strategy; needed are names of foresight, greedy.*, or all \(O\(strategies\)\)"),
        ({"strategies": []}, r"No strategy was given"),
        ({"policy": {"strategy": "greedy"}}, r"The policy names the strategy 'greedy'; .*O\(strategies\)"),
        ({"policy": {"goal": "balance"}, "goal": "evacuate"}, r"The goal is 'evacuate', but that of the policy is 'balance'"),
        ({"policy": {"target": 1}}, r"unknown key 'target'"),
        ({"goal": "best"}, r"goal is 'best'.*needed is one of balance"),
        ({"strategies": ["exact"], "preset": "classic"}, r"^The strategy exact was asked to place"),
        ({"preset": "small", "goal": "evacuate", "policy": {"goal_options": {"nodes": ["x"]}}}, r"^There is no node 'x' to evacuate"),
        ({"bars": 0}, r"bars is 0; needed is 1 or more \(O\(bars\)\)"),
        ({"synthetic": SMALL, "path": "/proc/none"}, r"Cannot write the simulation to /proc/none/"),
    ],
)  # fmt: skip
def test_bad_input_tells_what_was_seen_and_what_is_needed(tmp_path, arguments, told):
    given = dict(arguments)
    if "content" in given:
        given["file"] = given["file"].replace("{tmp}", str(tmp_path))
        with open(given["file"], "wb") as file:
            file.write(given.pop("content"))
    folder = tmp_path / "out"
    with pytest.raises(InputError, match=told):
        simulate(**{"path": str(folder), **given})
    assert not folder.exists()
