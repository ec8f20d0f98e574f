"""The playbooks on a cluster that the test serves itself, so that it can break it, and see what became of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from sandbox import api, https
from sandbox.access import Token
from sandbox.api import Request
from sandbox.model import Node
from sandbox.server import Sandbox
from sandbox.world import World

from .playbooks import Playbooks, Run, Started
from .proxmox import hosts
from .sandbox_client import until
from .sandbox_states import SITE_TOKEN

HOST = "uneven-api"
FAST = 200.0
MIGRATIONS = ("qmigrate", "vzmigrate")
ALWAYS = {"windows": [{"from": "00:00", "to": "00:00"}]}
# What a user may set as well: patience that suits a cluster on loopback.
PATIENCE = {"api_timeout": 2, "retry_delay": 0.05}
Place = tuple[str, bool]


@dataclass
class Served:
    """A cluster, and the calls that it answered well, as method and path."""

    sandbox: Sandbox
    calls: list[tuple[str, str]]

    def restore(self) -> None:
        """The cluster as it was at the start, with a clock that is held."""
        with self.sandbox.world.lock:
            self.sandbox.faults.set([])
        self.sandbox.set_clock(0.0)
        self.sandbox.reseed()
        self.calls.clear()


@dataclass
class ClusterPlays:
    """A cluster, and the playbooks that look after it. Its clock is held while it is looked at, and fast while it is changed."""

    served: Served
    plays: Playbooks

    @property
    def sandbox(self) -> Sandbox:
        return self.served.sandbox

    def run(self, name: str, *options: str, check: bool = False, **variables: Any) -> Run:
        """Run a playbook to its end, whatever that is."""
        self.sandbox.set_clock(0.0 if name in ("observe", "plan") else FAST)
        return self.plays.run(name, *options, check=check, **variables)

    def start(self, name: str, *options: str, **variables: Any) -> Started:
        """Run a playbook in the background."""
        self.sandbox.set_clock(FAST)
        return self.plays.start(name, *options, **variables)

    def start_held(self, name: str, *options: str, **variables: Any) -> Started:
        """Run a playbook in the background while the clock stands still; returns when it has asked for the tasks of the first node."""
        self.sandbox.set_clock(0.0)
        self.served.calls.clear()
        started = self.plays.start(name, *options, **variables)
        until(lambda: ("GET", "/nodes/n1/tasks") in self.served.calls, 120)
        return started

    def apply(self, plan: str, **variables: Any) -> Run:
        return self.run("apply", foresight_apply=True, foresight_plan=plan, **variables)

    def apply_well(self, plan: str, **variables: Any) -> Run:
        """The same, and it must end well."""
        return self.run("apply", check=True, foresight_apply=True, foresight_plan=plan, **variables)

    def site(self, **variables: Any) -> Run:
        """The whole of it, which must end well."""
        return self.run("site", check=True, foresight_apply=True, **variables)

    # ---- the cluster -------------------------------------------------------------------------------------------------

    def faults(self, *rules: dict[str, Any]) -> None:
        with self.sandbox.world.lock:
            self.sandbox.faults.set([dict(rule) for rule in rules])

    def settle(self, kind: str) -> None:
        """Wait until no task of a kind runs."""
        until(lambda: not any(task.running for task in self.sandbox.world.tasks.all() if task.type == kind), 60)

    def expire_token(self) -> None:
        self._token().expire = 1

    def renew_token(self) -> None:
        self._token().expire = 0

    def _token(self) -> Token:
        return self.sandbox.world.access.tokens[SITE_TOKEN["api_token_id"]]

    def places(self) -> dict[str, Place]:
        """Node of every guest, and whether it runs."""
        with self.sandbox.world.lock:
            return {guest.id: (guest.node, guest.running) for guest in self.sandbox.world.guests.values()}

    def limits(self) -> dict[str, dict[str, str]]:
        """The configuration of every guest, which no move changes."""
        with self.sandbox.world.lock:
            return {guest.id: {**guest.config, **guest.pending} for guest in self.sandbox.world.guests.values()}

    def begun(self) -> Counter[str]:
        """How many migrations of each guest were ever begun."""
        with self.sandbox.world.lock:
            return Counter(task.id for task in self.sandbox.world.tasks.all() if task.type in MIGRATIONS)

    def ended_well(self) -> Counter[str]:
        """How many migrations of each guest ended well."""
        with self.sandbox.world.lock:
            return Counter(task.id for task in self.sandbox.world.tasks.all() if task.type in MIGRATIONS and task.exitstatus == "OK")

    def written(self) -> Counter[str]:
        """How many changes of a guest were carried out, by the end of their path, such as lxc/101/config."""
        return Counter(path.split("/", 3)[3] for method, path in self.served.calls if method != "GET")

    # ---- the store ---------------------------------------------------------------------------------------------------

    def plan(self) -> dict[str, Any]:
        """The newest plan."""
        document: dict[str, Any] = yaml.safe_load((self.plays.store.parent / "plan.yml").read_text(encoding="utf-8"))
        return document

    def made_a_plan(self) -> bool:
        """Whether these plays have written a plan."""
        return (self.plays.store.parent / "plan.yml").exists()

    def told(self) -> dict[str, tuple[str, str]]:
        """Status and message of the last outcome of every guest."""
        with open_store(str(self.plays.store), create=False) as store:
            return {one.target.partition("/")[2]: (one.status, one.message) for one in store.find_outcomes()}

    def statuses(self) -> dict[str, str]:
        """Status of the last outcome of every guest."""
        return {guest: status for guest, (status, _message) in self.told().items()}

    def progress(self, plan: str) -> tuple[str, Counter[str]]:
        """State of a plan, and how many of its actions are in which."""
        with open_store(str(self.plays.store), create=False) as store:
            row = store.load_plan(plan)
            assert row is not None
            return row.state, Counter(one.state for one in store.find_actions(plan).values())


@contextmanager
def served(state: dict[str, Any], folder: Path) -> Iterator[Served]:
    """Serve a cluster in this process; a refused login is told at once."""
    file = folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    calls: list[tuple[str, str]] = []
    carry_out = api.answer

    def answer(world: World, node: Node, request: Request) -> Any:
        data = carry_out(world, node, request)
        calls.append((request.method, request.path))
        return data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(https, "_UNAUTHORISED_DELAY", 0.0)
        patch.setattr(api, "answer", answer)
        with Sandbox(file, speed=0.0) as sandbox:
            yield Served(sandbox, calls)


def plays_for(
    cluster: Served, folder: Path, *, store: Path | None = None, others: Mapping[str, Served] | None = None, **variables: Any
) -> ClusterPlays:
    """Playbooks with a store of their own in a folder, a copy of another one if that is given.

    :param others: more clusters of the inventory, by host.
    """
    inventory = folder / "hosts.yml"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    clusters = {
        name: {**here, "foresight_proxmox": {"api_host": hosts(one.sandbox), "ca_path": one.sandbox.ca, **SITE_TOKEN, **PATIENCE}}
        for name, one in {HOST: cluster, **(others or {})}.items()
    }
    inventory.write_text(yaml.safe_dump({"all": {"children": {"foresight_clusters": {"hosts": clusters}}}}), encoding="utf-8")
    if store is not None:
        shutil.copy(store, folder / "store.db")
    given = {
        "foresight_plan_path": str(folder / "plan.yml"),
        "report_path": str(folder / "report"),
        "balance_manage": [{"match": "*"}],
        "balance_limits": ALWAYS,
        **variables,
    }
    return ClusterPlays(cluster, Playbooks(inventory, folder / "store.db", given))


def steer(plays: ClusterPlays, words: list[str]) -> None:
    """A command of the sandbox, for each of the nodes that it names."""
    verb, *rest = words
    for node in [rest] if verb == "maintenance" else [[node] for node in rest]:
        plays.sandbox.command([verb, *node])


def fails(run: Run, *words: str) -> str:
    """What a run tells that must fail, say these words, and show no traceback."""
    assert run.returncode == 2, run.output
    told = " ".join(run.output.split())
    for word in words:
        assert word in told, run.output
    assert "Traceback" not in told
    return told
