# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machine reassignment: what moves cost and break is what a whole assignment costs and breaks, and no answer breaks anything."""

from __future__ import annotations

import importlib.util
import itertools
import lzma
import re
import sys

import numpy as np
import pytest
import roadef_bench
from hypothesis import given, settings
from hypothesis import strategies as st
from roadef_instance import read_instance

from support.reassignments import random_texts

pytest.importorskip("numba", reason="the search of machine reassignment is compiled by numba (requirements-test.txt)")

from roadef_proposals import push, rearrange, shift, swap
from roadef_search import STYLES, Annealing
from roadef_state import State, state_of

seeds = st.integers(0, 2**32 - 1)


def steps(count):
    """Return a progress that is 1 after so many calls."""
    numbers = itertools.count()
    return lambda: next(numbers) / count


def copy(state):
    return State(*(part.copy() if isinstance(part, np.ndarray) else part for part in state))


def propose(state, random, word, limit):
    """Make one random proposal of any kind; return whether it was made."""
    kind, one, two = random.integers(4), *random.integers(len(state.at), size=2)
    machine = random.integers(len(state.cost))
    if kind == 0:
        return shift(state, one, machine, limit)
    if kind == 1:
        return swap(state, one, two, limit)
    if kind == 2:
        return push(state, one, two, machine, limit)
    return rearrange(state, word, one, machine, limit, 2, np.zeros((2, len(state.at)), dtype=np.int64))


def assert_is(state, other):
    """Every part of a state is that of another, but for the order in which a machine's processes are linked."""
    linked = {"first", "after", "before"}
    for name, part in state._asdict().items():
        assert name in linked or np.array_equal(part, getattr(other, name)), name
    assert [inside(state, machine) for machine in range(len(state.cost))] == [inside(other, machine) for machine in range(len(state.cost))]


def inside(state, machine):
    found, process = [], state.first[machine]
    while process >= 0:
        found.append(int(process))
        assert state.at[process] == machine
        assert state.after[process] < 0 or state.before[state.after[process]] == process
        process = state.after[process]
    return sorted(found)


def test_the_cost_of_an_example():
    # Two machines, two resources, the second transient; processes 0 and 1 of service 0, process 2 of service 1, which needs service 0.
    model = "2 0 10 1 1  2  0 0 10 10 4 4 0 3  1 1 10 10 4 4 2 0  2  1 0  1 1 0  3  0 3 3 5  0 2 2 6  1 4 1 7  1 0 1 2 10  1 100 10"
    instance = read_instance(model, "0 1 0")
    assert instance.breaches(instance.home) == []
    # Loads 7, 4 and 2, 2: 3 over the first safety capacity; free 3, 6 and 8, 8: the second machine lacks 8 for two of each.
    assert instance.cost(instance.home) == 3 * 10 + 8 * 10
    # Process 2 moves: loads 3, 3 and 6, 3; free 7, 7 and 4, 7; the process 7, its service 100, between the machines 3 × 10.
    assert instance.cost(np.array([0, 1, 1])) == 2 * 10 + (7 + 1) * 10 + 7 + 100 + 30
    assert instance.breaches(np.array([0, 1, 1])) == []
    assert instance.breaches(np.array([1, 1, 0])) == ["conflict", "dependency"]


@settings(max_examples=25, deadline=None)
@given(seeds, st.sampled_from([0.7, 0.9]))
def test_what_is_made_breaks_nothing_and_costs_what_the_whole_costs_more(seed, fill):
    instance = read_instance(*random_texts(seed, fill=fill))
    state, random, word = state_of(instance, instance.home), np.random.default_rng(seed), np.array([seed + 1], dtype=np.uint64)
    for _number in range(150):
        if propose(state, random, word, np.inf):
            assert instance.breaches(state.at) == []
            assert state.total[0] == instance.cost(state.at)
    assert_is(state, state_of(instance, state.at))


