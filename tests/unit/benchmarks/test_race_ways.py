# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the three ways of the race plan: what the fixed threshold does, and what the others ask forecast_panel and allocate."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import race_ways
import yaml
from race_series import Replay, generated
from race_world import EXTENT, START, World

from ansible_collections.foresight.capacity.plugins.plugin_utils.engine import Engine
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import learned

ROOT = pathlib.Path(race_ways.__file__).resolve().parents[2]


def world_at(used, size, extents):
    """Return a VG whose volumes hold so much; in extents."""
    world = World([Replay("made", 1, 3600, 2, 2, np.outer(used, np.ones(4)) * EXTENT)])
    world.size, world.extents = np.array(size), np.array([extents])
    return world


def test_a_fixed_threshold_grows_what_is_above_it_by_a_fifth_or_back_to_it():
    world = world_at([80, 81, 96, 100, 10], [100] * 5, 10_000)
    assert race_ways.FixedThreshold(world).plan(world).tolist() == [0, 20, 20, 25, 0]


def test_the_last_to_grow_gets_what_is_left():
    world = world_at([90] * 5, [100] * 5, 550)
    assert race_ways.FixedThreshold(world).plan(world).tolist() == [20, 20, 10, 0, 0]


def test_the_policy_is_the_one_that_the_role_hands_over():
    tasks = yaml.safe_load((ROOT / "roles/volumes/tasks/plan.yml").read_text(encoding="utf-8"))
    said = next(
        task["ansible.builtin.set_fact"]["volumes_policy"] for task in tasks if "volumes_policy" in task.get("ansible.builtin.set_fact", {})
    )
    assert set(race_ways.POLICY) == set(said) - {"now"}
    for key, variable in race_ways.POLICY.items():
        assert variable in said[key]


def test_terms_are_the_defaults_of_the_role_and_tuning_changes_parts_of_them():
    defaults = yaml.safe_load((ROOT / "roles/volumes/defaults/main.yml").read_text(encoding="utf-8"))
    assert race_ways.role_terms() == defaults
    changed = race_ways.role_terms({"volumes_floor.step_fraction": 0.2, "volumes_headroom": 0.3})
    assert (changed["volumes_floor"]["step_fraction"], changed["volumes_headroom"]) == (0.2, 0.3)
    with pytest.raises(KeyError, match="volumes_headrom"):
        race_ways.role_terms({"volumes_headrom": 1})


class Seen:
    """Calls of the real forecast_panel with a candidate that needs no worker process."""

    def __init__(self, monkeypatch):
        self.calls, self.allocations = [], []
        panel, allocate = race_ways.forecast_panel, race_ways.allocate

        def forecast(histories, **options):
            self.calls.append((histories, options))
            return panel(histories, **{**options, "model": "naive"})

        def share(volumes, groups, policy):
            self.allocations.append((volumes, groups, policy))
            return allocate(volumes, groups, policy)

        monkeypatch.setattr(race_ways, "forecast_panel", forecast)
        monkeypatch.setattr(race_ways, "allocate", share)


def run(name, monkeypatch, families=("steady", "saw-tooth"), ticks=3):
    seen = Seen(monkeypatch)
    world = World([generated(family, 0, ticks) for family in families])
    way = race_ways.make_way(name, world, race_ways.role_terms(), Engine(workers=1))
    while not world.over:
        world.live(way.plan(world), way.reserve)
    return world, seen


def test_ours_asks_once_a_tick_for_the_window_and_quantile_of_the_role(monkeypatch):
    world, seen = run("c", monkeypatch)
    assert len(seen.calls) == len(seen.allocations) == world.ticks
    histories, options = seen.calls[-1]
    assert (options["model"], options["horizon"], options["step_seconds"]) == ("auto", 6, 3600)
    assert options["quantiles"] == (0.1, 0.5, 0.9)
    assert len(histories) == 10
    assert np.array_equal(np.stack(histories), world.shown[:, :-1])
    assert options["start"] == [float(world.now - 3600 * world.at)] * 10
    policy = seen.allocations[-1][2]
    assert policy == {**{key: race_ways.role_terms()[name] for key, name in race_ways.POLICY.items()}, "now": world.now - 3600}
    assert world.counts.resizes.sum() > 0


def test_the_classic_way_asks_for_the_median_of_one_tick_and_shares_proportionally(monkeypatch):
    _world, seen = run("b", monkeypatch)
    assert (seen.calls[0][1]["model"], seen.calls[0][1]["horizon"]) == ("classic_lstm", 1)
    volumes, _groups, policy = seen.allocations[0]
    assert policy["strategy"] == "proportional"
    assert {volume["forecast"]["quantile"] for volume in volumes} == {0.5}


