# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import io

import matplotlib.image
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.observed_placement import observed_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_comparison import comparison_figure, comparison_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_curves import BINS, curves_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_images import SOFTWARE, placement_figure, placement_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import Breach
from support.placement_views import balanced_view, by_hand, hand_view, overlaps

BOTH = {"resources": {"cpu": 1, "memory": 1}}


@functools.cache
def case(name):
    """A view of each kind of picture."""
    if name == "by hand":
        return hand_view()
    if name == "rules":
        return balanced_view(BOTH)[0]
    if name == "three resources":
        return balanced_view(more={"gpu": {"capacity": 4}})[0]
    if name == "observed":
        return observed_view(by_hand(), [Breach("cpu of a is at 110 %", (), ("a",))])
    if name == "observed, large":
        return observed_view(synthetic_cluster(nodes=80, guests_per_node=5, maintenance=1), [])
    if name == "no moves":
        return balanced_view({"goal": "headroom"}, document=by_hand())[0]
    if name == "too many moves":
        return balanced_view({"strategy": "greedy", "target_spread": 0.02}, document=synthetic_cluster(nodes=40, guests_per_node=20))[0]
    return balanced_view(document=synthetic_cluster(nodes=80, guests_per_node=5, maintenance=1))[0]


@pytest.mark.parametrize(
    "name", ["by hand", "rules", "three resources", "no moves", "too many moves", "large", "observed", "observed, large"]
)
def test_no_word_lies_upon_another_or_sticks_out(name):
    assert overlaps(placement_figure(case(name), bars=60)) == ([], [])


def words(figure):
    return [text.get_text() for axes in figure.axes for text in (*axes.texts, axes._left_title, axes.xaxis.label)] + [
        text.get_text() for text in figure.texts
    ]


def test_what_was_only_seen_has_one_side_and_no_moves():
    told = words(placement_figure(case("observed"), bars=60))
    assert {"now: memory", "now: CPU"} <= set(told)
    assert not [word for word in told if word.startswith(("before", "after", "moves", "no moves", "wave"))]
    assert told[-2].startswith("Cluster hand, as it was observed\nspread of CPU ")
    assert "Broken (1): cpu of a is at 110 %" in told[-1]


def test_the_figure_says_whose_it_is_and_what_is_wrong():
    figure = placement_figure(hand_view(), bars=60)
    told = words(figure)
    assert told[-2].startswith(
        "Cluster hand, strategy foresight: 2 moves, 40 GiB in 2 waves\nspread of memory 60.0 % → 10.0 %; limits broken 2 → 0; improved"
    )
    assert "Broken before (2): g4 is on c" in told[-1]
    assert {"before: memory", "after: memory", "before: CPU", "after: CPU"} <= set(told)
    assert "110 % over  ✖ 1" in told
    assert "wave (all of them: about 32s); the last waits until 2025-11-21 04:40 UTC" in told
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["a  125 GiB", "b  100 GiB", "c  100 GiB, maintenance"]
    assert "synthetic" in words(placement_figure(case("rules"), bars=60))[-2]


def test_other_goals_are_told_in_their_own_words():
    view = balanced_view({"goal": "evacuate", "goal_options": {"nodes": ["b"]}}, document=by_hand())[0]
    told = words(placement_figure(view, bars=60))[-2]
    assert told.startswith(f"Cluster hand, goal evacuate: {len(view.moves)} move")
    assert view.why in told
    assert "spread" not in told


def test_it_is_a_png_that_says_what_it_was_drawn_of():
    data = placement_png(hand_view(), "m" * 32, bars=60)
    assert data.startswith(b"\x89PNG")
    assert SOFTWARE.encode() in data[:512]
    assert b"m" * 32 in data[:512]
    high, wide, _colours = matplotlib.image.imread(io.BytesIO(data), format="png").shape
    assert wide > 1500
    assert high < wide


def test_names_with_dollar_signs_are_names():
    document = by_hand()
    document["nodes"][0]["name"], document["cluster"] = "$a$", "$x$"
    for guest in document["guests"]:
        guest["node"] = "$a$" if guest["node"] == "a" else guest["node"]
        guest["id"] = f"${guest['id']}_{{$"
    placement_png(balanced_view(document=document)[0], "m", bars=60)


def test_a_resource_with_dollar_signs_is_compared_too():
    name = "$x^{_$"
    view = balanced_view({"resources": {"memory": 1, name: 1}}, nodes=3, guests_per_node=3, more={name: {"capacity": 4}})[0]
    assert comparison_png([view, view], "mark").startswith(b"\x89PNG")


def test_curves_hold_every_open_node():
    view = case("large")
    for curves in curves_of(view):
        assert curves.before == sorted(curves.before, reverse=True)
        assert len(curves.before) == len(curves.after) == sum(curves.bins_before) == sum(curves.bins_after) == 79
        name = curves.resource.name
        assert curves.before[0] == pytest.approx(view.before.figures[name].highest)
        assert curves.after[0] - curves.after[-1] == pytest.approx(view.after.figures[name].spread)
        assert len(curves.bins_after) == BINS


def test_strategies_side_by_side():
    views = [balanced_view({"strategy": name})[0] for name in ("foresight", "greedy", "bin_pack")]
    figure = comparison_figure(views)
    assert overlaps(figure) == ([], [])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["foresight", "greedy", "bin_pack"]
    moves = next(axes for axes in figure.axes if axes._left_title.get_text() == "moves")
    assert [text.get_text() for text in moves.texts] == [str(len(view.moves)) for view in views]
    assert comparison_png(views, "m").startswith(b"\x89PNG")
