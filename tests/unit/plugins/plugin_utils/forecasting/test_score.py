# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.score import scored_badly, usual_change

LEVELS = np.array([0.1, 0.5, 0.9])
SAID = np.array([[9.0] * 6, [10.0] * 6, [11.0] * 6])


def badly(actual: list[float], expected: float = 1.0) -> bool:
    return scored_badly(np.array(actual), SAID, LEVELS, unit=1.0, expected=expected)


def test_inside_its_band_it_did_well() -> None:
    assert not badly([9.5, 10.5, 10, 10, 10, 10], expected=0.0001)


def test_outside_and_worse_than_expected_it_did_badly() -> None:
    assert badly([20.0] * 6)
    assert not badly([20.0] * 6, expected=10.0)


def test_few_values_say_nothing() -> None:
    assert not badly([20.0, 20.0, 20.0, float("nan"), float("nan"), float("nan")])


def test_usual_change() -> None:
    assert usual_change(np.array([1.0, np.nan, 3.0, 2.0])) == 1.5
    assert usual_change(np.array([1.0])) == 0.0
