# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waves of single cases: parking, reduction, rules, limits and errors."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.limits import read_limits
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import Move
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier import verify_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves, order
from support.small_clusters import move
from unit.verifiers.waves import violations


def node(name, memory=8, **fields):
    return {"name": name, "cpu": 100, "memory": memory, **fields}


def guest(name, where, memory=4, **fields):
    return {"id": name, "node": where, "cpu": 1, "memory": memory, **fields}


def hops(waves):
    """Return the moves of each wave as texts."""
    return [[f"{one['guest']} {one['from']} {one['to']} {one['kind']}" for one in wave["moves"]] for wave in waves]


def ring(count, *more):
    """Return full nodes and moves of one guest of each to the next; the larger the number of a guest, the smaller it is."""
    nodes = [node(f"n{number}", memory=8) for number in range(count)]
    guests = [guest(f"g{number}", f"n{number}", memory=5 - number / 10) for number in range(count)]
    moves = [move(f"g{number}", f"n{number}", f"n{(number + 1) % count}", kind="repair") for number in range(count)]
    return {"nodes": [*nodes, *more], "guests": guests}, moves


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_cheapest_guest_of_a_ring_waits_on_a_third_node(count):
    cluster, moves = ring(count, node("spare", memory=5))
    waves = migration_waves(moves, cluster)
    last = f"g{count - 1}"
    assert hops(waves)[0] == [f"{last} n{count - 1} spare park"]
    assert hops(waves)[-1] == [f"{last} spare n0 repair"]
    assert len(waves) == count + 1
    assert violations(moves, cluster, {}, waves) == []
    assert waves[0]["moves"][0]["reason"] == "It waits here until n0 has room."
    assert waves[0]["moves"][0]["cost"] == {"bytes": 5}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(
    "more",
    [
        [],
        [node("spare", memory=1)],
        [node("spare", maintenance=True)],
        [node("spare", online=False)],
        [node("spare", reserve={"memory": 4})],
    ],
    ids=["none", "small", "maintenance", "offline", "reserved"],
)
def test_a_ring_without_a_third_node_names_all_of_it(count, more):
    cluster, moves = ring(count, *more)
    with pytest.raises(
        InputError, match=f"no order for {count} of {count} moves: g0 from n0 to n1 .n1 has 3 B of memory left, needed are 5 B"
    ) as error:
        migration_waves(moves, cluster)
    assert all(f"g{number} from n{number}" in str(error.value) for number in range(count))
    assert str(error.value).endswith("(O(moves)).")


def test_a_dearer_guest_waits_where_the_cheapest_may_not():
    cluster, moves = ring(2, node("spare"))
    cluster["guests"][1]["pinned_to"] = ["n0", "n1"]
    assert hops(migration_waves(moves, cluster)) == [["g0 n0 spare park"], ["g1 n1 n0 repair"], ["g0 spare n1 repair"]]


def test_an_answer_is_its_own_answer():
    cluster, moves = ring(3, node("spare", memory=5))
    waves = migration_waves([{**one, "reason": "because"} for one in moves], cluster)
    assert migration_waves([one for wave in waves for one in wave["moves"]], cluster) == waves


def test_a_list_is_reduced_in_whatever_order_it_comes():
    cluster = {"nodes": [node(name) for name in "abc"], "guests": [guest("g", "a"), guest("h", "b"), guest("i", "c")]}
    steps = [
        move("g", "a", "b", "evacuate", reason="why"),
        move("g", "b", "a"),
        move("g", "a", "c"),
        move("h", "b", "a"),
        move("h", "a", "b"),
    ]
    for moves in (steps, steps[::-1]):
        (wave,) = migration_waves(moves, cluster, {"bandwidth_bytes_per_second": 2})
        expected = move("g", "a", "c", "evacuate", reason="why", cost={"bytes": 4.0, "seconds": 2.0})
        assert wave == {"wave": 1, "not_before": None, "moves": [expected], "seconds": 2.0}
    assert migration_waves([move("h", "b", "a"), move("h", "a", "b"), move("i", "c", "c")], cluster) == []
    assert migration_waves([], cluster) == []


