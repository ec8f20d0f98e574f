# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves and time: how long they take, and in which windows they run."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from support.small_clusters import guest, move, node
from unit.verifiers.waves import violations

DAY = 86400
MIDNIGHT = 20_000 * DAY


def test_a_wave_takes_as_long_as_its_longest_move():
    nodes = [node("a", 99, link_bytes_per_second=10), node("b", 99, link_bytes_per_second=100), node("c", 99)]
    guests = [
        guest("g", "a", 40),
        guest("h", "a", 20),
        guest("i", "b", 30),
        guest("j", "b", 5, migration={"seconds": {"0.5": 33, "0.9": 99}}),
    ]
    cluster = {"nodes": nodes, "guests": guests}
    both = [move("g", "a", "b"), move("h", "a", "c")]
    # Two share the link of a: 5 bytes a second each.
    assert migration_waves(both, cluster)[0]["seconds"] == pytest.approx(8)
    assert migration_waves(both[:1], cluster)[0]["seconds"] == pytest.approx(4)
    assert migration_waves(both[:1], cluster, {"bandwidth_bytes_per_second": 4})[0]["seconds"] == pytest.approx(10)
    assert migration_waves([move("i", "b", "c")], cluster)[0]["seconds"] == pytest.approx(0.3)
    assert migration_waves([move("i", "b", "c"), move("j", "b", "c")], cluster)[0]["seconds"] == pytest.approx(33)
    unknown = {"nodes": [node("a", 99), node("c", 99)], "guests": [guest("g", "a"), {**guests[3], "node": "a"}]}
    assert migration_waves([move("g", "a", "c")], unknown)[0]["seconds"] is None
    assert migration_waves([move("g", "a", "c"), move("j", "a", "c")], unknown)[0]["seconds"] is None
    assert migration_waves([move("j", "a", "c")], unknown)[0]["seconds"] == 33
    told = {**unknown, "guests": [guest("g", "a", migration={"bytes": {"0.5": 50}})]}
    assert migration_waves([move("g", "a", "c")], told, {"bandwidth_bytes_per_second": 10})[0]["seconds"] == 5
    nothing = {**unknown, "guests": [guest("g", "a", running=False)]}
    assert migration_waves([move("g", "a", "c")], nothing)[0]["seconds"] == 0


def test_each_way_of_migrating_has_its_windows():
    cluster = {
        "nodes": [node("a", 99, link_bytes_per_second=0.01), node("b", 99)],
        "guests": [
            guest("lxc/1", "a", 6),
            guest("qemu/1", "a", 6),
            guest("qemu/2", "a", 6, running=False),
            guest("qemu/3", "a", 6, migration={"mode": "restart"}),
        ],
    }
    moves = [move(one["id"], "a", "b") for one in cluster["guests"]]
    windows = [{"from": "00:00", "to": "00:00", "kinds": ["live"]}, {"from": "22:30", "to": "04:00", "kinds": ["restart", "offline"]}]
    waves = migration_waves(moves, cluster, {"now": MIDNIGHT + 12 * 3600, "windows": windows})
    assert [([one["guest"] for one in wave["moves"]], wave["not_before"], wave["seconds"]) for wave in waves] == [
        (["qemu/1"], None, 600),
        (["lxc/1", "qemu/2"], MIDNIGHT + 22.5 * 3600, 600),
        (["qemu/3"], MIDNIGHT + 22.5 * 3600, 600),
    ]
    at_night = migration_waves(moves, cluster, {"now": MIDNIGHT + 3600, "windows": windows})
    assert {wave["not_before"] for wave in at_night} == {None}
    with pytest.raises(InputError, match=r"lxc/1 from a to b .no window is for restart.; qemu/2 .*no window is for offline.; qemu/3"):
        migration_waves(moves, cluster, {"now": MIDNIGHT, "windows": windows[:1]})


