# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io

import matplotlib.image
import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.forecast_images import forecast_png, forecast_view

DAY = 86400.0


def view(samples, synthetic=False, **more):
    history = np.array([7.0, np.nan, 9.0]) * samples.GIB
    return forecast_view(
        samples.forecast(**more), start=samples.NOW - 1200, step=600, history=history, synthetic=synthetic, mark="drawn of this"
    )


def test_what_the_figure_shows(samples):
    seen = view(samples)
    assert seen.unit == "GiB"
    np.testing.assert_array_equal(seen.history, [7.0, np.nan, 9.0])
    np.testing.assert_allclose(seen.times * DAY, samples.NOW + np.array([-1200, -600, 0]))
    np.testing.assert_allclose(seen.ahead[[0, -1]] * DAY, [samples.NOW + 600, samples.NOW + 21600])
    np.testing.assert_allclose([seen.low[0], seen.middle[0], seen.high[0]], [9.1 * 0.98, 9.1, 9.1 * 1.02])
    assert seen.band == ("0.1", "0.9")
    assert seen.limit == 11.76
    assert [(name, round(when * DAY) - samples.NOW) for name, when in seen.dates] == [
        ("limit reached, probability 0.1: 2025-11-21 05:40 UTC", 3600),
        ("limit reached, probability 0.5: 2025-11-21 06:40 UTC", 7200),
    ], "the late date lies beyond the horizon"
    assert seen.title == "lv:web1/vg0/data, used_bytes: 6h from 2025-11-21 04:40 UTC, drift"


def test_a_forecast_without_a_limit_and_with_one_quantile(samples):
    seen = view(samples, runway=None, quantiles={"0.9": [8.0 * samples.GIB] * 36})
    assert (seen.limit, seen.dates, seen.band) == (None, [], ("0.9", "0.9"))
    np.testing.assert_array_equal(seen.middle, seen.high)
    assert forecast_png(seen).startswith(b"\x89PNG")


def test_the_picture_says_what_it_is_of_and_whether_it_was_measured(samples):
    data = forecast_png(view(samples))
    assert matplotlib.image.imread(io.BytesIO(data), format="png").shape == (484, 990, 4)
    assert b"drawn of this" in data[:512]
    assert forecast_png(view(samples, synthetic=True)) != data
