# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm, lstm_inputs, lstm_network, model_files
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.candidates import Empirical
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import Distribution, distribution
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import look_back

HORIZON = 13
NAN = float("nan")


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    # Enough for what the tests need to see.
    monkeypatch.setattr(lstm_network, "EPOCHS", 25)
    monkeypatch.setattr(lstm_network, "WARM_EPOCHS", 6)


def there_and_back(length: int = 160, rows: int = 1, seed: int = 0) -> np.ndarray:
    """Return series that a network can foresee and their past distribution cannot: each change is mostly the last one, taken back."""
    random = np.random.default_rng(seed)
    changes = random.normal(size=(rows, length)) * 1e9
    for column in range(1, length):
        changes[:, column] += -0.9 * changes[:, column - 1]
    return 1e12 + np.cumsum(changes, axis=1)


def mixed(length: int = 130) -> np.ndarray:
    random = np.random.default_rng(3)
    values = np.cumsum(random.standard_t(3, (6, length)), axis=1) * 1e9 + 1e12
    values[0] = there_and_back(length)[0]
    values[1] = 5e11
    values[2, :-40] = NAN
    values[3, random.random(length - 1).argsort()[:30]] = NAN
    values[4] = 1e9 * (np.arange(length) % 7) + 1e9
    values[5] = np.where(np.arange(length) < 90, 1e12, 3e12)
    return values


def both(values: np.ndarray, season: int = 1) -> tuple[lstm.Trained, Distribution]:
    trained = lstm.train(values, season=season, seed=1)
    return trained, lstm.forecast(trained.parameters, values, horizon=HORIZON, season=season, seed=1)


@functools.cache
def reference() -> tuple[lstm.Trained, Distribution]:
    return both(mixed())


def assert_well_formed(found: Distribution) -> None:
    assert np.isfinite(found.values).all()
    assert np.isfinite(found.highest).all()
    assert (np.diff(found.values, axis=1) >= 0).all()
    assert (np.diff(found.highest, axis=1) >= 0).all()
    assert (np.diff(found.highest, axis=2) >= 0).all()
    assert (found.highest >= found.values).all()


def test_what_can_be_foreseen_is_learned() -> None:
    values = there_and_back(220, rows=4)
    trained = lstm.train(values, season=1, seed=0)
    assert (trained.kept >= 0).all()
    assert (trained.error < 0.85 * trained.last_error).all()
    assert (np.nanmin(trained.curve[:, :, 1], axis=1) < 0.9 * trained.curve[:, 0, 1]).all()


def test_a_season_is_learned() -> None:
    random = np.random.default_rng(0)
    wave = 1e10 + 1e9 * np.sin(np.arange(24 * 9 + HORIZON) * 2 * np.pi / 24)
    values = wave[None, : 24 * 9] + 2e7 * random.normal(size=(2, 24 * 9))
    trained, found = both(values, season=24)
    assert_well_formed(found)
    middle = found.values[:, list(found.levels).index(0.5)]
    np.testing.assert_allclose(middle, np.tile(wave[24 * 9 :][found.steps - 1], (2, 1)), atol=2.5e8)
    assert (trained.error < 0.7 * trained.last_error).all()


def test_the_shape_of_what_is_trained() -> None:
    values = mixed()
    trained, found = reference()
    assert_well_formed(found)
    assert trained.actual.shape == trained.predicted.shape == trained.part.shape == values.shape
    np.testing.assert_array_equal(np.isnan(trained.actual), np.isnan(values))
    assert (trained.part[np.isnan(values)] == 0).all()
    shares = [(trained.part[0] == part).mean() for part in (lstm_inputs.TRAIN, lstm_inputs.VALIDATION, lstm_inputs.TEST)]
    np.testing.assert_allclose(shares, [0.7, 0.15, 0.15], atol=0.01)
    assert (np.diff(trained.part[0]) >= 0).all()
    test = trained.part[0] == lstm_inputs.TEST
    before = values[0, np.flatnonzero(test) - 1]
    assert trained.last_error[0] == pytest.approx(np.abs(values[0, test] - before).mean())
    assert trained.error[0] == pytest.approx(np.abs(values[0, test] - trained.predicted[0, test]).mean())
    assert all(array.dtype == np.float32 for name, array in trained.parameters.items() if name not in ("shift", "scale"))


