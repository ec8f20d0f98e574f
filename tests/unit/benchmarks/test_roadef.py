# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machine reassignment: what moves cost and break is what a whole assignment costs and breaks, and no answer breaks anything."""

from __future__ import annotations

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
from roadef_search import Annealing, Terms, repair
from roadef_state import State

from support.reassignments import random_texts

seeds = st.integers(0, 2**32 - 1)


def steps(count):
    """Return a progress that is 1 after so many calls."""
    numbers = itertools.count()
    return lambda: next(numbers) / count


def wander(state, random, rounds, *, strict):
    """Make random moves, and yield each batch before it is made."""
    for number in range(rounds):
        process = random.integers(state.processes, size=40)
        if number % 2:
            moves = state.shifts(process, random.integers(state.machines, size=40), strict=strict)
        else:
            moves = state.swaps(process, random.integers(state.processes, size=40), strict=strict)
        yield moves
        if len(moves.process):
            state.apply(moves)


def after(state, moves, number):
    at = state.at.copy()
    source = at[moves.process[number]]
    at[moves.process[number]] = moves.target[number]
    if moves.back[number] >= 0:
        at[moves.back[number]] = source
    return at


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


@settings(max_examples=15, deadline=None)
@given(seeds, st.booleans())
def test_a_move_costs_what_the_whole_costs_more(seed, strict):
    instance = read_instance(*random_texts(seed))
    state = State(instance)
    for moves in wander(state, np.random.default_rng(seed), 8, strict=strict):
        for number in range(0, len(moves.process), 5):
            assert moves.cost[number] == instance.cost(after(state, moves, number)) - instance.cost(state.at)
    assert state.cost == instance.cost(state.at)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_strict_moves_break_nothing_alone_or_together(seed):
    instance = read_instance(*random_texts(seed))
    state = State(instance)
    assert instance.breaches(state.at) == []
    for moves in wander(state, np.random.default_rng(seed), 10, strict=True):
        assert all(not instance.breaches(after(state, moves, number)) for number in range(len(moves.process)))
        assert instance.breaches(state.at) == []
    assert instance.breaches(state.at) == []


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_what_is_broken_is_known_and_has_its_price(seed):
    instance = read_instance(*random_texts(seed, fill=0.9))
    state = State(instance)
    state.price, state.breach_price = np.arange(1.0, state.machines + 1), 7.0
    for moves in wander(state, np.random.default_rng(seed), 8, strict=False):
        now = float(state.price @ state.over) + 7.0 * state.services.breaches
        for number in range(0, len(moves.process), 5):
            then = State(instance, after(state, moves, number))
            assert moves.penalty[number] == float(state.price @ then.over) + 7.0 * then.services.breaches - now
        assert state.feasible == (not instance.breaches(state.at))


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_the_way_home_ends_where_nothing_is_broken(seed):
    instance = read_instance(*random_texts(seed, fill=0.9))
    state = State(instance)
    for _moves in wander(state, np.random.default_rng(seed), 20, strict=False):
        pass
    repair(state)
    assert instance.breaches(state.at) == []
    assert state.cost == instance.cost(state.at)


@pytest.mark.parametrize("relaxed", [0.0, 0.75])
def test_an_answer_breaks_nothing_and_costs_less(relaxed):
    instance = read_instance(*random_texts(5, processes=60, machines=8))
    found = Annealing(instance, 1, Terms(relaxed=relaxed))
    found.run(steps(200))
    assert instance.breaches(found.best) == []
    assert found.best_cost == instance.cost(found.best) < instance.cost(instance.home)
    again = Annealing(instance, 1, Terms(relaxed=relaxed))
    again.run(steps(200))
    assert (again.best == found.best).all()


def test_tiny_instances_are_solved():
    reached = []
    for seed in range(6):
        instance = read_instance(*random_texts(seed, processes=6, machines=3, fill=0.8))
        every = (np.array(at) for at in itertools.product(range(3), repeat=6))
        least = min(instance.cost(at) for at in every if not instance.breaches(at))
        found = Annealing(instance, 0, Terms())
        found.run(steps(300))
        assert found.best_cost >= least
        reached.append(found.best_cost == least)
    assert sum(reached) >= 5


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
