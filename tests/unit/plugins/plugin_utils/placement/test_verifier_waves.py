# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The verifier of waves finds what is wrong with an order: each order here breaks one thing."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify_waves

DAY = 86400
MIDNIGHT = 1_763_683_200
LIMITS = {"global": 2, "per_node_in": 2, "per_node_out": 2, "now": MIDNIGHT, "bandwidth_bytes_per_second": 10}


def move(guest, source, target, size=40, kind="balance"):
    return {"guest": guest, "from": source, "to": target, "kind": kind, "cost": {"bytes": size}}


@pytest.fixture
def cluster():
    """Three nodes; q1 and q2 fill two of them and change places by way of the third."""
    return {
        "nodes": [{"name": name, "cpu": 10, "memory": 100, "storages": {"disks": {"bytes": 100, "used": 50}}} for name in "abc"],
        "guests": [
            {"id": "qemu/1", "node": "a", "cpu": 1, "memory": 60, "disks": [{"storage": "disks", "bytes": 10}]},
            {"id": "qemu/2", "node": "b", "cpu": 1, "memory": 60},
            {"id": "lxc/3", "node": "a", "cpu": 1, "memory": 20},
            {"id": "lxc/4", "node": "b", "cpu": 1, "memory": 20, "running": False},
        ],
        "rules": [],
    }


MOVES = [move("qemu/1", "a", "b", 60), move("qemu/2", "b", "a", 60), move("lxc/3", "a", "c", 20)]


@pytest.fixture
def waves():
    return [
        {"wave": 1, "seconds": 6, "moves": [move("qemu/1", "a", "c", 60, "park"), move("lxc/3", "a", "c", 20)]},
        {"wave": 2, "seconds": 6, "moves": [MOVES[1]]},
        {"wave": 3, "seconds": 6, "moves": [move("qemu/1", "c", "b", 60)]},
    ]


def test_a_right_order_has_nothing_wrong(cluster, waves):
    assert verify_waves(cluster, MOVES, waves, LIMITS) == []
    assert verify_waves(cluster, MOVES, waves, None) == []
    assert verify_waves(cluster, [], [], {}) == []


def test_how_long_a_wave_takes_is_not_known_if_that_of_one_of_its_moves_is_not(cluster, waves):
    waves[0]["seconds"] = None
    waves[0]["moves"][0]["cost"]["seconds"] = 6
    assert verify_waves(cluster, MOVES, waves, {}) == []
    waves[0]["moves"][1]["cost"]["seconds"] = 2
    assert verify_waves(cluster, MOVES, waves, {}) == ["Wave 1: how long each move takes is known, the wave takes None s."]


def shift(waves, guest, source, target):
    """Move a guest from one wave to another."""
    (found,) = (one for one in waves[source]["moves"] if one["guest"] == guest)
    waves[source]["moves"].remove(found)
    waves[target]["moves"].append(found)


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (lambda w: shift(w, "qemu/2", 1, 0), "Wave 1: memory of a holds 140 of 100 while both copies exist."),
        (lambda w: shift(w, "qemu/1", 2, 1), "Wave 2: memory of b holds 120 of 100 while both copies exist."),
        (lambda w: w.reverse(), "is to leave c, but is on a"),
        (lambda w: w[0]["moves"].append(w[0]["moves"][1]), "Wave 1: lxc/3 moves 2 times."),
        (lambda w: w[1]["moves"].append(w[0]["moves"][1]), "Wave 2: lxc/3 is to leave a, but is on c."),
        (lambda w: w[0]["moves"].pop(1), "lxc/3 is never moved from a to c."),
        (lambda w: w.pop(), "qemu/1 goes from a to c, wanted was from a to b."),
        (lambda w: w[0]["moves"][0].update(kind="balance"), "qemu/1 moves 2 times, and not to park it."),
        (lambda w: w[1]["moves"].append(move("lxc/4", "b", "c", 0)), "lxc/4 was not to be moved."),
        (lambda w: w[1]["moves"].append(move("lxc/9", "b", "c", 0)), "names an unknown guest or node"),
        (lambda w: w[0]["moves"].append(move("qemu/2", "b", "c")), "3 moves at once; global is 2."),
        (lambda w: w[0].update(seconds=5), "Wave 1: qemu/1 takes 6 s, the wave 5 s."),
        (lambda w: w[0].pop("seconds"), "Wave 1: how long each move takes is known, the wave takes None s."),
        (lambda w: w[1].update(wave=1), "The waves are not numbered in their order: [1, 1, 3]."),
        (lambda w: w[0]["moves"][1].update(to="a"), "lxc/3 goes nowhere"),
    ],
)
def test_a_wrong_order_is_noticed(cluster, waves, break_it, told):
    break_it(waves)
    wrong = verify_waves(cluster, MOVES, waves, LIMITS)
    assert any(told in line for line in wrong), wrong


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"global": 1}, ["Wave 1: 2 moves at once; global is 1."]),
        ({"per_node_in": 1}, ["Wave 1: 2 moves at once into c; per_node_in is 1."]),
        ({"per_node_out": 1}, ["Wave 1: 2 moves at once out of a; per_node_out is 1."]),
        ({"global": None, "per_node_in": None}, []),
    ],
)
def test_limits(cluster, waves, limits, told):
    assert verify_waves(cluster, MOVES, waves, limits) == told