def test_no_correction_is_the_own_past_to_the_last_digit() -> None:
    values = there_and_back(90)
    trained = lstm.train(values, season=1, seed=0)
    none = {name: np.zeros_like(array) if name.startswith("output") else array for name, array in trained.parameters.items()}
    found = lstm.forecast(none, values, horizon=HORIZON, season=1, seed=1)
    own = distribution(Empirical(look_back(values, season=1, horizon=HORIZON, seed=1, dense=lstm.DENSE_STARTS)), horizon=HORIZON)
    np.testing.assert_array_equal(found.values, own.values)
    np.testing.assert_array_equal(found.highest, own.highest)
    np.testing.assert_array_equal(found.steps, own.steps)


def test_nothing_to_foresee_is_not_made_worse() -> None:
    values = 1e12 + 1e9 * np.cumsum(np.random.default_rng(5).normal(size=(6, 160)), axis=1)
    trained = lstm.train(values, season=1, seed=0)
    assert (trained.error <= 1.1 * trained.last_error).all()
    assert np.mean(trained.error / trained.last_error) <= 1.05


def test_a_series_gets_the_same_numbers_alone_as_among_others() -> None:
    values = mixed()
    trained, found = reference()
    for row in (0, 2, 3, 4):
        known = values[row, int(np.argmax(~np.isnan(values[row]))) :]
        alone, its = both(known[None])
        assert alone.kept[0] == trained.kept[row]
        size = np.nanmax(np.abs(known))
        np.testing.assert_allclose(its.values[0], found.values[row], rtol=0, atol=1e-5 * size)
        np.testing.assert_allclose(its.highest[0], found.highest[row], rtol=0, atol=1e-5 * size)
        np.testing.assert_allclose(alone.predicted[0], trained.predicted[row, -len(known) :], rtol=0, atol=1e-5 * size)


def test_the_order_of_the_series_does_not_matter() -> None:
    order = np.array([4, 2, 0, 5, 1, 3])
    _trained, found = both(mixed()[order])
    np.testing.assert_allclose(found.values, reference()[1].values[order], rtol=1e-5)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lstm, "_BLOCK_VALUES", 300)
    trained, found = both(mixed())
    np.testing.assert_allclose(found.values, reference()[1].values, rtol=1e-5)
    assert trained.curve.shape[0] == 6


def test_the_same_seed_gives_the_same_numbers() -> None:
    trained, found = both(mixed())
    np.testing.assert_array_equal(found.values, reference()[1].values)
    for name, array in trained.parameters.items():
        np.testing.assert_array_equal(array, reference()[0].parameters[name])
    other = lstm.train(mixed(), season=1, seed=2)
    assert (other.parameters["input_weight"] != trained.parameters["input_weight"]).any()


@pytest.mark.parametrize(("factor", "offset"), [(1000.0, 7e12), (2.0**-80, 0.0), (2.0**200, 0.0), (1.0, -3e12)])
def test_size_and_level_do_not_matter(factor: float, offset: float) -> None:
    values = mixed()[[0, 3, 4]]
    _trained, found = both(values * factor + offset)
    np.testing.assert_allclose((found.values - offset) / factor, reference()[1].values[[0, 3, 4]], rtol=1e-4)


def test_a_constant_series_stays() -> None:
    _trained, found = both(np.full((2, 60), [[3.5], [-7e15]]))
    assert (found.values == np.array([3.5, -7e15])[:, None, None]).all()
    assert (found.highest == np.array([3.5, -7e15])[:, None, None]).all()


