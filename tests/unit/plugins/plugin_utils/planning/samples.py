# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inputs of plans for tests: plain ones, and hypothesis strategies for odd ones."""

from __future__ import annotations

from hypothesis import strategies as st

GIB = 1 << 30
NOW = 1_763_700_000
HOSTS = ["web1", "web2", "db1", "prod-api"]


def volume(host="web1", name="data", size=10 * GIB, to=12 * GIB, **more):
    """Return an lv_resize as lv_allocate gives it."""
    return {
        "kind": "lv_resize",
        "host": host,
        "target": f"lv:{host}/vg0/{name}",
        "expect": {"uuid": f"uuid-{host}-{name}", "size": size},
        "from": {"size": size},
        "to": {"size": to},
        "reason": "forecast",
        "cost": {"bytes": to - size},
        **more,
    }


def guest(name="lxc/104", before=None, after=None, **more):
    """Return a guest_resize of the cluster prod; disks and limits before and after."""
    return {
        "kind": "guest_resize",
        "host": "prod-api",
        "target": f"guest:prod/{name}",
        "expect": {"node": "pve1"},
        "from": before or {"memory": GIB, "disk.rootfs": 8 * GIB},
        "to": after or {"memory": 2 * GIB, "disk.rootfs": 12 * GIB},
        "reason": "forecast",
        "cost": {},
        **more,
    }


def inputs(*actions, **more):
    """Return the arguments of build_plan."""
    return {"now": NOW, "inventory": HOSTS, "hosts": HOSTS, "collection_version": "1.0.0", "actions": list(actions), **more}


def cluster(**more):
    """Return the part of a cluster document that a plan needs."""
    return {"cluster": "prod", "host": "prod-api", "nodes": [], "guests": [], **more}


def balance(*waves, moves=None, document=None, **more):
    """Return an entry of clusters: a document, what cluster_balance gave, and waves."""
    inside = [move for wave in waves for move in wave["moves"]]
    return {"document": document or cluster(), "balance": {"moves": inside if moves is None else moves, **more}, "waves": list(waves)}


def move(guest, source, target, **more):
    """Return a move as cluster_balance gives it."""
    return {"guest": guest, "from": source, "to": target, "kind": "balance", "reason": "cpu 91 %", "cost": {"bytes": 4 * GIB}, **more}


# what JSON and UTF-8 can say: everything but lone surrogates
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.+", min_size=1, max_size=12)
sizes = st.integers(1, 1 << 50)
amounts = st.none() | st.integers(0, 1 << 45) | st.dictionaries(st.sampled_from(["0.5", "0.9"]), st.integers(0, 1 << 45))
forecasts = st.none() | st.fixed_dictionaries(
    {"quantile": st.floats(0, 1), "value": st.floats(allow_nan=False, allow_infinity=False), "method": texts},
    optional={"status": st.sampled_from(["ok", "stale", "invalid", "cold_start"]), "runway_seconds": st.none() | st.integers(0, 10**7)},
)


@st.composite
def volumes(draw, *, names=words):
    """Draw lv_resize actions with different targets, some of them after others of their host."""
    keys = draw(st.lists(st.tuples(st.sampled_from(HOSTS[:3]), names), unique=True, max_size=7))
    actions = []
    for host, name in keys:
        size = draw(sizes)
        action = volume(host, name, size, draw(st.integers(size, size * 3)), reason=draw(st.just("floor") | texts))
        action.update(draw(st.fixed_dictionaries({}, optional={"message": texts, "forecast": forecasts, "undo": st.none()})))
        mates = [other["target"] for other in actions if other["host"] == host]
        if mates:
            action["after"] = draw(st.lists(st.sampled_from(mates), max_size=2))
        actions.append(action)
    return actions


@st.composite
def guests(draw):
    """Draw guest_resize actions of different guests: limits up and down, disks that grow, some from a size that is not told."""
    actions = []
    for number in draw(st.lists(st.integers(200, 220), unique=True, max_size=5)):
        disks = draw(st.dictionaries(st.sampled_from(["disk.rootfs", "disk.mp0", "disk.mp1"]), sizes, max_size=3))
        before = {"memory": draw(sizes), **disks}
        after = {"memory": before["memory"] + 1, **{name: draw(st.integers(size, size * 3)) for name, size in disks.items()}}
        for name in draw(st.lists(st.sampled_from(sorted(disks)), max_size=1)) if disks else ():
            before[name] = draw(st.none() | st.just(before[name]))
        actions.append(guest(f"lxc/{number}", before, after, reason=draw(texts)))
    return actions


@st.composite
def migrations(draw):
    """Draw moves of different guests and an order of waves for them, some guests parked on the way."""
    guests = draw(st.lists(st.integers(100, 120), unique=True, max_size=5))
    waves = {}
    for guest in guests:
        number = draw(st.integers(1, 3))
        one = move(f"qemu/{guest}", "pve1", "pve2", cost={"bytes": draw(amounts)}, reason=draw(texts))
        waves.setdefault(number, []).append(one)
        if draw(st.booleans()):
            waves.setdefault(number + 1, []).append(move(f"qemu/{guest}", "pve2", "pve3"))
    documents = [{"wave": number, "moves": waves[number]} for number in sorted(waves)]
    return {"clusters": [balance(*documents)]}


budgets = st.fixed_dictionaries(
    {},
    optional={
        "actions": st.none() | st.integers(0, 10),
        "bytes": st.none() | st.integers(0, 1 << 50),
        "growth_bytes": st.none() | st.integers(0, 1 << 50),
        "growth_fraction": st.none() | st.floats(0, 3),
        "failures": st.none() | st.integers(0, 3),
    },
)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=4)
free_form = st.dictionaries(texts, values, max_size=3)


@st.composite
def plan_inputs(draw, *, names=words):
    """Draw the arguments of build_plan."""
    more = draw(migrations()) if draw(st.booleans()) else {}
    return inputs(
        *draw(volumes(names=names)),
        *draw(guests()),
        **more,
        budgets=draw(budgets),
        before=draw(free_form),
        after=draw(free_form),
        refused=draw(
            st.lists(st.fixed_dictionaries({"entity": st.just("lv:web1/vg0/x"), "reason": texts}, optional={"seen": texts}), max_size=2)
        ),
        proposals=draw(st.lists(st.fixed_dictionaries({"kind": st.just("vg_extend"), "vg": words, "bytes": sizes}), max_size=2)),
        check=draw(st.booleans()),
    )


other_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 40), 1 << 40),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not value.is_integer()),
    texts.filter(lambda text: not text.endswith("\n")),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), min_size=1, max_size=2),
    st.dictionaries(words, st.integers(), min_size=1, max_size=2),
)


def places(value, path=()):
    """Return the path of every part of a document, the document itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in ((*path, key), *places(item, (*path, key)))]


def changed(value, path, draw):
    """Return a copy of value in which the part at path is replaced, taken out, or has got a neighbour."""
    key, rest = path[0], path[1:]
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[key] = changed(value[key], rest, draw)
        return copy
    how = draw(st.sampled_from(["replace", "remove", "add"]))
    if how == "remove":
        del copy[key]
    elif how == "add" and isinstance(copy, dict):
        copy["another"] = draw(other_values)
    elif how == "add":
        copy.append(draw(other_values))
    else:
        copy[key] = draw(other_values)
    return copy
