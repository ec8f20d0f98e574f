# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How high series may rise far ahead, out of a real store."""

from __future__ import annotations

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import forecast_panel
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.far_ahead import extents, look_far

HOUR, DAY, GIB = 3600, 86400, 2**30
NOW = 1_763_700_000


@pytest.fixture
def filled(tmp_path):
    """Return a function that stores series of hourly values which end `age` seconds before now, and looks far ahead with them."""

    def look(histories, horizon, limits=None, age=0, spacing=HOUR):
        with open_store(str(tmp_path / "store.db")) as store:
            rows = [EntityRow(f"lv:h/{n}", f"lv:h/v/{n}", "lv", "h", {}, NOW) for n in range(len(histories))]
            ids = store.put_entities(rows)
            series = store.put_series([(ids[row.identity], "used_bytes", "bytes", False) for row in rows])
            numbers = [series[ids[row.identity], "used_bytes"] for row in rows]
            samples = [
                (number, NOW - age - (len(values) - 1 - place) * spacing, float(value), 0)
                for number, values in zip(numbers, histories, strict=True)
                for place, value in enumerate(values)
            ]
            columns = list(zip(*samples, strict=True))
            store.write_samples(*(np.array(column) for column in columns))
            known = extents(store, numbers, NOW)
            wanted = {number: (known[number], horizon, (limits or [None] * len(numbers))[place]) for place, number in enumerate(numbers)}
            before = store.find_forecasts(numbers)
            found = look_far(store, wanted, NOW)
            assert store.find_forecasts(numbers) == before == {}
            return [found.get(number) for number in numbers]

    return look


def test_steady_growth_reaches_its_limit_on_the_day(filled):
    values = 10 * GIB + np.arange(40 * 24) * GIB / 24  # a GiB a day for forty days
    (far,) = filled([values], 10 * DAY, [55 * GIB])
    assert far.horizon == 10 * DAY
    assert far.last == pytest.approx(50 * GIB, rel=0.01)
    for name in ("0.1", "0.5", "0.9"):
        assert far.runway[name] == pytest.approx(5 * DAY, abs=DAY)
        assert far.highest[name][-1] == pytest.approx(60 * GIB, rel=0.02)


@pytest.mark.parametrize(
    ("limit", "early", "median", "late"),
    [
        (49.5, 0, 0, HOUR),  # half a day after the newest sample is eleven hours ago
        (50.5, HOUR, 13 * HOUR, 25 * HOUR),
        (51.5, 25 * HOUR, 37 * HOUR, 49 * HOUR),
        (59.5, 9 * DAY + HOUR, 9 * DAY + 13 * HOUR, 10 * DAY),  # within the horizon, which ends eleven days after the sample
    ],
)
def test_dates_are_of_now_though_the_newest_sample_is_old(filled, limit, early, median, late):
    values = 10 * GIB + np.arange(40) * GIB  # a GiB a day, seen once a day, last 23 hours ago
    (far,) = filled([values], 10 * DAY, [limit * GIB], age=23 * HOUR, spacing=DAY)
    assert (far.step, far.last) == (DAY, 49 * GIB)
    truth = max(0, (limit - 49) * DAY - 23 * HOUR)
    assert [far.runway[name] for name in ("0.1", "0.5", "0.9")] == pytest.approx([early, median, late], abs=2)
    assert far.runway["0.1"] <= truth <= far.runway["0.9"]


def test_a_saw_tooth_is_as_high_as_its_tips_from_the_start(filled):
    values = 10 * GIB + (np.arange(20 * 24) % 24) * GIB / 10  # emptied every midnight
    (far,) = filled([values], 5 * DAY)
    assert far.highest["0.9"][3] >= values.max() * 0.99
    assert far.highest["0.9"][-1] <= values.max() * 1.1


def test_too_short_or_too_thin_a_history_is_left_out(filled):
    assert filled([np.full(9 * 24, GIB), np.full(3, GIB)], 10 * DAY) == [None, None]


def test_an_old_history_is_left_out(filled):
    assert filled([np.full(40 * 24, GIB)], 10 * DAY, age=2 * DAY) == [None]


def test_quantiles_and_steps_are_ordered(filled):
    generator = np.random.default_rng(3)
    for far in filled([10 * GIB + np.cumsum(generator.normal(GIB / 100, GIB / 10, 60 * 24)) for _number in range(5)], 14 * DAY):
        paths = [far.highest[name] for name in ("0.1", "0.5", "0.9")]
        assert all((np.diff(path) >= 0).all() for path in paths)
        assert (paths[0] <= paths[1] + 1).all()
        assert (paths[1] <= paths[2] + 1).all()


@pytest.mark.parametrize(("length", "least", "most"), [(2, 0.3, 0.6), (4, 0.6, 0.8), (7, 0.65, 0.9)])
def test_the_share_of_futures_within_the_quantiles(length, least, most):
    """The numbers behind HISTORY_PER_HORIZON: walks with a drift and a history of so many horizons."""
    generator, ahead = np.random.default_rng(1), 30
    walks = [np.cumsum(1.0 + generator.normal(0, 2, (length + 1) * ahead)) + 200 for _number in range(400)]
    panel = forecast_panel([walk[:-ahead] for walk in walks], step_seconds=DAY, horizon=ahead, quantiles=(0.1, 0.5, 0.9), model="empirical")
    ends = np.array([walk[-1] for walk in walks])
    inside = float(((ends >= panel.quantiles[:, 0, -1]) & (ends <= panel.quantiles[:, 2, -1])).mean())
    print(f"history of {length} horizons: {inside:.0%} inside, {(ends <= panel.quantiles[:, 1, -1]).mean():.0%} below the median")
    assert least <= inside <= most
    assert 0.4 <= (ends <= panel.quantiles[:, 1, -1]).mean() <= 0.6
