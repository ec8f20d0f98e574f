# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for: the moves of a plan and the limits they keep, checked before anything is read."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import Document
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.windows import Window, read_windows
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reserves import read_reserve, reserve_arguments

_TARGET = re.compile(r"guest:(?P<cluster>[^/]+)/(?P<guest>(?P<kind>lxc|qemu)/(?P<vmid>\d+))")
_GUEST = re.compile(r"(lxc|qemu)/\d+")
# Wait at most so many days for a window or a migration.
_LONGEST = 7 * 86400


class Move(t.NamedTuple):
    """One action. ``onward``: where later actions of the plan take the guest from here, in their order."""

    id: str
    cluster: str
    guest: str
    kind: str
    vmid: int
    source: str
    target: str
    digest: t.Optional[str]
    wave: int
    after: t.Tuple[str, ...]
    window: Document
    seconds: t.Optional[float]
    onward: t.Tuple[str, ...]
    action: Document


class Options(t.NamedTuple):
    """The limits of a run. ``total`` None: a quarter of the nodes, at least 4."""

    total: t.Optional[int]
    per_node_in: int
    per_node_out: int
    bandwidth: t.Optional[float]
    windows: t.Tuple[Window, ...]
    window_wait: float
    timeout: float
    shutdown_timeout: int
    max_failures: int
    never_move: t.FrozenSet[str]
    reserve: t.Mapping[str, float]
    reserves: t.Mapping[str, t.Mapping[str, float]]


def migrate_arguments() -> t.Dict[str, t.Dict[str, t.Any]]:
    """Options of proxmox_guest_migrate beside those of the connection."""
    windows = {
        "from": {"type": "str", "required": True},
        "to": {"type": "str", "required": True},
        "kinds": {"type": "list", "elements": "str"},
    }
    limits = {
        "global": {"type": "int"},
        "per_node_in": {"type": "int", "default": 2},
        "per_node_out": {"type": "int", "default": 2},
        "bandwidth_bytes_per_second": {"type": "float"},
        "windows": {"type": "list", "elements": "dict", "default": [], "options": windows},
    }
    return {
        "actions": {"type": "list", "elements": "dict", "required": True},
        "limits": {"type": "dict", "options": limits, "apply_defaults": True},
        "window_wait": {"type": "float", "default": 0},
        "timeout": {"type": "float", "default": 3600},
        "shutdown_timeout": {"type": "int", "default": 180},
        "max_failures": {"type": "int", "default": 0},
        "never_move": {"type": "list", "elements": "str", "default": []},
        **reserve_arguments(),
    }


def read_options(params: t.Mapping[str, t.Any]) -> Options:
    """Check the limits.

    :raises ValueError: naming the option that is wrong. Failure: for a reserve that makes no sense.
    """
    limits = params["limits"]
    total, bandwidth = limits["global"], limits["bandwidth_bytes_per_second"]
    for name in ("global", "per_node_in", "per_node_out"):
        if limits[name] is not None and limits[name] < 1:
            raise ValueError(f"O(limits.{name}) is {limits[name]}. Needed is 1 or more.")
    if bandwidth is not None and not 1024 <= bandwidth < float("inf"):
        raise ValueError(f"O(limits.bandwidth_bytes_per_second) is {bandwidth:g}. Needed are 1024 or more, or nothing for no limit.")
    for name, least in (("timeout", 1), ("window_wait", 0), ("shutdown_timeout", 1)):
        if not least <= params[name] <= _LONGEST:
            raise ValueError(f"O({name}) is {params[name]:g}. Needed are {least} to {_LONGEST} seconds.")
    if params["max_failures"] < 0:
        raise ValueError(f"O(max_failures) is {params['max_failures']}. Needed is 0 or more.")
    odd = [name for name in params["never_move"] if not _GUEST.fullmatch(name)]
    if odd:
        raise ValueError(f"O(never_move) has {', '.join(odd)}. Needed are guests as lxc/101 or qemu/102.")
    return Options(
        total=total,
        per_node_in=limits["per_node_in"],
        per_node_out=limits["per_node_out"],
        bandwidth=bandwidth,
        windows=read_windows(limits["windows"]),
        window_wait=params["window_wait"],
        timeout=params["timeout"],
        shutdown_timeout=params["shutdown_timeout"],
        max_failures=params["max_failures"],
        never_move=frozenset(params["never_move"]),
        reserve=read_reserve("", params["reserve"] or {}),
        reserves={name: read_reserve(name, value) for name, value in params["reserves"].items()},
    )


