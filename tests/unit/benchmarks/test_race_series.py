# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the race replays is fixed: the same series for ever, and what each family promises."""

from __future__ import annotations

import numpy as np
import pytest
import race_series
from race_series import FAMILIES, HOURLY, REPORTED, SEEDS, TUNED, VOLUMES, WEEKLY

LOADERS = """
import numpy as np
import pandas as pd

def git_sizes(recommended=True, column="checkout_bytes", totals=False):
    random = np.random.default_rng(len(column))
    frame = pd.DataFrame(1e6 + np.cumsum(random.exponential(1e4, (170, 12)), axis=0), columns=[f"s{number:02}" for number in range(12)])
    frame.loc[:100, "s03"] = np.nan  # too short
    return frame
"""


@pytest.fixture
def data(tmp_path):
    (tmp_path / "loaders.py").write_text(LOADERS, encoding="utf-8")
    return tmp_path


def test_half_of_the_seeds_is_for_tuning_and_the_other_half_is_reported():
    assert sorted([*TUNED, *REPORTED]) == list(SEEDS)
    assert len(TUNED) == len(REPORTED) == 10


# Committed before the first scored run: who changes them has seen results.
@pytest.mark.parametrize(
    ("family", "total"),
    [
        ("steady", 164_219_134_370_475),
        ("bursts", 224_601_565_887_832),
        ("saw-tooth", 183_936_931_366_989),
        ("purge", 100_441_199_352_542),
        ("step", 212_713_491_411_847),
    ],
)
def test_the_generated_series_stay_as_they_were_committed(family, total):
    assert float(race_series.generated(family, 1).series.sum()) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_a_vg_of_positive_bytes_under_every_seed(family):
    one = race_series.generated(family, 3)
    assert one.series.shape == (VOLUMES, HOURLY["warm_up"] + HOURLY["ticks"])
    assert (one.series > 0).all()
    assert np.array_equal(one.series, np.round(one.series))
    assert np.array_equal(one.series, race_series.generated(family, 3).series)
    assert not np.array_equal(one.series, race_series.generated(family, 5).series)
    assert np.array_equal(race_series.generated(family, 3, 10).series, one.series[:, : HOURLY["warm_up"] + 10])


def falls(family, least):
    """Return how often a volume of the family loses this share of its size within an hour."""
    series = np.concatenate([race_series.generated(family, seed).series for seed in TUNED])
    return ((series[:, :-1] - series[:, 1:]) / series[:, :-1] > least).sum(axis=1)


def test_only_saw_teeth_fall_every_day_and_only_purges_now_and_then():
    days = (HOURLY["warm_up"] + HOURLY["ticks"]) // 24
    assert set(falls("saw-tooth", 0.05)) <= {days - 1, days}
    assert 1 < falls("purge", 0.1).mean() < 6
    for family in ("steady", "bursts", "step"):
        assert falls(family, 0.02).max() == 0


def test_real_series_keep_their_relative_changes(data):
    replay = race_series.real(data, "git checkouts", 1)
    assert replay.series.shape == (10, WEEKLY["warm_up"] + WEEKLY["ticks"])  # 11 are long enough: two VGs of five
    assert (replay.series[:, WEEKLY["warm_up"] - 1] >= race_series.SIZES[0] - 1).all()
    assert (replay.series[:, WEEKLY["warm_up"] - 1] <= race_series.SIZES[1] + 1).all()
    real = race_series._loaders(data).git_sizes(column="checkout_bytes").to_numpy()[-replay.series.shape[1] :]
    ratios = {tuple(np.round(column / column[WEEKLY["warm_up"] - 1], 6)) for column in real.T}
    assert {tuple(np.round(row / row[WEEKLY["warm_up"] - 1], 6)) for row in replay.series} <= ratios


def test_a_seed_is_an_order_of_the_same_real_series(data):
    one, other = (race_series.real(data, "git archives", seed).series for seed in (1, 3))
    assert not np.array_equal(one, other)
    assert len({row.tobytes() for row in [*one, *other]}) == 11
