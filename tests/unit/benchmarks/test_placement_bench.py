# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The benchmark of placement: what its tables say, and that its bounds are bounds."""

from __future__ import annotations

import gzip
import json
import sys

import placement_bench
import pytest
from placement_bounds import counted_moves, least_bytes, programmed_moves

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.exact import solve
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.shares import Shares
from support.random_clusters import GIB, random_cluster
from support.strategy_runs import settled, terms


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(placement_bench, "DATA", tmp_path)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["placement_bench.py", *arguments])
        assert placement_bench.main(placement_bench.read_arguments()) == 0
        return capsys.readouterr().out

    return command


def test_data_that_is_not_there_is_left_out_with_a_line(run, tmp_path):
    assert run() == f"Clusters left out: there is no folder {tmp_path / 'clusters'} (set FORESIGHT_DATA to the folder of data sets).\n"


def test_table_of_a_cluster(run, tmp_path):
    (tmp_path / "clusters").mkdir()
    document = {
        "nodes": [{"name": name, "cpu": 10.0, "memory": 100 * GIB, "maintenance": name == "c"} for name in "abc"],
        "guests": [
            {"id": f"{node}{number}", "node": node, "cpu": 1.0, "memory": 10 * GIB} for node, number in ("a0", "a1", "a2", "a3", "a4", "c0")
        ],
        "rules": [{"kind": "apart", "guests": ["a0", "a1"]}],
    }
    (tmp_path / "clusters" / "classic_s1.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    said = run("--strategies", "greedy_loose", "greedy").splitlines()
    assert (
        "Start: spread cpu 0.500, memory 0.500, 2 violations. For memory alone: B(0.05) = 28 GiB; moves at least 3 by counting, 3 by"
        in "\n".join(said)
    )
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in said if line.startswith("| greedy")]
    # The guest of c, and that of the two which must be apart, and one more to be even.
    assert [row[:7] for row in rows] == [
        ["greedy", "3", "30", "1.09", "0.000", "0.000", "0"],
        ["greedy_loose", "2", "20", "0.73", "0.200", "0.200", "0"],
    ]
    assert rows[0][8] == "1.0"
    assert "13x20_s1 left out: there is no" in "\n".join(said)


@pytest.mark.parametrize("seed", range(12))
def test_bounds_are_no_higher_than_what_is_best(seed):
    cluster = random_cluster(seed, 3, 14, plain=True, full=0.5)
    state = settled(cluster, target_spread=0.2)
    assert solve(state, terms(state))
    shares = Shares(state)
    if shares.excess(shares.of(state)):
        pytest.skip("no placement is within the spread")
    moves, size = state.cost(list(state.moved))
    memory = placement_bench.memory_of(read_cluster(cluster))
    assert counted_moves(memory, 0.2) <= moves
    assert programmed_moves(memory, 0.2) == (moves, True)
    assert least_bytes(memory, 0.2) <= size / GIB + 1e-6


def test_a_node_without_a_resource_has_no_share_of_it():
    nodes = [{"name": name, "cpu": 10, "memory": 10, "more": {"gpu": gpus}} for name, gpus in (("a", 4), ("b", 8), ("c", 0))]
    guests = [{"id": name, "node": name, "cpu": 1, "memory": 1, "more": {"gpu": gpus}} for name, gpus in (("a", 2), ("b", 3))]
    cluster = read_cluster({"nodes": nodes, "guests": guests})
    assert placement_bench.spread_of(cluster, cluster.home)[2] == pytest.approx(2 / 4 - 3 / 8)