@settings(max_examples=25, deadline=None)
@given(seeds)
def test_a_proposal_is_made_up_to_what_it_costs_and_else_changes_nothing(seed):
    instance = read_instance(*random_texts(seed))
    state = state_of(instance, instance.home)
    for number in range(80):
        before, word = copy(state), np.array([number + 1], dtype=np.uint64)
        if not propose(state, np.random.default_rng([seed, number]), word, np.inf):
            assert_is(state, before)
            continue
        cost = state.total[0] - before.total[0]
        for limit, made in ((cost, True), (cost - 1, False)):
            again = copy(before)
            assert propose(again, np.random.default_rng([seed, number]), np.array([number + 1], dtype=np.uint64), limit) == made
            assert_is(again, state if made else before)


def test_a_process_as_big_as_a_machine_gets_one_by_rearranging():
    # Two machines of 10, one of them safe up to 9 and one up to 5: the process of 8 belongs on the first, where two of 4 and 1 are.
    model = "1 0 1 2  0 0 10 9 0 0  0 1 10 5 0 0  3  1 0  1 0  1 0  3  0 8 0  1 4 0  2 1 0  0 0 0 0"
    instance = read_instance(model, "1 0 0")
    state, scratch = state_of(instance, instance.home), np.zeros((2, 3), dtype=np.int64)
    assert instance.cost(instance.home) == 3
    assert rearrange(state, np.array([1], dtype=np.uint64), 0, 0, -1.0, 0, scratch)
    assert instance.cost(state.at) == 0
    assert state.at[:2].tolist() == [0, 1]


@pytest.mark.parametrize("terms", STYLES)
def test_an_answer_breaks_nothing_and_costs_less(terms):
    instance = read_instance(*random_texts(5, processes=60, machines=8))
    found = Annealing(instance, 1, terms)
    found.run(steps(5))
    assert instance.breaches(found.best) == []
    assert found.best_cost == instance.cost(found.best) < instance.cost(instance.home)
    again = Annealing(instance, 1, terms)
    again.run(steps(5))
    assert (again.best == found.best).all()


def test_tiny_instances_are_solved():
    for seed in range(6):
        instance = read_instance(*random_texts(seed, processes=6, machines=3, fill=0.8))
        every = (np.array(at) for at in itertools.product(range(3), repeat=6))
        least = min(instance.cost(at) for at in every if not instance.breaches(at))
        found = Annealing(instance, 0, STYLES[0])
        found.run(steps(5))
        assert found.best_cost == least


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(roadef_bench, "DATA", tmp_path)

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["roadef_bench.py", *arguments])
        assert roadef_bench.main(roadef_bench.read_arguments()) == 0
        return capsys.readouterr().out

    return command


def test_data_that_is_not_there_is_left_out_with_a_line(run, tmp_path):
    folder = tmp_path / "roadef2012"
    assert run() == f"Machine reassignment left out: there is no folder {folder} (set FORESIGHT_DATA to the folder of data sets).\n"


def test_a_search_that_cannot_be_compiled_is_left_out_with_a_line(run, tmp_path, monkeypatch):
    (tmp_path / "roadef2012").mkdir()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run() == "Machine reassignment left out: numba is missing (python -m pip install -r requirements-test.txt).\n"


def test_table_of_an_instance(run, tmp_path):
    folder = tmp_path / "roadef2012" / "A"
    folder.mkdir(parents=True)
    texts = random_texts(3)
    for kind, text in zip(("model", "assignment"), texts, strict=True):
        with lzma.open(folder / f"{kind}_a1_2.txt.xz", "wt") as file:
            file.write(text)
    instance = read_instance(*texts)
    initial = instance.cost(instance.home)
    reference = f"instance,initial_cost,lower_bound_wjaskowski,team_S41_300s_cost\na1_2,{initial},0,{initial}\n"
    (folder.parent / "reference_costs.csv").write_text(reference)
    said = run("--instances", "a1_2", "--seconds", "0.3", "--workers", "1")
    score = re.search(r"\| a1_2 \| (-\d+\.\d\d) \|", said)[1]
    assert f"| a1 | 1 | {score} | ≤ 0.1 | reached |" in said
