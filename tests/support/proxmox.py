"""Our own client before a sandbox of a test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.facts import read_document
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_requests import read_requests
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_task import resize_guests
from sandbox.server import Sandbox

TOKEN = {"api_token_id": "root@pam!full", "api_token_secret": "11111111-1111-1111-1111-111111111111"}
PASSWORD = {"api_user": "ops@pve", "api_password": "secret12"}


def hosts(sandbox: Sandbox, *nodes: str) -> list[str]:
    """Addresses of nodes, of all unless they are named."""
    return [sandbox.bases[node].partition("//")[2] for node in nodes or sandbox.bases]


def options(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """Options of a connection; credentials are those of root's token unless others are given."""
    given = {} if "api_user" in more or "api_token_id" in more else TOKEN
    return {"api_host": hosts(sandbox), "ca_path": sandbox.ca, **given, **more}


class Asking(Client):
    """A client that does not wait, but tells what it would have waited."""

    def __init__(self, sandbox: Sandbox, *, answer_in: float | None = None, **more: Any) -> None:
        self.waited: list[float] = []
        access = read_access(options(sandbox, **more))
        super().__init__(access if answer_in is None else access._replace(timeout=answer_in), self.waited.append)


def read(sandbox: Sandbox, *, client: Client | None = None, **more: Any) -> dict[str, Any]:
    """The cluster document, by the options of proxmox_facts."""
    clock = more.pop("clock", sandbox.world.now)
    chosen = {"nodes": [], "host": None, "reserve": {}, "reserves": {}, "link_bytes_per_second": None, "links": {}, "parallel": 4, **more}
    return read_document(client or Asking(sandbox), chosen, clock=clock)


def resize(
    sandbox: Sandbox, *guests: dict[str, Any], client: Client | None = None, check: bool = False, **more: Any
) -> list[dict[str, Any]]:
    """What proxmox_guest_resize returns of each guest, by its options."""
    chosen = {"actions": [], "reserve": {}, "reserves": {}, "overcommit": {}, "margin": "10%", "timeout": 60.0, "max_parallel": 4, **more}
    requests = read_requests(guests, chosen["actions"])
    return resize_guests(client or Asking(sandbox), requests, chosen, check=check)


def resize_one(sandbox: Sandbox, guest: str, **more: Any) -> dict[str, Any]:
    """The same for one guest; its limits are among the options."""
    limits = {key: more.pop(key) for key in ("cores", "cpulimit", "memory", "swap", "balloon", "disks", "expect") if key in more}
    [result] = resize(sandbox, {"guest": guest, **limits}, **more)
    return result


def resize_action(target: str, before: dict[str, Any], after: dict[str, Any], **expect: Any) -> dict[str, Any]:
    """An action of a plan."""
    return {
        "id": "0123456789abcdef",
        "kind": "guest_resize",
        "host": "lab-api",
        "target": target,
        "expect": expect,
        "from": before,
        "to": after,
    }


def of_action(sandbox: Sandbox, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What proxmox_guest_resize returns of one action of a plan."""
    [result] = resize(sandbox, actions=[action], **more)
    return result


def failure_of(call: Callable[..., Any], *arguments: Any, **options: Any) -> Failure:
    """The failure with which a call ends."""
    with pytest.raises(Failure) as raised:
        call(*arguments, **options)
    return raised.value


def faults(sandbox: Sandbox, *rules: dict[str, Any]) -> None:
    """What the sandbox does wrong from now on."""
    with sandbox.world.lock:
        sandbox.faults.set(list(rules))
