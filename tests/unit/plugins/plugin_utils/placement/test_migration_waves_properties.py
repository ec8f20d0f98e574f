# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moves on random clusters: what is ordered can be carried out, and what an exhaustive search can order is ordered."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.limits import read_limits
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.moves import read_moves
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves, order
from unit.verifiers.waves import violations

NOW = 1_763_700_000


# Drawn by a seed: hypothesis prefers small cases, in which no node is ever in the way of another.
SEEDS = st.integers(0, 2**32)


def _cluster(draw, most_nodes, most_guests):
    """Return a cluster document with little room on its nodes, and now and then one that is over its capacity."""
    names = [f"n{number}" for number in range(draw.randint(2, most_nodes))]
    guests = []
    for number in range(draw.randint(3, most_guests)):
        guest = {
            "id": f"{draw.choice(['lxc', 'qemu'])}/{number}",
            "node": draw.choice(names),
            "cpu": draw.choice([0, 0.1, 0.7]),
            "memory": draw.randint(1, 6),
            "running": draw.random() < 0.95,
            "disks": draw.choice([[], [], [], [], [], [{"storage": "local", "bytes": 3}], [{"storage": "san", "bytes": 9}]]),
        }
        if draw.random() < 0.03:
            guest["pinned_to"] = draw.sample(names, draw.randint(1, len(names)))
        guests.append(guest)
    nodes = []
    for name in names:
        used = sum(guest["memory"] for guest in guests if guest["node"] == name and guest["running"])
        node = {
            "name": name,
            "cpu": draw.choice([2.4, 5, 9]),
            "memory": used + 2 + draw.choice([-1, 0, 1, 2, 3, 4, 5, 6, 8]),
            "overhead": {"cpu": 0.3},
            "reserve": {"memory": 2},
            "storages": {"local": {"bytes": 12, "used": draw.randint(0, 9)}, "san": {"bytes": 1, "used": 1, "shared": True}},
        }
        if draw.random() < 0.04:
            node[draw.choice(["maintenance", "online"])] = draw.random() < 0.5
        nodes.append(node)
    rules = [
        {"kind": "apart", "guests": [guest["id"] for guest in draw.sample(guests, 2)], "strict": draw.random() < 0.7}
        for _number in range(2)
    ]
    return {"nodes": nodes, "guests": guests, "rules": rules[: draw.choice([0, 0, 1, 2])]}


def _case(draw, most_nodes=6, most_guests=14, most_moves=8, several=True):
    """Return a cluster and moves on it: guests that change places in a ring, single ones, and, if wanted, some guests with several moves."""
    cluster = _cluster(draw, most_nodes, most_guests)
    names = [node["name"] for node in cluster["nodes"]]
    movers = draw.sample(cluster["guests"], draw.randint(1, min(most_moves, len(cluster["guests"]))))
    ring = draw.choice([0, min(2, len(movers)), min(3, len(movers)), len(movers)])
    moves = []
    for number, guest in enumerate(movers):
        at = guest["node"]
        targets = [draw.choice(names) for _target in range(draw.choice([1, 1, 1, 3]) if several else 1)]
        for target in [movers[(number + 1) % ring]["node"]] if number < ring else targets:
            if target != at or several:
                moves.append({"guest": guest["id"], "from": at, "to": target, "kind": draw.choice(["repair", "balance"])})
            at = target
    return cluster, moves


def _knot(draw, most_nodes=5, most_moves=7):
    """Return a cluster and moves that end well on nodes with hardly more room than that needs, and one node beside them."""
    names = [f"n{number}" for number in range(draw.randint(2, most_nodes))]
    guests = [
        {"id": f"qemu/{number}", "node": draw.choice(names), "cpu": draw.choice([0, 1]), "memory": draw.randint(1, 6), "disks": []}
        for number in range(draw.randint(2, most_moves + 2))
    ]
    moves = [
        {
            "guest": guest["id"],
            "from": guest["node"],
            "to": draw.choice([name for name in names if name != guest["node"]]),
            "kind": "balance",
        }
        for guest in guests[:most_moves]
    ]
    ends = {move["guest"]: move["to"] for move in moves}
    nodes = [{"name": "spare", "cpu": draw.choice([0, 1, 9]), "memory": draw.choice([0, 3, 6, 12])}]
    for name in names:
        node = {"name": name}
        for resource in ("cpu", "memory"):
            before = sum(guest[resource] for guest in guests if guest["node"] == name)
            after = sum(guest[resource] for guest in guests if ends.get(guest["id"], guest["node"]) == name)
            node[resource] = max(before, after) + draw.choice([0, 0, 1, 2])
        nodes.append(node)
    return {"nodes": nodes, "guests": guests, "rules": []}, moves


