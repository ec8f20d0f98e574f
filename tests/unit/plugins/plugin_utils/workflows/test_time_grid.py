# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.time_grid import MAX_STEPS, coarsened, grid, steps_of

NOW = 1_763_700_000


@pytest.mark.parametrize(
    ("typical", "expected"),
    [
        ([600, 598, 620], [600, 600, 600]),
        ([0, 300, 300, 5], [300, 300, 300, 5]),
        ([], []),
        ([0], [600]),
        ([7, 100], [7, 120]),
        ([45], [45]),
        ([3601], [3600]),
    ],
)
def test_steps_are_the_round_numbers_they_mean(typical: list[int], expected: list[int]) -> None:
    assert steps_of(typical) == expected


def test_a_long_horizon_gets_a_longer_step() -> None:
    assert coarsened(600, 6 * 3600) == 600
    step = coarsened(5, 86400)
    assert -(-86400 // step) <= MAX_STEPS


def make(**options: int | bool | None) -> tuple[int, int, int, str]:
    known = {"step": 600, "typical": 600, "newest": NOW - 100, "oldest": NOW - 90_000, "now": NOW, "replay": False, "history_seconds": None}
    return tuple(grid(**{**known, **options}))  # type: ignore[arg-type, return-value]


def test_newest_sample_lies_in_the_middle_of_the_last_bucket() -> None:
    start, end, step, how = make()
    assert end == NOW - 100 + 300
    assert (end - start) % step == 0
    assert start <= NOW - 90_000
    assert how == "last"


def test_the_end_follows_now_for_three_steps_or_one_horizon_at_most() -> None:
    assert make(newest=NOW - 1200)[1] == NOW - 1200 + 2 * 600 + 300
    for horizon, followed in ((1, 3), (6, 6)):
        assert make(newest=NOW - 50_000, horizon=horizon)[1] == NOW - 50_000 + followed * 600 + 300


def test_a_replay_ends_with_now() -> None:
    assert make(newest=NOW, replay=True)[1] == NOW + 1


def test_history() -> None:
    start, end, step, _how = make(history_seconds=6000)
    assert (end - start) // step == 10
    start, end, step, _how = make(oldest=NOW - 10**9)
    assert (end - start) // step == 2016
    start, end, step, _how = make(step=86400, typical=86400, oldest=NOW - 10**9)
    assert (end - start) // step == 400


def test_of_several_samples_the_greatest_counts() -> None:
    assert make(typical=60)[3] == "max"
    assert make(typical=500)[3] == "last"
    assert make(typical=0)[3] == "last"