@pytest.mark.parametrize(
    "moves",
    [
        [move("g", "b", "c")],
        [move("g", "a", "b"), move("g", "a", "c")],
        [move("g", "a", "b"), move("g", "c", "a")],
        [move("g", "b", "c"), move("g", "c", "b")],
    ],
)
def test_moves_must_begin_where_their_guest_is(moves):
    cluster = {"nodes": [node(name) for name in "abc"], "guests": [guest("g", "a")]}
    with pytest.raises(InputError, match=r"moves of g are from .*; needed are moves that begin where it is, on a, .*moves\[\]\.from"):
        migration_waves(moves, cluster)


def test_other_keys_are_passed_on():
    cluster = {"nodes": [node("a"), node("b")], "guests": [guest("g", "a")]}
    asked = {"guest": "g", "from": "a", "to": "b", "kind": "evacuate", "reason": "a closes", "cost": {"bytes": 7}, "note": [1]}
    assert migration_waves([asked], cluster)[0]["moves"] == [asked]


def test_what_leaves_is_free_in_the_next_wave():
    cluster = {"nodes": [node("a"), node("b"), node("c")], "guests": [guest("g", "a", memory=6), guest("h", "b", memory=6)]}
    waves = migration_waves([move("g", "a", "b"), move("h", "b", "c")], cluster)
    assert hops(waves) == [["h b c balance"], ["g a b balance"]]


def test_a_node_over_its_capacity_only_loses():
    nodes = [node("a", memory=8), node("b"), node("c")]
    guests = [guest("big", "a", 9), guest("small", "a", 1), guest("other", "b", 1), guest("off", "b", 5, running=False)]
    cluster = {"nodes": nodes, "guests": guests}
    with pytest.raises(InputError, match=r"1 of 2 moves: other from b to a .a has 0 B of memory left, needed are 1 B"):
        migration_waves([move("other", "b", "a"), move("small", "a", "c")], cluster)
    # What takes none of it may come.
    assert hops(migration_waves([move("off", "b", "a"), move("small", "a", "c")], cluster)) == [["off b a balance", "small a c balance"]]


def test_storage_of_a_node_is_a_limit_too():
    def storages(used):
        return {"local": {"bytes": 10, "used": used}}

    nodes = [node("a", storages=storages(6)), node("b", storages=storages(5)), node("c", storages=storages(0))]
    guests = [guest("g", "a", 1, disks=[{"storage": "local", "bytes": 6}]), guest("h", "b", 1, disks=[{"storage": "local", "bytes": 5}])]
    cluster = {"nodes": nodes, "guests": guests}
    assert hops(migration_waves([move("g", "a", "b"), move("h", "b", "c")], cluster)) == [["h b c balance"], ["g a b balance"]]
    with pytest.raises(InputError, match="b has 5 B of local left, needed are 6 B"):
        migration_waves([move("g", "a", "b")], cluster)


def test_a_guest_waits_until_the_one_it_must_be_apart_from_has_gone():
    rule = {"kind": "apart", "guests": ["g", "h"]}
    cluster = {"nodes": [node(name, memory=99) for name in "abc"], "guests": [guest("g", "a"), guest("h", "b")], "rules": [rule]}
    moves = [move("g", "a", "b"), move("h", "b", "c")]
    assert hops(migration_waves(moves, cluster)) == [["h b c balance"], ["g a b balance"]]
    swap = migration_waves([move("g", "a", "b"), move("h", "b", "a")], cluster)
    assert hops(swap) == [["g a c park"], ["h b a balance"], ["g c b balance"]]
    with pytest.raises(InputError, match="rule 0 keeps it apart from a guest that is on b"):
        migration_waves(moves[:1], cluster)
    soft = {**cluster, "rules": [{**rule, "strict": False}]}
    assert hops(migration_waves(moves, soft)) == [["g a b balance", "h b c balance"]]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"guests": [guest("g", "a", movable=False)]}, "it must not move"),
        ({"guests": [guest("g", "a", pinned_to=["a", "c"])]}, "it is pinned to other nodes than b"),
        ({"nodes": [node("a", online=False), node("b")]}, "a is offline"),
        ({"nodes": [node("a"), node("b", online=False)]}, "b is offline"),
        ({"nodes": [node("a"), node("b", maintenance=True)]}, "b is in maintenance"),
        ({"rules": [{"kind": "not_on_nodes", "guests": ["g"], "nodes": ["b"]}]}, "a strict rule keeps it from b"),
        ({"rules": [{"kind": "on_nodes", "guests": ["g"], "nodes": ["a"]}]}, "a strict rule keeps it from b"),
    ],
)
def test_what_can_never_be_done_is_told(change, why):
    cluster = {"nodes": [node("a"), node("b")], "guests": [guest("g", "a")], **change}
    with pytest.raises(InputError, match=f"no order for 1 of 1 moves: g from a to b .{why}"):
        migration_waves([move("g", "a", "b")], cluster)


