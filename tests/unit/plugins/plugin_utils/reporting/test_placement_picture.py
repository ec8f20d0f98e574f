# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import (
    ARROWS,
    COLOURS,
    DETAIL,
    OVERHEAD,
    picture_of,
)
from support.placement_views import balanced_view, hand_view


def test_a_bar_is_its_overhead_then_what_stays_then_what_moves():
    picture = picture_of(hand_view())
    assert [node.name for node in picture.rows] == ["a", "b", "c"], "the fullest first, closed ones last"
    memory = picture.before[0]
    assert [(piece.guest, piece.moves) for piece in memory.bars[0].pieces] == [(OVERHEAD, False), ("g1", False), ("g2", True)]
    assert [piece.start for piece in memory.bars[0].pieces] == pytest.approx([0.0, 0.1, 0.5])
    assert [piece.width for piece in memory.bars[0].pieces] == pytest.approx([0.1, 0.4, 0.3])
    assert (memory.bars[0].share, memory.bars[0].reserve) == (0.8, 0.25)
    assert [piece.guest for piece in picture.after[0].bars[1].pieces] == ["g3", "g2", "g4"], "a stopped guest takes nothing"
    assert [stack.breaches for stack in picture.before[0].bars] == [1, 0, 1]
    assert [stack.breaches for stack in picture.after[0].bars] == [0, 0, 0]
    assert picture.before[0].bars[2].pieces[0].broken
    assert picture.widest == 1.25


@pytest.mark.parametrize("seed", range(3))
def test_pieces_fill_the_bar_and_keep_their_colour(seed):
    view, _document, _answer = balanced_view({"resources": {"cpu": 1, "memory": 1}}, seed=seed)
    picture = picture_of(view)
    tones = {}
    for panel in (*picture.before, *picture.after):
        for stack in panel.bars:
            assert sum(piece.width for piece in stack.pieces) == pytest.approx(stack.share)
            for piece in stack.pieces:
                if piece.moves:
                    assert tones.setdefault(piece.guest, piece.tone) == piece.tone
    assert set(tones) == {guest for guest in view.moved if any(view.demand[guest].values())}
    shares = [view.share(view.before, node, "memory") for node in picture.rows if node.state == "open"]
    highest = [max(view.share(view.before, node, name) for name in ("cpu", "memory")) for node in picture.rows if node.state == "open"]
    assert highest == sorted(highest, reverse=True)
    assert len(shares) == 10


def test_each_move_has_a_place_of_its_own_in_the_order_of_the_waves():
    view, _document, answer = balanced_view()
    picture = picture_of(view)
    assert len(picture.arrows) == len(answer["moves"]) > 5
    places = [arrow.place for arrow in picture.arrows]
    assert places == sorted(set(places))
    for arrow in picture.arrows:
        assert (picture.rows[arrow.source].name, picture.rows[arrow.target].name) == (arrow.move.source, arrow.move.target)
        span = next(span for span in picture.spans if span.wave == arrow.move.wave)
        assert span.begin < arrow.place < span.end
    assert [span.wave for span in picture.spans] == sorted({move.wave for move in view.moves})
    assert all(one.end < other.begin for one, other in zip(picture.spans, picture.spans[1:], strict=False))
    neighbours = [one.tone != other.tone for one, other in zip(picture.arrows, picture.arrows[1:], strict=False)]
    assert sum(neighbours) > len(neighbours) / 2
    assert max(arrow.tone for arrow in picture.arrows) < len(COLOURS)


def test_a_large_cluster_shows_the_nodes_that_change_most():
    document = synthetic_cluster(nodes=70, guests_per_node=6, seed=1)
    view, _document, _answer = balanced_view(document=document)
    picture = picture_of(view)
    assert (len(picture.rows), picture.others) == (DETAIL, 70 - DETAIL)

    def change(node):
        return abs(view.share(view.after, node, "memory") - view.share(view.before, node, "memory"))

    shown = {node.name for node in picture.rows}
    hidden = [change(node) for node in view.nodes if node.name not in shown]
    assert min(change(node) for node in picture.rows) >= max(hidden)
    touching = [move for move in view.moves if move.source in shown or move.target in shown]
    assert picture.shown_moves == len(picture.arrows) == len(touching)
    assert any(DETAIL in (arrow.source, arrow.target) for arrow in picture.arrows), "the row of all others"
    assert picture_of(view, bars=70).others == 0


def test_too_many_moves_are_counted_by_node():
    document = synthetic_cluster(nodes=40, guests_per_node=20, seed=1)
    view, _document, answer = balanced_view({"strategy": "greedy", "target_spread": 0.02}, document=document)
    assert len(answer["moves"]) > ARROWS
    picture = picture_of(view)
    assert picture.arrows == []
    for node, (leave, come) in zip(picture.rows, picture.tally, strict=True):
        assert leave == sum(move["from"] == node.name for move in answer["moves"])
        assert come == sum(move["to"] == node.name for move in answer["moves"])