def test_a_line_goes_on() -> None:
    _trained, found = both((1e12 + 3e9 * np.arange(80.0))[None])
    np.testing.assert_allclose(found.values[0], np.tile(1e12 + 3e9 * (79 + found.steps), (len(found.levels), 1)), rtol=1e-9)


@given(
    values=hnp.arrays(
        np.float64, st.tuples(st.just(2), st.integers(2, 60)), elements=st.one_of(st.floats(-1e15, 1e15), st.just(NAN), st.just(0.0))
    ),
    season=st.sampled_from([1, 7]),
)
@settings(max_examples=25, deadline=None)
def test_any_history_has_an_answer(values: np.ndarray, season: int) -> None:
    values[:, -1] = np.nan_to_num(values[:, -1])
    trained, found = both(values, season=season)
    assert_well_formed(found)
    assert np.isfinite(np.concatenate([array.ravel() for array in trained.parameters.values()])).all()


def test_one_and_two_values() -> None:
    trained, found = both(np.array([[NAN, 4.0], [3.0, 4.0], [NAN, -1.0]]))
    assert_well_formed(found)
    assert (found.values[[0, 2]] == np.array([4.0, -1.0])[:, None, None]).all()
    assert (trained.kept == -1).all()
    assert np.isnan(trained.error).all()


def test_no_series() -> None:
    trained, found = both(np.empty((0, 5)))
    assert found.values.shape[0] == trained.error.shape[0] == 0


def test_training_goes_on_from_stored_parameters() -> None:
    values = there_and_back(220, rows=2)
    first = lstm.train(values, season=1, seed=0)
    stored = [
        model_files.from_bytes(model_files.to_bytes(lstm.one_of(first.parameters, row), {"kind": "lstm"}), kind="lstm")[0] for row in (0, 1)
    ]
    warm = lstm.train(values, season=1, seed=0, start=[stored[0], None])
    assert np.isfinite(warm.curve[0, :, 1]).sum() <= lstm_network.WARM_EPOCHS
    kept = first.curve[0, first.kept[0], 1]
    # The states of the chunks are those of one epoch before, so the loss is near to what it was, and not the same.
    assert np.nanmin(warm.curve[0, :, 1]) <= 1.05 * kept
    np.testing.assert_array_equal(warm.parameters["output_weight"][1], first.parameters["output_weight"][1])


def test_stored_parameters_of_something_else_are_not_used() -> None:
    values = there_and_back(120)
    first = lstm.one_of(lstm.train(values, season=1, seed=0).parameters, 0)
    cold = lstm.train(values, season=1, seed=5)
    broken = {**first, "bias": np.full_like(first["bias"], NAN)}
    for start in ({**first, "scale": first["scale"] * 1e3}, broken, {"weight": np.zeros(3)}):
        anew = lstm.train(values, season=1, seed=5, start=[start])
        np.testing.assert_array_equal(anew.parameters["input_weight"], cold.parameters["input_weight"])


def test_the_order_of_stored_parameters_does_not_matter() -> None:
    parameters = reference()[0].parameters
    turned = {name: parameters[name] for name in reversed(parameters)}
    found = lstm.forecast(turned, mixed(), horizon=HORIZON, season=1, seed=1)
    np.testing.assert_array_equal(found.values, reference()[1].values)


def test_more_history_needs_no_training() -> None:
    values = there_and_back(200, rows=2)
    trained = lstm.train(values[:, :160], season=1, seed=0)
    found = lstm.forecast(trained.parameters, values, horizon=3, season=1, seed=0)
    assert_well_formed(found)
    fewer = lstm.forecast(lstm.stacked([lstm.one_of(trained.parameters, 1)]), values[1:], horizon=3, season=1, seed=0)
    np.testing.assert_allclose(fewer.values[0], found.values[1], rtol=1e-5)


def test_a_gap_at_the_end_is_passed_over() -> None:
    parameters = reference()[0].parameters
    after, whole = (lstm.forecast(parameters, mixed(), horizon=5 - gap, gap=gap, season=1, seed=1) for gap in (2, 0))
    np.testing.assert_allclose(after.values, whole.values[:, :, 2:], rtol=1e-12)


