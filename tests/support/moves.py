"""Migrations of a plan, and running them against a sandbox without waiting in real time."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import Identity
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import (
    migrate_arguments,
    read_moves,
    read_options,
)
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.run import Run
from sandbox.server import Sandbox
from support.proxmox import Asking

NOBODY = Identity(frozenset(), None)
ALWAYS = {"windows": [{"from": "00:00", "to": "00:00", "kinds": None}]}
Document = dict[str, Any]


def action(guest: str, source: str, target: str, wave: int | None = 1, /, **more: Any) -> Document:
    """A guest_migrate action as plan_gate hands it out."""
    found = {
        "id": more.pop("id", f"{guest}-{target}"),
        "kind": "guest_migrate",
        "host": "prod-api",
        "target": f"guest:lab/{guest}",
        "expect": {"node": source},
        "from": {"node": source},
        "to": {"node": target},
        "after": [],
        "reason": "balance",
        "cost": {},
        **more,
    }
    return found if wave is None else {**found, "wave": wave}


def parameters(**given: Any) -> Document:
    """All options of the module, with the defaults of those that are not given."""
    found = {name: spec.get("default") for name, spec in migrate_arguments().items()}
    limits = {name: spec.get("default") for name, spec in migrate_arguments()["limits"]["options"].items()}
    return {**found, **given, "limits": {**limits, **(given.get("limits") or {})}}


class Patient(Asking):
    """A client whose waits are short, as the cluster's clock is fast."""

    def __init__(self, sandbox: Sandbox, **more: Any) -> None:
        super().__init__(sandbox, **more)
        self.sleep = self._nap

    def _nap(self, seconds: float) -> None:
        self.waited.append(seconds)
        time.sleep(0.005)


def begin(sandbox: Sandbox, actions: list[Document], **given: Any) -> Run:
    """A run; all waits are by the clock of the cluster."""
    more = {name: given.pop(name) for name in ("check", "client", "identity", "tell", "now") if name in given}
    given.setdefault("limits", ALWAYS)
    given.setdefault("timeout", 7200)
    return Run(
        more.get("client") or Patient(sandbox),
        read_moves(actions),
        read_options(parameters(actions=actions, **given)),
        check=more.get("check", False),
        identity=more.get("identity", NOBODY),
        tell=more.get("tell", lambda _move, _line: None),
        clock=sandbox.world.now,
        now=more.get("now", sandbox.world.now),
    )


def migrate(sandbox: Sandbox, actions: list[Document], **given: Any) -> list[Document]:
    """The outcomes of a run."""
    return begin(sandbox, actions, **given).carry_out()


def one(sandbox: Sandbox, *move: Any, **given: Any) -> Document:
    """The outcome of a single move."""
    (outcome,) = migrate(sandbox, [action(*move, **given.pop("action", {}))], **given)
    return outcome


def place(sandbox: Sandbox, guest: str) -> tuple[str, bool]:
    """Where a guest is, and whether it runs."""
    with sandbox.world.lock:
        found = sandbox.world.guests[int(guest.partition("/")[2])]
        return found.node, found.running


def requests(sandbox: Sandbox, guest: str) -> int:
    """How many migrations of it were ever begun."""
    vmid = guest.partition("/")[2]
    with sandbox.world.lock:
        return sum(task.id == vmid and task.type in ("qmigrate", "vzmigrate") for task in sandbox.world.tasks.all())


def faults(sandbox: Sandbox, *rules: Document) -> None:
    """Put faults in force."""
    with sandbox.world.lock:
        sandbox.faults.set(list(rules))
