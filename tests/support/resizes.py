"""Resizing guests of a sandbox whose loads stand still."""

from __future__ import annotations

import copy
import json
import pathlib
from typing import Any

from sandbox.server import Sandbox
from support.proxmox import resize_one
from support.sandbox_client import Client

STATE = pathlib.Path(__file__).parents[1] / "unit" / "sandbox" / "data" / "state.json"
MIB, GIB = 1 << 20, 1 << 30


def standing_state() -> dict[str, Any]:
    """The recordings' start state with loads that stand still, a container that swaps, and a VM of which it is known what it uses."""
    found: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
    found["load_series"] = {"seed": 1, "wave": 0, "noise": 0}
    swapping = copy.deepcopy(next(guest for guest in found["guests"] if guest["vmid"] == 105))
    swapping.update(vmid=111, load={"cpu": 0.1, "mem": 600 * MIB})
    swapping["config"].update(rootfs="shared:111/vm-111-disk-0.raw,size=8G", swap=512, hostname="swaps")
    next(guest for guest in found["guests"] if guest["vmid"] == 204)["load"] = {"cpu": 0.1, "mem": 600 * MIB}
    return {**found, "guests": [*found["guests"], swapping]}


def config(sandbox: Sandbox, guest: str, node: str = "pve1") -> Any:
    """The configuration of a guest, as the API tells it."""
    return Client(sandbox).get(f"/nodes/{node}/{guest}/config")


def both(sandbox: Sandbox, *arguments: Any, call: Any = resize_one, **options: Any) -> dict[str, Any]:
    """The result of a real run; check mode before it foretold the same, and a second run changes nothing."""
    told = call(sandbox, *arguments, check=True, **options)
    done: dict[str, Any] = call(sandbox, *arguments, **options)
    shown = ("status", "reason", "changed", "before", "after", "restart_required", "message")
    assert [told[key] for key in shown] == [done[key] for key in shown]
    if done["status"] == "changed":
        again = call(sandbox, *arguments, **options)
        assert (again["status"], again["changed"], again["before"]) == ("ok", False, done["after"])
        assert again["restart_required"] == done["restart_required"]
    return done


def refused(sandbox: Sandbox, *arguments: Any, **options: Any) -> dict[str, Any]:
    """The result of a run that is refused, in check mode too."""
    result = both(sandbox, *arguments, **options)
    assert (result["status"], result["changed"], result["before"]) == ("refused", False, result["after"])
    return result
