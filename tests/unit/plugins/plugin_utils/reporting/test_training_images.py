# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import math

import matplotlib.image
import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.drawing import shown_unit
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.training_images import SOFTWARE, training_png, training_view

GIB = 2**30
NAN = float("nan")
START, STEP = 1_763_700_000, 600


def meta(**more):
    return {
        "entity": "lv:web1/vg0/da$ta$", "metric": "used_bytes", "unit": "bytes", "step_seconds": STEP, "trained_at": START + 10 * STEP,
        "metrics": {"error": 0.5 * GIB, "last_error": GIB, "kept": 2, "epochs": 4},
        "curve": {"training": [0.5, 0.4, 0.3, 0.2], "validation": [0.6, 0.5, 0.4, None]}, **more,
    }  # fmt: skip


def view(synthetic=False, origin="", **more):
    actual = np.array([1.0, 2.0, NAN, 4.0, 5.0, 6.0, 7.0]) * GIB
    predicted = np.array([NAN, 1.5, NAN, 3.5, 5.5, 6.5, 6.0]) * GIB
    part = np.array([1, 1, 0, 1, 2, 3, 3])
    return training_view(
        meta(**more), start=START, actual=actual, predicted=predicted, part=part, synthetic=synthetic, origin=origin, mark="drawn of this"
    )


def test_what_the_figure_shows():
    seen = view()
    assert seen.unit == "GiB"
    np.testing.assert_array_equal(seen.actual, [1.0, 2.0, NAN, 4.0, 5.0, 6.0, 7.0])
    np.testing.assert_array_equal(seen.predicted, [NAN, 1.5, NAN, 3.5, 5.5, 6.5, 6.0])
    np.testing.assert_allclose(np.diff(seen.times), STEP / 86400)
    half = STEP / 2
    assert [(name, round(begin * 86400), round(end * 86400)) for name, begin, end in seen.parts] == [
        ("training", START - half, START + 3 * STEP + half),
        ("validation", START + 4 * STEP - half, START + 4 * STEP + half),
        ("test", START + 5 * STEP - half, START + 6 * STEP + half),
    ]
    assert seen.training == [0.5, 0.4, 0.3, 0.2]
    assert seen.validation[:3] == [0.6, 0.5, 0.4]
    assert math.isnan(seen.validation[3])
    assert seen.kept == 2
    assert seen.title == "lv:web1/vg0/da$ta$, used_bytes: one step (10m) ahead, trained 2025-11-21 06:20 UTC"
    assert seen.told == "mean error in the test part 0.5 GiB, of repeating the last value 1 GiB, 0.50 of it"


def test_no_correction_no_test_part_and_a_line_without_changes():
    none = view(metrics={"error": None, "last_error": None, "kept": -1, "epochs": 0}, curve={"training": [], "validation": []})
    assert none.kept is None
    assert none.told == "no test part: too few values"
    flat = view(metrics={"error": 0.0, "last_error": 0.0, "kept": -1, "epochs": 0})
    assert flat.told == "mean error in the test part 0 GiB, of repeating the last value 0 GiB"
    for one in (none, flat):
        assert training_png(one).startswith(b"\x89PNG")


def test_the_picture_says_what_it_is_of_and_whether_it_was_measured():
    data = training_png(view())
    assert matplotlib.image.imread(io.BytesIO(data), format="png").shape == (572, 990, 4)
    assert SOFTWARE.encode() in data[:512]
    assert b"drawn of this" in data[:512]
    assert training_png(view()) == data
    assert training_png(view(synthetic=True)) != data
    assert view(origin=" (recorded)").title.endswith("UTC (recorded)")


@pytest.mark.parametrize(
    ("unit", "largest", "shown"),
    [
        ("bytes", 3 * GIB, ("GiB", GIB)),
        ("bytes", -3 * GIB, ("GiB", GIB)),
        ("bytes_per_second", 2048.0, ("KiB/s", 1024.0)),
        ("cores", 1e6, ("cores", 1.0)),
        ("count_per_second", 5.0, ("count/s", 1.0)),
        (None, 5.0, ("", 1.0)),
    ],
)
def test_units_of_axes(unit, largest, shown):
    assert shown_unit(unit, [None, largest]) == shown
