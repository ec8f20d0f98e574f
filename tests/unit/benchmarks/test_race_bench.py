# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command of the race: what it refuses, what it keeps, and what its tables say."""

from __future__ import annotations

import sys

import pytest
import race_bench
import race_report
import race_ways


def figures(full=(0, 0), above=(0, 0), excess=100.0, resizes=10):
    return {"full": list(full), "above": list(above), "unserved": [0.0, 0.0], "excess": excess, "resizes": resizes, "exhausted": 0}


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the command with a folder of its own for what it keeps, and no data."""
    monkeypatch.setattr(race_bench, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(race_bench, "DATA", tmp_path)
    monkeypatch.setattr(race_ways, "OURS", "naive")

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["race_bench.py", *arguments])
        assert race_bench.main() == 0
        return capsys.readouterr()

    return command


def test_a_short_race_prints_its_tables_and_says_that_there_are_no_real_series(run, tmp_path):
    said = run("--quick", "--ways", "a,c", "--families", "steady,git checkouts")
    assert f"Real series left out: there is no {tmp_path / 'loaders.py'} (set FORESIGHT_DATA" in said.out
    assert "Tuning half, seeds 0, cut short. 5 volumes in 1 VGs, 12 ticks of 1 h after a warm-up of 336." in said.out
    lines = [line for line in said.out.splitlines() if line.startswith("| steady |")]
    assert [line.count("|") for line in lines] == [12, 12, 7, 9]
    assert "(c) ours, ticks of 3600 s, 5 volumes: 12 of 12 ticks" in said.err


def test_a_way_that_has_run_is_kept_and_not_run_again(run, monkeypatch):
    first = run("--quick", "--ways", "a", "--families", "steady")
    monkeypatch.setattr(race_bench, "_live", None)
    again = run("--quick", "--ways", "a", "--families", "steady")
    assert again.out == first.out
    with pytest.raises(TypeError):  # other terms are another race
        run("--tune", "--ways", "a", "--families", "steady", "--set", "volumes_headroom=0.2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "volumes_headroom=0.2"], "--set is for --tune"),
        (["--ways", "a,d"], "there is no d; there are a, b, c"),
        (["--families", "weekly"], "there is no weekly"),
    ],
)
def test_what_cannot_race_is_refused(arguments, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["race_bench.py", *arguments])
    with pytest.raises(SystemExit):
        race_bench.main()
    assert message in capsys.readouterr().err


def test_the_classic_way_says_what_it_lacks(monkeypatch, capsys):
    monkeypatch.setattr(race_ways, "MODELS", ("auto", "naive"))
    monkeypatch.setattr(sys, "argv", ["race_bench.py"])
    with pytest.raises(SystemExit):
        race_bench.main()
    assert (
        "(b) needs the model classic_lstm, which this forecast_panel does not have; --ways a,c runs the others" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        (figures(excess=70.0), figures(), "met"),
        (figures(excess=71.0), figures(), "missed: byte-hours"),
        (figures(excess=60.0, resizes=11), figures(), "missed: resizes"),
        (figures(full=(1, 0), above=(1, 0), excess=60.0), figures(full=(0, 5), above=(0, 5)), "missed: 100 %, 95 %"),
        (figures(above=(2, 9), excess=60.0), figures(above=(3, 0)), "missed: 95 %"),
        (figures(full=(1, 1), above=(1, 1), excess=60.0), figures(full=(1, 1), above=(1, 1)), "met"),
    ],
)
def test_the_goal_is_judged_with_and_without_exhausted_vgs(ours, theirs, verdict):
    table = race_report.goals({"steady": {"a": {"1": theirs}, "c": {"1": ours}}})
    for line in table.splitlines()[-2:]:
        assert line.endswith(f"| {verdict} |")


def test_the_classic_way_counts_among_those_to_be_beaten():
    results = {"steady": {"a": {"1": figures(full=(5, 0))}, "b": {"1": figures()}, "c": {"1": figures(full=(1, 0), excess=10.0)}}}
    assert race_report.goals(results).splitlines()[-1].endswith("| missed: 100 % |")


def test_medians_have_their_interval_over_the_seeds():
    results = {"steady": {"a": {str(seed): figures(full=(seed, 0)) for seed in range(21)}}}
    assert "| 10 [1, 19] |" in race_report.medians(results, {"a": "(a)"})