def test_order_does_what_can_be_done_and_names_the_rest():
    document, _moves = ring(2)
    document["nodes"].append(node("free", memory=3))
    document["guests"].append(guest("small", "n0", memory=1))
    cluster = read_cluster(document)
    assert (cluster.nodes, cluster.guests) == (("free", "n0", "n1"), ("g0", "g1", "small"))
    ordered = order(cluster, [Move(2, 1, 0, "balance"), Move(1, 2, 1, "repair"), Move(0, 1, 2, "repair")], read_limits(None, 3))
    assert [wave.moves for wave in ordered.waves] == [(Move(2, 1, 0, "balance"),)]
    assert [move.guest for move, _why in ordered.impossible] == [0, 1]
    assert [why for _move, why in ordered.impossible] == [
        "n1 has 3 B of memory left, needed are 5 B",
        "n0 has 3 B of memory left, needed are 5 B",
    ]


def test_where_only_one_can_come_it_is_the_urgent_one():
    document = {"nodes": [node("a"), node("b"), node("c", memory=4)], "guests": [guest("g", "a"), guest("h", "b")]}
    for urgent in (0, 1):
        moves = [Move(number, number, 2, "evacuate" if number == urgent else "balance") for number in (0, 1)]
        ordered = order(read_cluster(document), moves, read_limits(None, 3))
        assert [wave.moves for wave in ordered.waves] == [(moves[urgent],)]
        assert [move for move, _why in ordered.impossible] == [moves[1 - urgent]]


def test_no_more_at_once_than_the_limits_allow():
    cluster = {
        "nodes": [node(f"n{number:02}", memory=99) for number in range(20)],
        "guests": [guest(f"g{number:02}", f"n{number % 10:02}", 1) for number in range(20)],
    }
    moves = [move(f"g{number:02}", f"n{number % 10:02}", f"n{10 + number % 10:02}") for number in range(20)]
    assert [len(wave["moves"]) for wave in migration_waves(moves, cluster)] == [5, 5, 5, 5]
    assert [len(wave["moves"]) for wave in migration_waves(moves, cluster, {"global": 20})] == [20]
    assert [len(wave["moves"]) for wave in migration_waves(moves, cluster, {"global": 20, "per_node_in": 1})] == [10, 10]
    assert [len(wave["moves"]) for wave in migration_waves(moves, cluster, {"global": 20, "per_node_out": 1})] == [10, 10]


def test_what_is_urgent_goes_first_where_that_costs_no_wave():
    cluster = {
        "nodes": [node(f"n{number}", memory=99) for number in range(8)],
        "guests": [guest(f"g{number}", f"n{number // 2}", 1) for number in range(8)],
    }
    kinds = ["balance", "repair", "balance", "evacuate", "balance", "repair", "balance", "evacuate"]
    moves = [move(f"g{number}", f"n{number // 2}", f"n{4 + number // 2}", kinds[number]) for number in range(8)]
    waves = migration_waves(moves, cluster, {"global": 4})
    assert [sorted(one["kind"] for one in wave["moves"]) for wave in waves] == [
        ["evacuate", "evacuate", "repair", "repair"],
        ["balance"] * 4,
    ]
    # The node with the most moves cannot wait.
    busy = [move(f"g{number}", f"n{number // 2}", "n7", "balance") for number in range(4)] + [
        move("g4", "n2", "n4", "repair"),
        move("g5", "n2", "n5", "repair"),
    ]
    assert len(migration_waves(busy, cluster, {"global": 2, "per_node_in": 1})) == 4


