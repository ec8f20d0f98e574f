# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import classical

# MSTL takes a series apart by its season: without one it has no answer.
SEASONS = {"theta": 1, "ets": 1, "mstl": 6}


@pytest.mark.parametrize("method", classical.METHODS)
class TestFits:
    def test_a_line_is_carried_on(self, method: str) -> None:
        found = classical.forecast(method, 1e12 + 1e9 * np.arange(60.0), season=SEASONS[method], horizon=5)
        assert found is not None
        np.testing.assert_allclose(found, 1e12 + 1e9 * np.arange(60, 65), rtol=0.01)

    def test_gaps_are_bridged(self, method: str) -> None:
        values = np.arange(60.0)
        values[[0, 10, 11, 30]] = np.nan
        found = classical.forecast(method, values, season=SEASONS[method], horizon=3)
        assert found is not None
        assert np.isfinite(found).all()

    @pytest.mark.parametrize("values", [[], [1.0], [2.0] * 40, list(range(13))])
    def test_no_answer(self, method: str, values: list[float]) -> None:
        assert classical.forecast(method, np.array(values, dtype=np.float64), season=1, horizon=3) is None
