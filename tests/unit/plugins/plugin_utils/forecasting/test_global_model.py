# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import global_model, model_files
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.global_model import Job, answer, own_past, train

pytest.importorskip("torch")

HORIZON, SEASON, HOUR = 12, 1, 3600.0
NAN = float("nan")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    # Enough for what the tests need to see.
    monkeypatch.setattr(global_model, "MAX_WINDOWS", 300)
    steps(monkeypatch, 8)


def steps(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(global_model, "MIN_STEPS", count)
    monkeypatch.setattr(global_model, "MAX_STEPS", count)


def saws(rows: int = 12, length: int = 160, seed: int = 0) -> list[np.ndarray]:
    """Return series that are filled step by step and emptied when they are full: from where one is, all can be foreseen."""
    random = np.random.default_rng(seed)
    found = []
    for row in range(rows):
        top = random.integers(8, 20)
        found.append(2.0**row * (10.0 + (np.arange(length) + random.integers(0, top)) % top))
    return found


def job(values: list[np.ndarray], **changes: object) -> Job:
    return Job(values, None, SEASON, HORIZON, HOUR, 0)._replace(**changes)


def block(values: list[np.ndarray], width: int = 100) -> np.ndarray:
    return np.stack([np.r_[np.full(max(0, width - len(item)), NAN), item[-width:]] for item in values])


def ask(parameters: list[global_model.Parameters], values: np.ndarray, **changes: object) -> Distribution:
    options: dict[str, object] = {"season": SEASON, "ends": None, "step_seconds": HOUR} | changes
    return answer(parameters, values, own_past(values, season=SEASON, horizon=HORIZON), **options)  # type: ignore[arg-type]


@functools.cache
def learned() -> list[global_model.Parameters]:
    return train(job(saws()))


@pytest.fixture
def long_learned(monkeypatch: pytest.MonkeyPatch) -> list[global_model.Parameters]:
    steps(monkeypatch, 120)
    return train(job(saws()))


def loss(found: Distribution, came: np.ndarray) -> float:
    wrong = came[:, None, found.steps - 1] - found.values
    level = found.levels[None, :, None]
    return float(np.maximum(level * wrong, (level - 1) * wrong).mean())


def test_what_other_series_teach_is_known_of_one_that_was_never_seen(long_learned: list[global_model.Parameters]) -> None:
    fresh = [values / values.max() for values in saws(rows=20, seed=7)]
    past, came = block([values[:-HORIZON] for values in fresh]), np.stack([values[-HORIZON:] for values in fresh])
    own = own_past(past, season=SEASON, horizon=HORIZON)
    assert loss(ask(long_learned, past), came) < 0.7 * loss(own, came)


def test_forecasts_are_well_formed() -> None:
    random = np.random.default_rng(2)
    values = np.cumsum(random.standard_t(2, (30, 100)), axis=1) * 1e9
    values[0, :90] = NAN
    values[1, :-1] = NAN
    values[2, ::3] = NAN
    values[2, -1] = 5.0
    values[3] = 0.0
    values[4, 50:] = values[4, 50]
    found = ask(learned(), values)
    for part in (found.values, found.highest):
        assert np.isfinite(part).all()
        assert (np.diff(part, axis=1) >= 0).all()
    assert (found.highest >= found.values).all()
    assert (np.diff(found.highest, axis=2) >= 0).all()


def test_size_does_not_matter() -> None:
    values = block(saws(seed=3))
    found, larger = ask(learned(), values), ask(learned(), values * 2.0**40)
    assert np.allclose(found.values * 2.0**40, larger.values, rtol=1e-9)


def test_a_series_is_answered_alike_in_every_block() -> None:
    values = block(saws(seed=3))
    together, alone = ask(learned(), values), ask(learned(), values[4:5])
    assert np.allclose(together.values[4], alone.values[0], rtol=1e-5)


def test_what_never_moved_stays_exactly() -> None:
    values = np.full((1, 100), 3e11)
    found = ask(learned(), values)
    assert (found.values == 3e11).all()
    assert (found.highest == 3e11).all()


def test_where_the_past_stood_still_a_small_answer_is_none() -> None:
    # It moved once in the distant past: nearly all of its past changes are exactly none.
    values = np.r_[np.full(20, 1.0), np.full(300, 2.0)][None, :] * 1e9
    parameters = [{name: part * 0 for name, part in item.items()} | {"layout": item["layout"]} for item in learned()]
    for item in parameters:
        item["deviation"] += 1
        item["last_bias"][2 * 17 // 2 : 17 * 2] = 0.09
    assert (ask(parameters, values).values[:, :9] == 2e9).all()
    for item in parameters:
        item["last_bias"][2 * 17 // 2 : 17 * 2] = 0.3
    assert (ask(parameters, values).values[:, :9] > 2e9).all()


def test_the_held_out_end_is_not_looked_at() -> None:
    values = saws()
    changed = [np.r_[item[:-20], item[-20:] * 3 + np.arange(20)] for item in values]
    first, second, open_end = train(job(values, held_out=20)), train(job(changed, held_out=20)), train(job(changed))
    assert all(np.array_equal(first[0][name], second[0][name]) for name in first[0])
    assert not np.array_equal(first[0]["first_weight"], open_end[0]["first_weight"])


def test_training_is_the_same_for_the_same_seed_and_in_any_order() -> None:
    first, again, other = train(job(saws())), train(job(saws()[::-1])), train(job(saws(), seed=1))
    for number in range(global_model.NETWORKS):
        assert all(np.array_equal(first[number][name], again[number][name]) for name in first[number])
    assert not np.array_equal(first[0]["first_weight"], first[1]["first_weight"])
    assert not np.array_equal(first[0]["first_weight"], other[0]["first_weight"])


def test_too_little_to_learn_from_gives_nothing() -> None:
    assert train(job([])) == []
    assert train(job([np.arange(30.0)] * 5)) == []
    assert train(job([np.full(200, 5.0)] * 50)) == []
    assert train(job([np.full(200, NAN)] * 50)) == []


def test_very_many_series_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(global_model, "MAX_WINDOWS", 200)
    random = np.random.default_rng(0)
    values = [random.normal(size=60).cumsum() for _number in range(3000)]
    sampled = global_model._windows(job(values))
    assert 150 <= len(sampled.values) <= 200
    assert len({window.tobytes() for window in sampled.values}) == len(sampled.values)


def test_only_series_that_are_learned_from_go_to_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(global_model, "MAX_WINDOWS", 200)
    values = [*saws(60), np.arange(30.0)]
    whole = job(values, ends=np.arange(61.0) * HOUR)
    part = global_model.drawn(whole)
    assert len(part.values) == len(part.ends) == 50
    assert {int(end / HOUR) for end in part.ends} < set(range(60)), "the last one is too short"
    assert all(np.array_equal(one, values[int(end / HOUR)]) for one, end in zip(part.values, part.ends, strict=True))
    again = global_model.drawn(part)
    assert [one is other for one, other in zip(again.values, part.values, strict=True)] == [True] * 50
    for one, other in zip(train(whole), train(part), strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(global_model.drawn(whole._replace(seed=1)).ends, part.ends)


def test_windows_lie_all_over_the_past_and_end_before_their_future() -> None:
    values = np.arange(300.0)
    sampled = global_model._windows(job([values], ends=np.array([1e9]), held_out=30))
    presents = sampled.values[:, -1]
    assert np.array_equal(sampled.futures[:, 0], presents + 1)
    assert sampled.futures.max() == 300 - 30 - 1
    assert presents.min() == 26
    assert np.array_equal(sampled.ends, 1e9 - (299 - presents) * HOUR)
    # Of 243 possible presents all are taken; as many as have no common future: 243 / 12, and the first.
    assert len(presents) == 232
    assert sampled.apart == pytest.approx(1 + 231 / 12)


def test_more_that_is_apart_is_learned_from_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(global_model, "MIN_STEPS", 50)
    monkeypatch.setattr(global_model, "MAX_STEPS", 1500)
    found = [global_model.training_steps(apart) for apart in (10, 500, 2000, 5000, 1e6)]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (50, 1500)
    assert global_model.training_steps(5000, warm=True) == 450


def test_training_goes_on_from_parameters_that_fit_and_begins_anew_with_others() -> None:
    warm = train(job(saws(seed=1), begin=learned()))
    assert np.array_equal(warm[0]["mean"], learned()[0]["mean"])
    anew, foreign = train(job(saws(seed=1))), train(job(saws(seed=1), begin=[{"x": np.zeros(3, dtype=np.float32)}] * 2))
    assert not np.array_equal(warm[0]["mean"], anew[0]["mean"])
    assert all(np.array_equal(anew[0][name], foreign[0][name]) for name in anew[0])


def test_parameters_survive_a_file() -> None:
    content = model_files.to_bytes(learned()[0], {"kind": "global"})
    arrays, _header = model_files.from_bytes(content, kind="global")
    values = block(saws(seed=3))
    assert np.array_equal(ask([arrays, learned()[1]], values).values, ask(learned(), values).values)


@pytest.mark.parametrize(
    "foreign",
    [
        [],
        [{}, {}],
        [learned, "layout", np.array([0, 1, 12, 17], dtype=np.float32)],
        [learned, "layout", np.array([1, 24, 12, 17], dtype=np.float32)],
        [learned, "layout", np.array([1, 1, 13, 17], dtype=np.float32)],
        [learned, "mean", np.zeros(5, dtype=np.float32)],
        [learned, "last_weight", np.zeros((3, 64), dtype=np.float32)],
    ],
    ids=["none", "empty", "older", "season", "horizon", "features", "shape"],
)
def test_parameters_of_something_else_are_refused(foreign: list[object]) -> None:
    parameters = [item | {foreign[1]: foreign[2]} for item in learned()] if len(foreign) == 3 else foreign
    with pytest.raises(InputError, match=r"season of 1 and a horizon of 12 steps.*Train it anew"):
        ask(parameters, block(saws()))  # type: ignore[arg-type]


def test_the_hour_of_the_day_is_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    steps(monkeypatch, 80)
    # A jump every day at noon: only the clock says when, for the series' own steps are hidden in noise of the same size.
    random = np.random.default_rng(4)
    begins = random.integers(0, 24, 12)
    values = [random.normal(size=24 * 14) * 0.2 + 5.0 * ((np.arange(24 * 14) + begin) % 24 == 12) for begin in begins]
    ends = np.array([(24 * 14 - 1 + begin) * HOUR for begin in begins], dtype=np.float64)
    hourly = Job(values, ends, 24, 24, HOUR, 0)
    parameters = train(hourly)
    short = block([item[-80:] for item in values], width=80)
    found = answer(parameters, short, own_past(short, season=24, horizon=24), season=24, ends=ends, step_seconds=HOUR)
    noon = np.array([(12 - (23 + begin) % 24 - 1) % 24 for begin in begins])
    high = found.values[np.arange(12), 8, noon]
    assert (high > 2.0).all()