def read_moves(actions: t.Sequence[Document]) -> t.List[Move]:
    """The moves in their order: by wave, in a wave as given. Without waves each waits for the one before.

    :raises ValueError: naming the action that is wrong.
    """
    found = [_move(action, number) for number, action in enumerate(actions)]
    if len({move.action.get("wave") is not None for move in found}) > 1:
        raise ValueError("O(actions) has some with a wave and some without. Needed is a wave for all, or for none.")
    known = {move.id for move in found}
    if len(known) < len(found):
        twice = sorted(move.id for move in found if sum(other.id == move.id for other in found) > 1)
        raise ValueError(f"O(actions) has {twice[0]} more than once. Needed is every action once.")
    if len({move.cluster for move in found}) > 1:
        raise ValueError(
            f"O(actions) has guests of {', '.join(sorted({move.cluster for move in found}))}. Needed are those of one cluster, its own task for each."
        )
    found.sort(key=lambda move: move.wave)
    place = {move.id: number for number, move in enumerate(found)}
    for move in found:
        late = [one for one in move.after if one in known and place[one] > place[move.id]]
        if late:
            raise ValueError(f"O(actions) has {move.id} ({move.guest}) after {late[0]}, which comes later. Needed is an order.")
    return _chained(found)


def _chained(moves: t.List[Move]) -> t.List[Move]:
    """With what follows for each guest: several moves of a guest are hops that go on where the one before ended, in later waves."""
    hops: t.Dict[str, t.List[Move]] = {}
    for move in moves:
        hops.setdefault(move.guest, []).append(move)
    for guest, chain in hops.items():
        for number, second in enumerate(chain[1:]):
            first = chain[number]
            if second.source != first.target or second.wave == first.wave:
                raise ValueError(
                    f"O(actions) moves {guest} from {first.source} to {first.target} (wave {first.wave}) and from {second.source} to "
                    f"{second.target} (wave {second.wave}). Needed are hops that go on where the one before ended, in a later wave."
                )
        visited = [chain[0].source, *(hop.target for hop in chain)]
        if len(set(visited)) < len(visited):
            raise ValueError(
                f"O(actions) moves {guest} by {' → '.join(visited)}, twice to the same node. Needed is the way without the detour."
            )
    return [move._replace(onward=tuple(hop.target for hop in hops[move.guest][hops[move.guest].index(move) + 1 :])) for move in moves]


def _move(action: t.Any, number: int) -> Move:
    where = f"O(actions[{number}])"
    if not isinstance(action, dict) or action.get("kind") != "guest_migrate":
        kind = action.get("kind") if isinstance(action, dict) else action
        raise ValueError(f"{where} is {kind!r}. Needed are actions of kind guest_migrate, as plan_gate hands them out.")
    target = _TARGET.fullmatch(str(action.get("target")))
    if target is None:
        raise ValueError(f"{where} has the target {action.get('target')!r}. Needed is guest:CLUSTER/lxc/ID or guest:CLUSTER/qemu/ID.")
    expect, to = action.get("expect") or {}, action.get("to") or {}
    if not isinstance(action.get("id"), str) or not isinstance(expect.get("node"), str) or not isinstance(to.get("node"), str):
        raise ValueError(f"{where} ({target['guest']}) lacks id, expect.node or to.node. Needed is an action of a plan.")
    if expect["node"] == to["node"]:
        raise ValueError(f"{where} moves {target['guest']} from {to['node']} to the same node. Needed are two nodes.")
    wave = action.get("wave")
    window = action.get("window") or {}
    numbers = [("wave", wave), *((f"window.{key}", window.get(key)) for key in ("not_before", "not_after"))]
    for name, value in numbers:
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise ValueError(f"{where} has {name} {value!r}. Needed is a number.")
    return Move(
        id=action["id"],
        cluster=target["cluster"],
        guest=target["guest"],
        kind=target["kind"],
        vmid=int(target["vmid"]),
        source=expect["node"],
        target=to["node"],
        digest=expect.get("digest"),
        wave=number if wave is None else int(wave),
        after=tuple(action.get("after") or ()),
        window=window,
        seconds=_most((action.get("cost") or {}).get("seconds")),
        onward=(),
        action=action,
    )


def _most(amount: t.Any) -> t.Optional[float]:
    """An amount of a plan: a number, or of its quantiles the largest."""
    told = list(amount.values()) if isinstance(amount, dict) else [amount]
    return max((float(value) for value in told if isinstance(value, (int, float))), default=None)
