# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.season import detect, periods

RANDOM = np.random.default_rng(1)
HOURS = np.arange(24 * 21)
NOISE = RANDOM.normal(size=len(HOURS))


@pytest.mark.parametrize(
    ("step", "expected"), [(3600, [24, 168]), (600, [144, 1008, 6]), (86400, [7]), (604800, []), (5, [17280, 120960, 720]), (7, [86400])]
)
def test_periods(step: int, expected: list[int]) -> None:
    assert periods(step) == expected


def test_day_and_week_are_found() -> None:
    assert detect(10 * np.sin(HOURS * 2 * np.pi / 24) + NOISE, 3600) == 24
    assert detect(10.0 * (HOURS // 24 % 7 < 5) + NOISE, 3600) == 168


@pytest.mark.parametrize("values", [np.cumsum(NOISE), NOISE, HOURS * 1.0, np.full(500, 3.0), np.sin(HOURS * 2 * np.pi / 31)])
def test_nothing_is_found_where_there_is_none(values: np.ndarray) -> None:
    assert detect(values, 3600) == 1


def test_gaps_and_short_histories() -> None:
    values = 10 * np.sin(HOURS * 2 * np.pi / 24) + NOISE
    values[[5, 50, 51]] = np.nan
    assert detect(values, 3600) == 24
    assert detect(values[:71], 3600) == 1
