"""Playbooks as a user runs them, on this machine and on hosts that exist only in a recording."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import plan as plans
from support.cluster_plays import HOST, ClusterPlays, Served, plays_for, served
from support.playbooks import Playbooks
from support.sandbox_states import SITE_MOVES, site_role, uneven

DATA = Path(__file__).parent / "data"


@pytest.fixture
def local(tmp_path: Path) -> Playbooks:
    """Two names for this machine, one host that nobody answers for, and a store of the test's own."""
    inventory = tmp_path / "hosts.yml"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    away = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"one": here, "two": here, "away": away}}}))
    return Playbooks(inventory, tmp_path / "store.db")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A cluster that this process serves; every test begins with it as it was."""
    with served(uneven(site_role()), tmp_path_factory.mktemp("cluster")) as one:
        yield one


@pytest.fixture(scope="session")
def planned(cluster: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store with what was observed of the cluster and a plan that moves three guests, and the id of that."""
    plays = plays_for(cluster, tmp_path_factory.mktemp("planned"))
    cluster.restore()
    plays.run("observe", check=True)
    plays.run("plan", check=True)
    plan = plays.plan()
    assert {action["target"].removeprefix("guest:uneven/"): action["to"]["node"] for action in plan["actions"]} == SITE_MOVES
    return plays.plays.store, plan["id"]


@pytest.fixture
def plays(cluster: Served, planned: tuple[Path, str], tmp_path: Path) -> ClusterPlays:
    """The playbooks before the cluster, with a copy of that store."""
    cluster.restore()
    return plays_for(cluster, tmp_path, store=planned[0])


@pytest.fixture
def plan(planned: tuple[Path, str]) -> str:
    return planned[1]


@pytest.fixture
def plan_of(plays: ClusterPlays) -> Callable[[list[dict[str, Any]]], str]:
    """Put a plan of such actions into the store; its id."""

    def make(actions: list[dict[str, Any]]) -> str:
        made = plans.plan(store=str(plays.plays.store), now=int(time.time()), inventory=[HOST], hosts=[HOST], actions=actions)
        return str(made["document"]["id"])

    return make


@pytest.fixture
def resize_actions() -> list[dict[str, Any]]:
    """The actions that are kept as data: three other guests are resized."""
    found: list[dict[str, Any]] = json.loads((DATA / "guest_resize_actions.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def resizes(plan_of: Callable[[list[dict[str, Any]]], str], resize_actions: list[dict[str, Any]]) -> str:
    """A plan of them."""
    return plan_of(resize_actions)