GOOD = {"nodes": [node("a"), node("b")], "guests": [guest("g", "a")]}


@pytest.mark.parametrize(
    ("moves", "limits", "message"),
    [
        ({"guest": "g"}, None, r"The moves are .* needed is the list that cluster_balance calls moves \(O\(moves\)\)"),
        (["g"], None, r"Move 0 is 'g' \(str\); needed is a mapping \(O\(moves\[0\]\)\)"),
        ([{"guest": "g", "from": "a"}], None, r"Move 0 has no to \(O\(moves\[0\]\.to\)\)"),
        ([{"guest": 7, "from": "a", "to": "b"}], None, "guest is 7 .int.; needed is a text"),
        ([move("x", "a", "b")], None, "guest is 'x' .*; needed is the id of a guest of the cluster document"),
        ([move("g", "a", "x")], None, "to is 'x' .*; needed is the name of a node of the cluster document"),
        ([move("g", "x", "a")], None, "from is 'x' .*; needed is the name of a node"),
        ([move("g", "a", "b", "fun")], None, "kind is 'fun' .*; needed is one of repair, evacuate, consolidate, balance, park"),
        ([], {"global": 0}, r"global is 0 .*; needed is a whole number of 1 or more \(O\(limits\.global\)\)"),
        ([], {"per_node_in": -1}, "per_node_in is -1"),
        ([], {"per_node_out": 1.5}, "per_node_out is 1.5"),
        ([], {"bandwidth_bytes_per_second": 0}, "bandwidth_bytes_per_second is 0 .*; needed is a number above 0"),
        ([], {"parallel": 3}, "unknown key 'parallel'"),
        ([], [], "The limits document is .* needed is a mapping"),
    ],
)
def test_bad_input_is_named(moves, limits, message):
    with pytest.raises(InputError, match=message):
        migration_waves(moves, GOOD, limits)


def test_a_bad_cluster_document_is_named():
    with pytest.raises(InputError, match="Guest g: node is 'x'"):
        migration_waves([], {**GOOD, "guests": [guest("g", "x")]})


def test_what_guests_may_use_is_limited_while_both_copies_exist():
    guests = [guest("g1", "a", 2, memory_max=6, cpu_max=1), guest("g2", "b", 2, memory_max=6, cpu_max=1)]
    cluster = {"nodes": [node("a"), node("b"), node("c")], "guests": guests}
    moves = [move("g1", "a", "b", "repair"), move("g2", "b", "a", "repair")]
    assert len(migration_waves(moves, cluster)) == 1
    waves = migration_waves(moves, cluster, {"overcommit": 1})
    assert [kind for wave in hops(waves) for kind in wave] == ["g1 a c park", "g2 b a repair", "g1 c b repair"]
    assert verify_waves(cluster, moves, waves, {"overcommit": 1}) == []
    together = migration_waves(moves, cluster)
    told = verify_waves(cluster, moves, together, {"overcommit": 1})
    assert told == [f"Wave 1: memory_max of {name} holds 12 of 8 while both copies exist." for name in "ab"]
    assert len(migration_waves(moves, cluster, {"overcommit": 1.5})) == 1


def test_a_lack_of_what_guests_may_use_is_named():
    cluster = {"nodes": [node("a"), node("b")], "guests": [guest("g", "a", 2, memory_max=2**40, cpu_max=3)]}
    with pytest.raises(InputError, match=r"b has 8 B of memory_max left, needed are 1 TiB"):
        migration_waves([move("g", "a", "b")], cluster, {"overcommit": 1})
