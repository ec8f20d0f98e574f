# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When what series have in common is learned anew, and when what was learned does not serve."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest

pytest.importorskip("torch")

from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import family_files
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import global_models
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import train

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fleet_samples import COUNT, KEY, LENGTH, NOW, STEP, ask, put, rewritten, row_of

DAY = 86400
pytestmark = pytest.mark.usefixtures("little_training")


@pytest.mark.parametrize(
    ("later", "there", "anew"),
    [
        (6 * DAY, COUNT, False),
        (8 * DAY, COUNT, True),
        (8 * DAY, COUNT // 2, True),
        (8 * DAY, COUNT // 2 - 1, False),
        (0, 2 * COUNT - 1, False),
        (0, 2 * COUNT, True),
    ],
)
def test_when_it_is_learned_anew(later: int, there: int, anew: bool) -> None:
    meta = {"data": {"last": NOW}, "model": "auto", "able": True, "fleet": COUNT, "values": COUNT * LENGTH, "trained_at": NOW}
    extent = global_models.Extent(there, there * LENGTH, NOW, NOW)
    stored = {1: global_models.Stored(None, meta)}
    assert (not global_models.usable(stored, now=NOW + later, there=extent, model="auto")) is anew


def test_longer_histories_are_a_reason_to_learn_anew() -> None:
    meta = {"data": {"last": NOW}, "model": "auto", "able": True, "fleet": 4, "values": 400, "trained_at": NOW}
    stored = {1: global_models.Stored(None, meta)}
    assert global_models.usable(stored, now=NOW, there=global_models.Extent(4, 799, NOW, NOW), model="auto")
    assert not global_models.usable(stored, now=NOW, there=global_models.Extent(4, 800, NOW, NOW), model="auto")


def test_more_series_teach_it_anew_and_so_does_torch_that_came_later(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(fleet)
    known = len(trainings)
    put(fleet, range(COUNT, 2 * COUNT))
    ask(fleet)
    # Only the new series are asked for now: the others' forecasts are remembered.
    assert len(trainings) == known
    put(fleet, range(2 * COUNT), length=1, end=NOW + STEP)
    ask(fleet, now=NOW + STEP)
    assert len(trainings) > known
    assert row_of(fleet)[0]["fleet"] == 2 * COUNT
    known = len(trainings)
    rewritten(fleet, able=False)
    ask(fleet, now=NOW + 2 * STEP)
    assert len(trainings) > known
    assert row_of(fleet)[0]["able"] is True


def test_a_family_of_other_code_is_learned_anew_without_a_word(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(fleet)
    known = len(trainings)
    rewritten(fleet, code="older")
    found = ask(fleet, now=NOW + STEP)
    assert len(trainings) > known
    assert {item["note"] for item in found} == {""}
    assert row_of(fleet)[0]["code"] == family_files.family_version()


def test_a_look_back_does_not_use_what_was_learned_later(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    then = NOW - 10 * STEP
    ask(fleet)
    after, whole = len(trainings), row_of(fleet)
    replay = ask(fleet, now=then)
    assert len(trainings) > after
    assert row_of(fleet) == whole, "nor is what it learned kept"
    other = fleet.with_name("other.db")
    put(other, length=LENGTH)
    assert [item["quantiles"] for item in ask(other, now=then)] == [item["quantiles"] for item in replay]


def test_what_knows_later_samples_is_not_replaced_by_what_does_not(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(fleet)
    # These have no samples after that time, so for them it is the present.
    put(fleet, range(COUNT, 2 * COUNT), end=NOW - 20 * STEP)
    known, whole = len(trainings), row_of(fleet)
    then = {"entities": ["lv:*", *(f"!*/v{number:03}" for number in range(COUNT))], "now": NOW - 20 * STEP}
    assert {item["status"] for item in ask(fleet, **then)} == {"ok"}
    assert len(trainings) > known
    assert row_of(fleet) == whole
    found = train(store=str(fleet), models=["global"], horizon="1h", **then)["entities"]
    assert [document["reason"] for document in found if document["entity"] == KEY] == [
        "what is stored has learned from samples after now, and stays (O(now))"
    ]
    assert row_of(fleet) == whole


def test_what_only_the_global_model_was_asked_for_is_completed_by_a_mixture(fleet: pathlib.Path, trainings: list[t.Any]) -> None:
    ask(fleet, model="global")
    assert row_of(fleet)[0]["model"] == "global"
    known = len(trainings)
    ask(fleet)
    assert len(trainings) > known
    assert row_of(fleet)[0]["model"] == "auto"
    known = len(trainings)
    ask(fleet, model="global", limit="none")
    assert len(trainings) == known