def test_wrong_parameters_are_refused() -> None:
    trained = reference()[0]
    with pytest.raises(InputError, match="another network, number of series or season"):
        lstm.forecast(trained.parameters, mixed()[:2], horizon=3, season=1, seed=0)
    with pytest.raises(InputError, match="another network, number of series or season"):
        lstm.forecast(trained.parameters, mixed(), horizon=3, season=24, seed=0)
    with pytest.raises(InputError, match="1 for 6 series"):
        lstm.train(mixed(), season=1, seed=0, start=[None])


def test_what_comes_later_is_not_known_before() -> None:
    values = there_and_back(150)
    scaler = lstm_inputs.scaler_of(values, lstm_inputs.parts(values))
    changed = values.copy()
    changed[:, 100:] *= 3.0
    np.testing.assert_allclose(
        lstm_inputs.inputs(values, scaler, 24)[:, :100], lstm_inputs.inputs(changed, scaler, 24)[:, :100], rtol=1e-4, atol=1e-4
    )


def test_the_slope_that_is_written_out_is_the_slope_of_the_loss() -> None:
    torch = pytest.importorskip("torch")
    values = mixed()[[0, 4]]
    part = lstm_inputs.parts(values)
    scaler = lstm_inputs.scaler_of(values, part)
    targets, belongs = lstm_inputs.targets(values, scaler, 1), lstm_inputs.part_of_targets(part, 1)
    lessons = lstm_network.Lessons(
        lstm_inputs.inputs(values, scaler, 1),
        np.ones(values.shape, dtype=bool),
        targets,
        lstm_inputs.usual(targets, belongs == lstm_inputs.TRAIN, lstm_network.LEVELS, 1),
        belongs == lstm_inputs.TRAIN,
        belongs == lstm_inputs.VALIDATION,
    )
    begin = np.tile(lstm_network.beginning(3, targets.shape[2], 0), (2, 1))
    work = lstm_network._Work(lessons, begin, np.array([1, 1]), torch.device("cpu"))
    generator = torch.Generator().manual_seed(0)
    answer = torch.randn((*targets.shape, 3), generator=generator).requires_grad_()
    train, _validation, slope = work._losses(answer)
    (wanted,) = torch.autograd.grad(train.sum(), answer)
    torch.testing.assert_close(slope.detach(), wanted, rtol=1e-3, atol=1e-6)


def test_hindsight_is_what_training_said() -> None:
    for season in (1, 24):
        values = mixed()
        trained = lstm.train(values, season=season, seed=1)
        predicted, part = lstm.hindsight(trained.parameters, values, season=season)
        np.testing.assert_array_equal(predicted, trained.predicted)
        np.testing.assert_array_equal(part, trained.part)


def test_parameters_for_values_of_another_size() -> None:
    trained, _found = reference()
    one = lstm.one_of(trained.parameters, 0)
    larger = lstm.rescaled(one, 5)
    assert (larger["shift"], larger["scale"]) == (32 * one["shift"], 32 * one["scale"])
    assert all(larger[name] is one[name] for name in lstm_network.NAMES)
    back = lstm.rescaled(larger, -5)
    assert (back["shift"], back["scale"]) == (one["shift"], one["scale"])


def test_what_fits_a_network() -> None:
    one = lstm.one_of(reference()[0].parameters, 0)
    assert lstm.fits(one, 1)
    assert not lstm.fits(one, 24), "another season"
    assert not lstm.fits({name: array for name, array in one.items() if name != "bias"}, 1)
    assert not lstm.fits({**one, "scale": np.float64("nan")}, 1)


def test_networks_are_computed_with_one_thread_and_others_are_left_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    real = lstm_network.run

    def look(*tensors: object) -> object:
        seen.append(torch.get_num_threads())
        return real(*tensors)

    monkeypatch.setattr(lstm_network, "run", look)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        both(mixed()[:1])
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