LIMITS = st.fixed_dictionaries(
    {}, optional={"global": st.integers(1, 4), "per_node_in": st.integers(1, 3), "per_node_out": st.integers(1, 3)}
)


@settings(max_examples=400, deadline=None)
@given(SEEDS, LIMITS)
def test_what_is_ordered_can_be_carried_out(seed, limits):
    """Also what remains of a list that as a whole has no order."""
    draw = random.Random(seed)
    cluster, moves = draw.choice([_case, _knot])(draw)
    known = read_cluster(cluster)
    asked = [one.move for one in read_moves(moves, known)]
    ordered = order(known, asked, read_limits(limits, len(known.nodes)))
    waves = [
        {
            "wave": number,
            "not_before": wave.not_before,
            "moves": [
                {"guest": known.guests[one.guest], "from": known.nodes[one.source], "to": known.nodes[one.target], "kind": one.kind}
                for one in wave.moves
            ],
        }
        for number, wave in enumerate(ordered.waves, start=1)
    ]
    left = {known.guests[move.guest] for move, _why in ordered.impossible}
    event(f"{len(waves)} waves, {len(ordered.parked)} parked, {len(left)} left")
    assert violations([move for move in moves if move["guest"] not in left], cluster, limits, waves) == []
    if left:
        with pytest.raises(InputError) as error:
            migration_waves(moves, cluster, limits)
        assert all(f"{name} from " in str(error.value) for name in left)
    else:
        keys = ("guest", "from", "to", "kind")
        told = [
            {**wave, "moves": [{key: move[key] for key in keys} for move in wave["moves"]]}
            for wave in migration_waves(moves, cluster, limits)
        ]
        assert told == [{**wave, "seconds": None if any(_moves_bytes(wave, cluster)) else 0} for wave in waves]


def _moves_bytes(wave, cluster):
    guests = {guest["id"]: {"running": True, **guest} for guest in cluster["guests"]}
    return [_bytes(guests[move["guest"]]) > 0 for move in wave["moves"]]


@settings(max_examples=100, deadline=None)
@given(SEEDS, LIMITS)
def test_the_order_of_the_documents_does_not_matter(seed, limits):
    shuffler = random.Random(seed)
    cluster, moves = shuffler.choice([_case, _knot])(shuffler)
    mixed = {key: shuffler.sample(cluster[key], len(cluster[key])) for key in cluster}

    def answer(moves, cluster):
        try:
            return migration_waves(moves, cluster, limits)
        except InputError as error:
            return str(error)

    rules = {**mixed, "rules": cluster["rules"]}
    assert answer(shuffler.sample(moves, len(moves)), rules) == answer(moves, cluster)


@settings(max_examples=200, deadline=None)
@given(SEEDS)
def test_whatever_can_be_ordered_is_ordered_with_as_few_stops(seed):
    draw = random.Random(seed)
    if draw.random() < 0.3:
        cluster, moves = _case(draw, most_nodes=4, most_guests=8, most_moves=6, several=False)
    else:
        cluster, moves = _knot(draw, most_nodes=3, most_moves=5)
    stops = _least_stops(cluster, moves)
    event(f"{stops} stops")
    if stops is None:
        with pytest.raises(InputError, match="no order for"):
            migration_waves(moves, cluster)
    else:
        waves = migration_waves(moves, cluster)
        assert sum(move["kind"] == "park" for wave in waves for move in wave["moves"]) == stops


def _least_stops(cluster, moves):
    """Return the least number of stops of any order of single migrations, None = there is none (Dijkstra over all states)."""
    targets = {move["guest"]: move["to"] for move in moves if move["from"] != move["to"]}
    names = sorted(targets)
    homes = {guest["id"]: guest["node"] for guest in cluster["guests"]}
    begin = tuple(homes[name] for name in names)
    heap, done = [(0, begin)], set()
    while heap:
        stops, state = heapq.heappop(heap)
        if state in done:
            continue
        done.add(state)
        if all(targets[name] == node for name, node in zip(names, state, strict=True)):
            return stops
        now = _document(cluster, dict(zip(names, state, strict=True)))
        for number, name in enumerate(names):
            if state[number] == targets[name]:
                continue
            away = state[number] != homes[name]
            for node in [targets[name]] if away else [node["name"] for node in cluster["nodes"] if node["name"] != homes[name]]:
                step = {"guest": name, "from": state[number], "to": node, "kind": "balance"}
                if not violations([step], now, {}, [{"wave": 1, "moves": [step], "not_before": None}]):
                    heapq.heappush(heap, (stops + (node != targets[name]), (*state[:number], node, *state[number + 1 :])))
    return None