def test_a_move_ends_within_its_window():
    cluster = {"nodes": [node("a", 99), node("b", 99)], "guests": [guest("g", "a", 10), guest("h", "a", 10)]}
    moves = [move("g", "a", "b"), move("h", "a", "b")]
    hour = {"from": "01:00", "to": "02:00"}
    # Alone each takes 2,400 s; both together, or one after the other, are too long for an hour.
    limits = {"bandwidth_bytes_per_second": 10 / 2400, "now": MIDNIGHT + 3600, "windows": [hour]}
    assert [(wave["not_before"], wave["seconds"]) for wave in migration_waves(moves, cluster, limits)] == [
        (None, pytest.approx(2400)),
        (MIDNIGHT + DAY + 3600, pytest.approx(2400)),
    ]
    longer = {**limits, "windows": [hour, {"from": "02:00", "to": "02:30"}]}
    assert [(wave["not_before"], wave["seconds"]) for wave in migration_waves(moves, cluster, longer)] == [(None, pytest.approx(4800))]
    with pytest.raises(InputError, match=r"2 of 2 moves: g from a to b .it takes longer than the longest window for live"):
        migration_waves(moves, cluster, {**limits, "bandwidth_bytes_per_second": 10 / 3601})


def test_what_takes_ages_ends_all_the_same():
    """Beyond 2^53 a clock does not go on any more; a window that never closes is not for that."""
    cluster = {
        "nodes": [node("a", 99), node("b", 99)],
        "guests": [guest("lxc/1", "a"), guest("lxc/2", "a", migration={"seconds": {"0.5": 1e20}}), guest("qemu/1", "a")],
    }
    windows = [{"from": "00:00", "to": "00:00", "kinds": ["restart"]}, {"from": "01:00", "to": "02:00", "kinds": ["live"]}]
    limits = {"now": MIDNIGHT, "windows": windows, "per_node_in": 1, "bandwidth_bytes_per_second": 1e-6}
    moves = [move(one["id"], "a", "b") for one in cluster["guests"]]
    with pytest.raises(
        InputError, match=r"2 of 3 moves: lxc/2 .*longer than the longest window for restart, or than a year.; qemu/1 .*for live"
    ):
        migration_waves(moves, cluster, limits)
    waves = migration_waves(moves[:1], cluster, limits)
    assert [(wave["not_before"], wave["seconds"]) for wave in waves] == [(None, pytest.approx(1e7))]
    without = {key: value for key, value in limits.items() if key != "windows"}
    assert [wave["seconds"] for wave in migration_waves(moves, cluster, without)] == [pytest.approx(1e7), 1e20, pytest.approx(1e7)]
    assert violations(moves, cluster, without, migration_waves(moves, cluster, without)) == []


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"now": -5}, r"now is -5 \(int\); needed is a time in UTC seconds since 1970, such as 1763700000 \(O\(limits\.now\)\)"),
        ({"now": 1763700000000}, "now is 1763700000000 .*; needed is a time in UTC seconds"),
        (
            {"windows": [{"from": "01:00", "to": "02:00"}]},
            r"now is missing; needed is the time in UTC seconds, as there are windows \(O\(limits\.now\)\)",
        ),
        (
            {"now": 0, "windows": [{"from": 79200, "to": "02:00"}]},
            r"Window 0: from is 79200 \(int\); needed is a time of day in UTC, quoted, such as",
        ),
        ({"now": 1, "windows": [{"from": "1:00", "to": "02:00"}]}, "from is '1:00' .*; needed is a time of day in UTC"),
        ({"now": 1, "windows": [{"from": "01:00"}]}, "Window 0: to is missing; needed is a time of day in UTC"),
        (
            {"now": 1, "windows": [{"from": "01:00", "to": "02:00", "kinds": ["warm"]}]},
            "kinds is 'warm' .*; needed is a list of live, restart",
        ),
        ({"now": 1, "windows": [{"from": "01:00", "to": "02:00", "days": []}]}, "unknown key 'days'"),
    ],
)
def test_bad_times_are_named(limits, message):
    cluster = {"nodes": [node("a"), node("b")], "guests": [guest("g", "a")]}
    with pytest.raises(InputError, match=message):
        migration_waves([], cluster, limits)
