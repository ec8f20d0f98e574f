# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resize of guests asks for: the options of proxmox_guest_resize, or the C(guest_resize) actions of a plan."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.limits import DISK, Limits, normal
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import parse_size

_GUEST = re.compile(r"(lxc|qemu)/[1-9]\d*")
_TARGET = re.compile(r"guest:([^/]+)/((?:lxc|qemu)/[1-9]\d*)")
_SIZES = ("memory", "swap", "balloon")
Item = t.Dict[str, t.Any]


class Request(t.NamedTuple):
    """What one guest shall have. ``start`` is what the plan saw, None = whatever there is; ``cluster`` is where the plan saw it."""

    guest: str
    to: Limits
    start: t.Optional[Limits] = None
    node: t.Optional[str] = None
    digest: t.Optional[str] = None
    cluster: t.Optional[str] = None
    item: t.Optional[Item] = None

    @property
    def kind(self) -> str:
        return self.guest.partition("/")[0]


def guest_options() -> t.Dict[str, t.Dict[str, t.Any]]:
    """Options of one guest."""
    return {
        "guest": {"type": "str", "required": True},
        "cores": {"type": "int"},
        "cpulimit": {"type": "float"},
        "memory": {"type": "str"},
        "swap": {"type": "str"},
        "balloon": {"type": "str"},
        "disks": {"type": "dict", "default": {}},
        "expect": {"type": "dict", "options": {"node": {"type": "str"}, "digest": {"type": "str"}}},
    }


def read_requests(guests: t.Sequence[Item], actions: t.Sequence[Item]) -> t.List[Request]:
    """All requests, in their order.

    :raises Failure: V(parameters), naming the option; nothing has been asked of any API by then.
    """
    requests = [_of_guest(number, guest) for number, guest in enumerate(guests)]
    requests += [_of_action(number, action) for number, action in enumerate(actions)]
    seen: t.Set[str] = set()
    for request in requests:
        if request.guest in seen:
            raise wrong(f"{request.guest} is there twice", "Needed is one entry for each guest (O(guests), O(actions))")
        seen.add(request.guest)
    return requests


def _of_guest(number: int, options: Item) -> Request:
    option, guest = f"O(guests[{number}])", str(options["guest"])
    if not _GUEST.fullmatch(guest):
        raise wrong(f"{option}.guest is {guest!r}", "Needed is lxc/ID or qemu/ID, such as lxc/101")
    given: t.Dict[str, t.Any] = {key: options[key] for key in ("cores", "cpulimit") if options.get(key) is not None}
    given.update((key, _size(f"{option}.{key}", options[key])) for key in _SIZES if options.get(key) is not None)
    given.update((DISK + name, _size(f"{option}.disks.{name}", size)) for name, size in (options.get("disks") or {}).items())
    expect = options.get("expect") or {}
    to = _limits(option, guest, given)
    return Request(guest, to, node=expect.get("node"), digest=expect.get("digest"))


def _of_action(number: int, action: Item) -> Request:
    option = f"O(actions[{number}])"
    if not isinstance(action, dict) or action.get("kind") != "guest_resize":
        kind = action.get("kind") if isinstance(action, dict) else action
        raise wrong(f"{option} is of kind {kind!r}", "Needed are actions of kind guest_resize, as plan_gate gives them out")
    target = _TARGET.fullmatch(str(action.get("target")))
    if target is None:
        raise wrong(f"{option}.target is {action.get('target')!r}", "Needed is guest:CLUSTER/lxc/ID or guest:CLUSTER/qemu/ID")
    parts = {name: action.get(name) for name in ("to", "from", "expect")}
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise wrong(f"{option}.{name} is {part!r}", "Needed is an action as plan_gate gives it out")
    expect = parts["expect"] or {}
    return Request(
        guest=target[2],
        to=_limits(f"{option}.to", target[2], parts["to"] or {}),
        start=_limits(f"{option}.from", target[2], parts["from"] or {}),
        node=expect.get("node"),
        digest=expect.get("digest"),
        cluster=target[1],
        item=action,
    )


def _limits(option: str, guest: str, given: t.Mapping[str, t.Any]) -> Limits:
    if not given:
        raise wrong(f"{option} names no limit of {guest}", "Needed is at least one of cores, cpulimit, memory, swap, balloon and disks")
    found: Limits = {}
    for key, value in given.items():
        try:
            found[key] = normal(guest.partition("/")[0], key, value)
        except ValueError as error:
            raise wrong(f"{option}: {key} of {guest} {error}", "") from None
    return found


def _size(option: str, text: t.Any) -> int:
    try:
        return parse_size(str(text))
    except ValueError as error:
        raise wrong(f"{option}: {error}", "") from None


def wrong(seen: str, needed: str) -> Failure:
    """The failure for options that make no sense."""
    return Failure(failures.PARAMETERS, seen, needed, sent=False)