def _document(cluster, where):
    """Return the document of the cluster with guests somewhere else, and the disks that came and went counted."""
    guests = [{**guest, "node": where.get(guest["id"], guest["node"])} for guest in cluster["guests"]]
    nodes = []
    for node in cluster["nodes"]:
        if "storages" not in node:
            nodes.append(node)
            continue
        local = node["storages"]["local"]
        change = sum(
            ((now["node"] == node["name"]) - (then["node"] == node["name"])) * disk["bytes"]
            for now, then in zip(guests, cluster["guests"], strict=True)
            for disk in now["disks"]
            if disk["storage"] == "local"
        )
        full = {**local, "bytes": max(local["bytes"], local["used"]), "used": local["used"] + change}
        nodes.append({**node, "storages": {**node["storages"], "local": full}})
    return {**cluster, "nodes": nodes, "guests": guests}


@pytest.mark.parametrize("seed", range(12))
def test_few_waves_where_no_move_waits_for_another(seed):
    """With room for all moves at once the limits alone bind, and the busiest node tells the least number of waves."""
    draw = random.Random(seed)
    count = draw.choice([4, 12, 40])
    nodes = [{"name": f"n{number:02}", "cpu": 10_000, "memory": 10_000} for number in range(count)]
    guests = [{"id": f"qemu/{number}", "node": draw.choice(nodes)["name"], "cpu": 1, "memory": 1} for number in range(count * 8)]
    hot = draw.sample([node["name"] for node in nodes], 3)
    moves = []
    for guest in draw.sample(guests, count * 5):
        target = draw.choice(
            [node["name"] for node in nodes if node["name"] != guest["node"]] + [one for one in hot if one != guest["node"]] * 3
        )
        moves.append({"guest": guest["id"], "from": guest["node"], "to": target, "kind": draw.choice(["repair", "balance", "balance"])})
    limits = {"per_node_in": draw.choice([1, 2, 3]), "per_node_out": draw.choice([1, 2])}
    waves = migration_waves(moves, {"nodes": nodes, "guests": guests}, limits)
    assert violations(moves, {"nodes": nodes, "guests": guests}, limits, waves) == []
    assert len(waves) <= _least_waves(moves, limits, count) + 1


def _least_waves(moves, limits, nodes):
    found = [-(-len(moves) // max(4, nodes // 4))]
    for key, option in (("from", "per_node_out"), ("to", "per_node_in")):
        ends = [move[key] for move in moves]
        found += [-(-ends.count(node) // limits[option]) for node in set(ends)]
    return max(found)


CLOCKS = st.sampled_from(["00:00", "01:30", "06:00", "12:00", "20:00", "23:30"])
WINDOWS = st.lists(
    st.fixed_dictionaries(
        {"from": CLOCKS, "to": CLOCKS},
        optional={"kinds": st.lists(st.sampled_from(["live", "restart", "offline"]), min_size=1, max_size=2, unique=True)},
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(SEEDS, LIMITS, WINDOWS, st.integers(NOW, NOW + 86400), st.floats(0.0005, 1))
def test_moves_begin_and_end_in_a_window_for_them(seed, limits, windows, now, bandwidth):
    cluster, moves = _case(random.Random(seed))
    limits = {**limits, "windows": windows, "now": now, "bandwidth_bytes_per_second": bandwidth}
    try:
        waves = migration_waves(moves, cluster, limits)
    except InputError:
        event("no order")
        with pytest.raises(InputError, match="no order for"):
            migration_waves(moves, cluster, limits)
        return
    assert violations(moves, cluster, limits, waves) == []
    guests = {guest["id"]: guest for guest in cluster["guests"]}
    moment = now
    for wave in waves:
        moment = max(moment, wave["not_before"] or 0)
        assert wave["seconds"] == pytest.approx(_seconds(wave["moves"], guests, bandwidth))
        for move in wave["moves"]:
            mode = "offline" if not guests[move["guest"]]["running"] else "restart" if move["guest"].startswith("lxc/") else "live"
            # Every minute of the time that it takes alone is inside.
            alone = _seconds([move], guests, bandwidth)
            for second in [*range(int(moment), int(moment + alone), 60), moment + alone * 0.999999]:
                assert any(_is_open(window, second % 86400) for window in windows if mode in window.get("kinds", [mode])), (move, second)
        moment += wave["seconds"]


def _seconds(moves, guests, bandwidth):
    longest = 0.0
    for move in moves:
        size = _bytes(guests[move["guest"]])
        sharing = [sum(one[key] == move[key] and _bytes(guests[one["guest"]]) > 0 for one in moves) for key in ("from", "to")]
        longest = max(longest, size * max(sharing) / bandwidth)
    return longest


def _bytes(guest):
    return guest["memory"] * guest["running"] + sum(disk["bytes"] for disk in guest["disks"] if disk["storage"] == "local")


def _is_open(window, second):
    begin, end = (int(window[key][:2]) * 3600 + int(window[key][3:]) * 60 for key in ("from", "to"))
    return begin <= second < end if begin < end else second >= begin or second < end