def test_the_demand_is_the_peak_quantile_and_the_mean_that_of_the_history(monkeypatch):
    world, seen = run("c", monkeypatch, families=("steady",), ticks=1)
    histories, options = seen.calls[0]
    peak = race_ways.forecast_panel(histories, **options).peak[:, 2]
    volumes, groups, _policy = seen.allocations[0]
    assert [volume["demand_bytes"] for volume in volumes] == pytest.approx(peak.tolist())
    assert [volume["history_mean_bytes"] for volume in volumes] == pytest.approx(world.shown[:, :-1].mean(axis=1).tolist())
    assert groups[0]["reserve_extents"] == -(-int(world.extents[0]) // 20)


def test_equal_histories_are_forecast_once(monkeypatch):
    world, seen = run("c", monkeypatch, families=("steady", "steady"), ticks=1)
    assert (len(world.size), len(seen.calls[0][0])) == (10, 5)
    sizes = [volume["demand_bytes"] for volume in seen.allocations[0][0]]
    assert sizes[:5] == sizes[5:]


def test_models_go_from_tick_to_tick_until_they_fail_or_are_outgrown():
    models = race_ways._Models(2)
    past = np.tile(np.arange(100.0), (2, 1))
    levels = (0.1, 0.5, 0.9)
    good = {"weights": [["empirical", 1, 1.0]], "season": 1, "origins": 3, "values": 90, "pinball": 1.0, "reason": "best"}
    right = np.broadcast_to(np.arange(96.0, 102.0), (2, 3, 6)).copy()
    wrong = right.copy()
    wrong[1] += 1000.0
    for at in range(95, 99):
        models.keep(at, [good, good], wrong if at == 95 else right)
    assert models.usable(past, 99, levels, {1}) == [good, None]
    models.keep(99, [good, {**good, "reason": "chosen anew"}], right)
    models.keep(100, [{**good, "values": 50}, {**good, "origins": 0}], right)
    assert models.usable(past, 101, levels, {1}) == [None, None]


def test_a_choice_goes_with_what_the_series_of_its_season_have_in_common():
    models = race_ways._Models(1)
    choice = {"weights": [["empirical", 24, 1.0]], "season": 24, "origins": 3, "values": 90, "pinball": 1.0, "reason": "best"}
    models.keep(99, [choice], np.zeros((1, 3, 6)))
    past = np.zeros((1, 100))
    assert models.usable(past, 100, (0.1, 0.5, 0.9), {1, 24}) == [choice]
    assert models.usable(past, 100, (0.1, 0.5, 0.9), {1}) == [None]


def test_a_network_that_is_no_choice_goes_on_until_it_is_forgotten():
    models = race_ways._Models(1)
    network = {"classic_lstm": {"weights": np.zeros(3), "low": 0.0, "high": 1.0}}
    models.keep(99, [network], np.zeros((1, 3, 1)))
    assert models.usable(np.zeros((1, 400)), 100, (0.1, 0.5, 0.9), {}) == [network]
    models.forget()
    assert models.usable(np.zeros((1, 400)), 100, (0.1, 0.5, 0.9), {}) == [None]


class Learned:
    """A panel that has learned what series without a season have in common."""

    families: ClassVar[dict] = {1: learned(1, 6, [], [], [])}
    models: ClassVar[list] = [{"season": 1, "origins": 3}, None]


@pytest.mark.parametrize(
    ("hours", "length", "serves"), [(1, 337, True), (7 * 24, 400, True), (7 * 24 + 1, 400, False), (336, 672, False), (1, 672, False)]
)
def test_what_series_have_in_common_is_learned_anew_after_a_week_or_with_twice_the_values(hours, length, serves):
    families = race_ways._Families(3600, "auto")
    assert families.usable(START, np.zeros((2, 336))) == {}
    families.keep(START, np.zeros((2, 336)), Learned, {})
    found = families.usable(START + hours * 3600, np.zeros((2, length)))
    assert found == (Learned.families if serves else {})


def test_ours_hands_over_what_was_learned(monkeypatch):
    seen = Seen(monkeypatch)
    panel = race_ways.forecast_panel
    monkeypatch.setattr(race_ways, "forecast_panel", lambda histories, **how: replace(panel(histories, **how), families=Learned.families))
    world = World([generated("steady", 0, 2)])
    way = race_ways.make_way("c", world, race_ways.role_terms(), Engine(workers=1))
    while not world.over:
        world.live(way.plan(world), way.reserve)
    assert [options["families"] for _histories, options in seen.calls] == [{}, Learned.families]


def test_the_classic_network_is_trained_anew_after_half_a_warm_up(monkeypatch):
    forgotten = []
    monkeypatch.setattr(race_ways._Models, "forget", lambda self: forgotten.append(True))
    monkeypatch.setattr(race_ways, "forecast_panel", lambda histories, **options: _flat(histories, options))
    world = World([generated("steady", 0, 5)])
    world.warm_up, world.shown = 4, world.shown[:, -4:]
    world.use = world.use[:, -(4 + 5) :]
    way = race_ways.make_way("b", world, race_ways.role_terms())
    while not world.over:
        world.live(way.plan(world), way.reserve)
    assert len(forgotten) == 3  # before the first tick, the third and the fifth


def _flat(histories, options):
    count, levels = len(histories), len(options["quantiles"])
    last = np.array([history[-1] for history in histories])

    class Panel:
        quantiles = np.broadcast_to(last[:, None, None], (count, levels, options["horizon"]))
        peak = np.broadcast_to(last[:, None], (count, levels))
        status, method, models = ["ok"] * count, ["classic_lstm"] * count, [None] * count
        families: ClassVar[dict] = {}

    return Panel
