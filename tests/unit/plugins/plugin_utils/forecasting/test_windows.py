# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.global_model import own_past
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.windows import Rows, describe, squash

HORIZON, DAY = 24, 86400.0
NAN = float("nan")


def described(values: np.ndarray, *, season: int = 24, ends: np.ndarray | None = None, step_seconds: float = 3600.0) -> Rows:
    return describe(values, own_past(values, season=season, horizon=HORIZON), season=season, ends=ends, step_seconds=step_seconds)


def daily(length: int = 200, rows: int = 3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    hours = np.arange(length) % 24
    return 5.0 + np.sin(2 * np.pi * hours / 24)[None, :] * np.arange(1, rows + 1)[:, None] + 0.1 * random.normal(size=(rows, length))


@pytest.mark.parametrize("season", [1, 24])
def test_neither_the_size_of_a_series_nor_where_it_stands_is_seen(season: int) -> None:
    values = daily()
    same, larger = described(values, season=season), described(values * 1024.0, season=season)
    assert np.array_equal(same.features, larger.features)
    assert np.array_equal(same.own, larger.own)
    assert np.allclose(larger.scale, same.scale * 1024.0)
    moved = described(values + 3.0, season=season)
    # The last features are the size of the series against its changes; all before are changes.
    assert np.allclose(same.features[:, :, :-3], moved.features[:, :, :-3], atol=1e-4)


def test_a_change_of_the_present_changes_what_is_seen_and_one_of_the_distant_past_hardly() -> None:
    values = daily(1000, rows=1)
    now, long_ago = values.copy(), values.copy()
    now[0, -1] += 3.0
    long_ago[0, 10] += 3.0
    before, after, unchanged = (described(item).features for item in (values, now, long_ago))
    assert np.abs(after - before).max() > 0.5
    assert np.abs(unchanged - before).max() < 0.05


def test_each_step_sees_what_was_at_its_own_phase() -> None:
    values = daily(rows=1)
    rows = described(values)
    # After the ten of the own past and two of the step come the values one, two, three seasons before.
    seasons_ago = rows.features[0, :, 12]
    wanted = squash((values[0, -24:] - values[0, -1]) / rows.scale[0])
    assert np.allclose(seasons_ago, wanted, atol=1e-5)


def test_the_hour_of_the_day_is_that_of_the_step_and_counts_only_where_it_is_known() -> None:
    values = daily(rows=1)
    monday_noon = np.array([4 * DAY + 12 * 3600.0])
    rows, unknown = described(values, ends=monday_noon), described(values)
    clock = rows.features[0, :, 23:26]
    assert np.allclose(clock[11], [0.0, 1.0, 0.0], atol=1e-6)  # midnight
    assert np.allclose(clock[5], [-1.0, 0.0, 0.0], atol=1e-6)  # 18:00
    assert (unknown.features[0, :, 23:26] == 0).all()
    saturday = described(values, ends=np.array([2 * DAY - 3600.0])).features[0, :, 25]
    assert saturday[0] == 1.0


def test_what_has_never_moved_is_marked_and_has_no_changes() -> None:
    values = np.stack([np.full(100, 7.0), np.r_[np.full(99, 7.0), 8.0]])
    rows = described(values, season=1)
    assert rows.moved.tolist() == [False, True]
    assert (rows.own[0] == 0).all()
    assert np.isfinite(rows.features).all()


NUMBERS = st.one_of(st.floats(-1e12, 1e12), st.just(NAN), st.just(0.0))


@settings(max_examples=40, deadline=None)
@given(
    values=hnp.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 60)), elements=NUMBERS), season=st.sampled_from([1, 4, 24])
)
def test_whatever_is_known_gives_finite_rows(values: np.ndarray, season: int) -> None:
    values[:, -1] = np.nan_to_num(values[:, -1])
    rows = described(values, season=season)
    assert np.isfinite(rows.features).all()
    assert np.isfinite(rows.own).all()
    assert (rows.scale > 0).all()
