# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate between real processes on a real store: exactly one passes, a killed one is replaced, a living one is waited for."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

SCRIPT = pathlib.Path(__file__).with_name("gate_process.py")


class Gate:
    """A process that opens the gate when told."""

    def __init__(self, **arguments):
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), json.dumps(arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def begin(self):
        self.process.stdin.write("begin\n")
        self.process.stdin.flush()

    def answer(self):
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.write("close\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def gate(store, gates):
    plan = gates.make(store)["plan"]["id"]
    started = []

    def start(**more):
        started.append(Gate(**gates.opening(store, plan, **more)))
        return started[-1]

    start.plan = plan
    yield start
    for one in started:
        one.end()


def test_of_several_at_once_exactly_one_passes(gate):
    rivals = [gate() for _number in range(4)]
    for one in rivals:
        one.begin()
    answers = [one.answer() for one in rivals]
    winners = [one for one, answer in zip(rivals, answers, strict=True) if "lease" in answer]
    assert len(winners) == 1
    for one, answer in zip(rivals, answers, strict=True):
        if one not in winners:
            assert f"process {winners[0].process.pid} on controller" in answer["error"]
            assert "foresight_lock_wait" in answer["error"]


def test_the_lease_of_a_killed_process_is_taken_over_at_once(gate, gates, store):
    first = gate(hand_to="web1")
    first.begin()
    run = first.answer()["run_id"]
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second = gate()
    second.begin()
    answer = second.answer()
    assert answer["lease"]["taken_over_from"]["pid"] == first.process.pid
    assert f"Took over the lease of run {run}: its process {first.process.pid} on this controller is gone." in answer["summary"]
    assert any(
        line.startswith(f"Run {run} was cut off and is closed now: plan {gate.plan[:12]} is partly_applied; 1 of its actions")
        for line in answer["summary"]
    )
    assert gates.states(store, gate.plan) == ("partly_applied", {"lv:web1/vg0/data": "unknown"})
    assert second.close()["state"] == "partly_applied"


def test_lock_wait_waits_for_the_other_run_to_end(gate):
    first, second = gate(), gate(lock_wait=60)
    first.begin()
    assert "lease" in first.answer()
    second.begin()
    assert first.close()["state"] == "proposed"
    assert second.answer()["lease"]["taken_over_from"] is None


def test_a_living_process_is_never_replaced_even_when_its_lease_ran_out(gate, gates):
    first, second = gate(lease_seconds=1), gate(now=gates.NOW + 500)
    first.begin()
    assert "lease" in first.answer()
    second.begin()
    assert f"process {first.process.pid} on controller" in second.answer()["error"]
