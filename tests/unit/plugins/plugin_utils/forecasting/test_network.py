# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import network
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.distribution import LEVELS

LEVEL = np.array(LEVELS)
NONE = np.float32("nan")


def rows(count: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows whose first feature says what comes, ± 0.1, and whose own past knows nothing of it; the maximum is one more."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 5)).astype(np.float32)
    own = np.broadcast_to(np.linspace(-2, 2, len(LEVELS), dtype=np.float32), (count, 2, len(LEVELS)))
    value = features[:, 0] + random.uniform(-0.1, 0.1, count).astype(np.float32)
    return features, own, np.stack([value, value + 1.0], axis=1)


def untrained(size: int = 5) -> network.Parameters:
    parameters = {name: np.zeros(shape, dtype=np.float32) for name, shape in network.shapes(size).items()}
    return parameters | {"deviation": np.ones(size, dtype=np.float32)}


def test_before_it_has_learned_the_own_past_mostly_stays() -> None:
    features, own, _wanted = rows(10)
    found = network.answer(untrained(), features, own)
    assert np.allclose(found, own / (1 + np.exp(-2.0)), atol=1e-6)


def test_quantiles_never_decrease() -> None:
    random = np.random.default_rng(1)
    parameters = {name: random.normal(size=shape).astype(np.float32) for name, shape in network.shapes(5).items()}
    features, own, _wanted = rows(200)
    found = network.answer(parameters, features, own)
    assert found.shape == (200, 2, len(LEVELS))
    assert (np.diff(found, axis=2) >= 0).all()


def test_answers_need_no_torch() -> None:
    code = (
        "import sys; import numpy as np; from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import network as n;"
        "p = {k: np.ones(s, dtype=np.float32) for k, s in n.shapes(3).items()};"
        "n.answer(p, np.ones((2, 3), dtype=np.float32), np.ones((2, 2, 17), dtype=np.float32)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestTraining:
    @pytest.fixture(autouse=True)
    def torch(self) -> None:
        pytest.importorskip("torch")

    def test_what_the_features_say_is_learned_and_how_sure_it_is(self) -> None:
        features, own, wanted = rows()
        parameters = network.train(features, own, wanted, steps=200, seed=0)
        fresh, past, came = rows(1000, seed=9)
        found = network.answer(parameters, fresh, past)
        for head in (0, 1):
            assert np.abs(found[:, head, 8] - came[:, head]).mean() < 0.12
            below = (came[:, head, None] <= found[:, head]).mean(axis=0)
            assert (np.abs(below - LEVEL)[3:-3] < 0.12).all()
        assert (found[:, 0, -2] - found[:, 0, 1]).mean() < 1.0

    def test_the_same_seed_gives_the_same_network_and_another_another(self) -> None:
        data = rows(500)
        first, again, other = (network.train(*data, steps=5, seed=seed) for seed in (3, 3, 4))
        assert all(np.array_equal(first[name], again[name]) for name in network.NAMES)
        assert not np.array_equal(first["first_weight"], other["first_weight"])
        assert {name: part.shape for name, part in first.items()} == network.shapes(5)
        assert {part.dtype for part in first.values()} == {np.dtype(np.float32)}

    def test_what_is_not_known_teaches_nothing(self) -> None:
        features, own, wanted = rows(1000)
        wanted[::2] = NONE
        parameters = network.train(features, own, wanted, steps=20, seed=0)
        assert all(np.isfinite(part).all() for part in parameters.values())
        wanted[:] = NONE
        nothing = network.train(features, own, wanted, steps=5, seed=0)
        assert (nothing["last_bias"] == 0).all()

    def test_training_goes_on_from_given_parameters(self) -> None:
        data = rows()
        begin = network.train(*data, steps=100, seed=0)
        short, anew = network.train(*data, steps=10, seed=1, begin=begin), network.train(*data, steps=10, seed=1)
        fresh, past, came = rows(500, seed=5)

        def error(parameters: network.Parameters) -> float:
            return float(np.abs(network.answer(parameters, fresh, past)[:, :, 8] - came).mean())

        assert error(short) < 0.5 * error(anew)
        assert np.array_equal(short["mean"], begin["mean"])