def test_a_list_is_reduced_to_first_sources_and_last_targets(cluster):
    wanted = [move("lxc/3", "a", "b", 20), move("lxc/3", "b", "c", 20), move("qemu/2", "b", "c"), move("qemu/2", "c", "b")]
    waves = [{"wave": 1, "seconds": 2, "moves": [move("lxc/3", "a", "c", 20)]}]
    assert verify_waves(cluster, wanted, waves, LIMITS) == []


def test_disks_take_room_on_both_nodes_and_storage_must_be_there(cluster, waves):
    cluster["nodes"][2]["storages"]["disks"]["used"] = 91
    assert verify_waves(cluster, MOVES, waves, LIMITS) == ["Wave 1: disks of c holds 10 of 9 while both copies exist."]
    cluster["nodes"][2]["storages"] = {"other": {}}
    wrong = verify_waves(cluster, MOVES, waves, LIMITS)
    assert wrong == ["Wave 1: qemu/1 is to arrive on c, which lacks a storage of its disks."]


def test_nobody_arrives_where_it_must_not_be_not_even_for_a_while(cluster, waves):
    cluster["guests"][0]["pinned_to"] = ["a", "b"]
    assert verify_waves(cluster, MOVES, waves, LIMITS) == ["Wave 1: qemu/1 must not arrive on c: it is pinned to a, b."]
    cluster["guests"][0]["pinned_to"] = []
    cluster["nodes"][2]["maintenance"] = True
    assert len(verify_waves(cluster, MOVES, waves, LIMITS)) == 2
    cluster["nodes"][2]["maintenance"] = False
    cluster["guests"][0]["movable"] = False
    cluster["nodes"][1]["online"] = False
    wrong = verify_waves(cluster, MOVES, waves, LIMITS)
    assert "Wave 1: qemu/1 must not move." in wrong
    assert "Wave 2: qemu/2 is to leave b, which is offline." in wrong


def test_a_node_that_is_too_full_already_may_give(cluster):
    cluster["guests"][2]["memory"] = 70
    waves = [{"wave": 1, "seconds": 7, "moves": [move("lxc/3", "a", "c", 70)]}]
    assert verify_waves(cluster, [move("lxc/3", "a", "c", 70)], waves, LIMITS) == []


@pytest.mark.parametrize(
    ("window", "fits"),
    [
        ({"from": "00:00", "to": "01:00"}, True),
        ({"from": "23:00", "to": "00:01"}, True),
        ({"from": "12:00", "to": "12:00"}, True),
        ({"from": "00:01", "to": "23:00"}, False),
        ({"from": MIDNIGHT, "to": MIDNIGHT + 60}, True),
        ({"from": MIDNIGHT, "to": MIDNIGHT + 17}, False),
        ({"from": "00:01", "to": "23:00", "kinds": ["evacuate", "lxc"]}, False),
        ({"from": "00:01", "to": "23:00", "kinds": ["park"]}, False),
        ({"from": "00:01", "to": "23:00", "kinds": ["evacuate", "offline"]}, True),
    ],
)
def test_windows(cluster, waves, window, fits):
    wrong = verify_waves(cluster, MOVES, waves, {"now": MIDNIGHT, "windows": [window]})
    assert (wrong == []) is fits
    assert all("outside of the windows of its kind" in line for line in wrong)


def test_a_wave_begins_when_the_one_before_is_done_and_not_before_its_time(cluster, waves):
    limits = {"now": MIDNIGHT, "windows": [{"from": "06:00", "to": "06:01", "kinds": ["qemu"]}]}
    waves[0]["not_before"] = MIDNIGHT + 6 * 3600
    assert verify_waves(cluster, MOVES, waves, limits) == []
    waves[0]["seconds"] = 50
    assert verify_waves(cluster, MOVES, waves, limits) == [
        f"Wave 3: qemu/1 runs from {MIDNIGHT + 6 * 3600 + 56} to {MIDNIGHT + 6 * 3600 + 62}, outside of the windows of its kind."
    ]


def test_a_wave_of_no_known_time_is_in_no_window(cluster, waves):
    wrong = verify_waves(cluster, MOVES, waves, {"windows": [{"from": "06:00", "to": "06:01", "kinds": ["lxc"]}]})
    assert wrong == ["Wave 1: lxc/3 runs from None to None, outside of the windows of its kind."]


def test_a_window_that_is_none_is_told(cluster, waves):
    with pytest.raises(InputError, match=r"needed is a time of day \(HH:MM\) in UTC \(O\(limits.windows\)\)"):
        verify_waves(cluster, MOVES, waves, {"now": MIDNIGHT, "windows": [{"from": "6", "to": "06:01"}]})
