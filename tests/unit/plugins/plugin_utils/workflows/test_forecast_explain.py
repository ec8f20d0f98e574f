# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_explain import Learned, explain_of

NOW, DAY = 1_763_700_000, 86400
CHOICE: dict[str, t.Any] = {
    "weights": [["empirical", 144, 0.3], ["global", 144, 0.7]],
    "scores": [["global", 144, 0.8], ["empirical", 144, 1.0], ["drift", 1, 1.2]],
    "origins": 6,
    "pinball": 0.61,
    "values": 100,
}


def explained(choice: t.Any = None, **options: t.Any) -> dict[str, t.Any]:
    found = explain_of("global+empirical", "because", choice or CHOICE, **{"known": 130, "most": 2016, "now": NOW, **options})
    assert set(found) == {"method", "weights", "why", "scores", "would_change"}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def causes(found: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {item["cause"]: item for item in found["would_change"]}


def test_shares_and_scores_are_named_as_in_the_reason_the_largest_share_first() -> None:
    found = explained()
    assert list(found["weights"].items()) == [("global", 0.7), ("empirical (season 144)", 0.3)]
    assert found["scores"] == {"global": 0.8, "empirical (season 144)": 1.0, "drift": 1.2}
    assert (found["method"], found["why"]) == ("global+empirical", "because")


def test_the_method_that_comes_next_and_how_far_it_is_behind() -> None:
    item = causes(explained())["score"]
    assert (item["method"], item["behind"]) == ("drift", pytest.approx(0.5))
    assert item["text"] == "drift does not count: its past score is 50 % worse than that of global (1.2 to 0.8)"
    two = {**CHOICE, "scores": CHOICE["scores"][:2]}
    assert causes(explained(two))["score"]["text"].startswith("empirical (season 144) counts 30 %: its past score is 25 % worse")
    better = {**CHOICE, "scores": [["drift", 1, 0.6], *CHOICE["scores"][:2]]}
    item = causes(explained(better))["score"]
    assert item["behind"] == pytest.approx(-0.25)
    assert "25 % better than that of global" in item["text"]
    assert "series like this one" in item["text"]
    even = {**CHOICE, "scores": [["drift", 1, 0.801], *CHOICE["scores"][:1]]}
    assert "as good as that of global" in causes(explained(even))["score"]["text"]


def test_how_many_more_values_until_the_next_choice() -> None:
    assert causes(explained())["samples"]["missing"] == 70
    assert "70 more values: the weights are chosen anew at 200" in causes(explained())["samples"]["text"]
    # More are never looked at, so more never come.
    assert "samples" not in causes(explained(most=199))
    assert causes(explained({**CHOICE, "origins": 0}))["samples"]["missing"] == 1


def test_which_loss_makes_the_choice_anew() -> None:
    assert causes(explained())["failure"]["loss"] == pytest.approx(1.22)
    assert "failure" not in causes(explained({**CHOICE, "pinball": None}))


def test_breaks_are_told_and_other_notes_are_not() -> None:
    brk = "Its level rose from 1 GiB to 2 GiB 3d before its end: what lies before counts less"
    found = explained(notes=["2 of 100 steps are missing", brk])
    assert [item for item in found["would_change"] if item["cause"] == "break"] == [{"cause": "break", "text": brk}]


def test_what_was_trained_when() -> None:
    found = causes(explained(family=Learned(NOW - 2 * DAY, 4812), own=Learned(NOW - DAY)))
    assert found["global"]["trained_at"] == NOW - 2 * DAY
    assert "learned 2d ago from 4,812 series" in found["global"]["text"]
    assert "network" not in found, "its own network does not count"
    counts = {**CHOICE, "weights": [["lstm", 144, 1.0]]}
    found = causes(explained(counts, family=Learned(NOW, 3), own=Learned(NOW - DAY)))
    assert "trained 1d ago" in found["network"]["text"]
    assert "global" not in found


def test_without_a_choice_there_is_one_method() -> None:
    found = explain_of("empirical", "few", None, known=9, most=400, now=NOW)
    assert (found["weights"], found["scores"]) == ({"empirical": 1.0}, {})
    assert found["would_change"] == [{"cause": "samples", "missing": 5, "text": "5 more values: from 14 on methods are weighed"}]
    assert explain_of("drift", "asked for", None, known=99, most=400, now=NOW)["would_change"] == []
