# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classic_lstm
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.classic_lstm import HIDDEN, predict, train

NAN = float("nan")


def forecast(values: np.ndarray, *, horizon: int, seed: int, epochs: int) -> np.ndarray:
    return predict(train(values, seed=seed, epochs=epochs), values, horizon=horizon)


def waves(length: int = 70) -> np.ndarray:
    return 1e12 + 1e11 * np.sin(np.arange(length) / 3.0)[None, :] * np.array([[1.0], [0.5], [-2.0]])


def test_it_learns_a_wave() -> None:
    values = waves(100)
    model = train(values[:, :80], seed=0, epochs=60)
    found = np.stack([predict(model, values[:, : 80 + k], horizon=1)[:, 0] for k in range(20)], axis=1)
    assert (np.abs(found - values[:, 80:]).mean(axis=1) < np.abs(np.diff(values[:, 79:])).mean(axis=1)).all()


def test_its_answer_is_that_of_the_same_network_in_torch() -> None:
    values = waves()
    model = train(values, seed=3, epochs=2)
    weight, recurrent, bias, output, shift = classic_lstm._layers(torch.from_numpy(model.flat))
    cell = torch.nn.LSTM(1, HIDDEN, batch_first=True)
    # torch orders the gates input, forget, cell, output; ours are input, forget, output, cell.
    order = torch.cat([torch.arange(2 * HIDDEN), torch.arange(3 * HIDDEN, 4 * HIDDEN), torch.arange(2 * HIDDEN, 3 * HIDDEN)])
    row = 1
    low, high = values[row].min(), values[row].max()
    with torch.no_grad():
        cell.weight_ih_l0.copy_(weight[row].T[order])
        cell.weight_hh_l0.copy_(recurrent[row].T[order])
        cell.bias_ih_l0.copy_(bias[row, 0][order])
        cell.bias_hh_l0.zero_()
        window = torch.from_numpy((values[row, -6:] - low) / (high - low) * 2 - 1).float()
        for _step in range(4):
            hidden = cell(window[None, -6:, None])[0][:, -1]
            window = torch.cat([window, (hidden @ output[row] + shift[row])[0]])
    wanted = (window[6:].numpy().astype(float) + 1) / 2 * (high - low) + low
    np.testing.assert_allclose(predict(model, values, horizon=4)[row], wanted, rtol=1e-5)


def test_weights_of_an_earlier_time_serve_the_last_six_values() -> None:
    values = waves()
    model = train(values[:, :60], seed=0, epochs=2)
    np.testing.assert_allclose(predict(model, values, horizon=1), predict(model, values[:, -6:], horizon=1), rtol=1e-12)
    np.testing.assert_allclose(predict(model, values, horizon=3)[:, :1], predict(model, values, horizon=1), rtol=1e-6)


def test_a_series_gets_the_same_numbers_alone_as_among_others() -> None:
    values = waves()
    values[1, :40] = NAN
    values[2, [0, 30, 31]] = NAN
    together = forecast(values, horizon=3, seed=0, epochs=3)
    alone = np.concatenate([forecast(values[1:2, 40:], horizon=3, seed=0, epochs=3), forecast(values[2:, 1:], horizon=3, seed=0, epochs=3)])
    np.testing.assert_allclose(alone, together[1:], rtol=1e-6)
    np.testing.assert_array_equal(together, forecast(values, horizon=3, seed=0, epochs=3))
    np.testing.assert_allclose(together[::-1], forecast(values[::-1], horizon=3, seed=0, epochs=3), rtol=1e-6)


def test_size_and_level_do_not_matter() -> None:
    values = waves()
    np.testing.assert_allclose(
        (forecast(values * 1000 - 7e15, horizon=2, seed=0, epochs=2) + 7e15) / 1000,
        forecast(values, horizon=2, seed=0, epochs=2),
        rtol=1e-5,
    )


def test_where_nothing_can_be_learned_the_last_value_serves() -> None:
    values = np.full((4, 30), NAN)
    values[0] = 5.0
    values[1, -2:] = [3.0, 4.0]
    values[2, -1] = -8.0
    found = forecast(values, horizon=3, seed=0, epochs=1)
    np.testing.assert_array_equal(found[:3], np.tile([[5.0], [4.0], [-8.0]], (1, 3)))
    assert np.isnan(found[3]).all()
    np.testing.assert_array_equal(forecast(np.array([[1.0, 2.0]]), horizon=2, seed=0, epochs=1), [[2.0, 2.0]])
