"""What proxmox_facts reads of a sandbox is what record and placement take."""

from __future__ import annotations

import importlib.util
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("proxmoxer")
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.cluster import observe_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import Samples
from sandbox.server import Sandbox
from support.proxmox import read

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
PLACEMENT = "ansible_collections.foresight.capacity.plugins.plugin_utils.placement"


@pytest.fixture(scope="module")
def document() -> Iterator[dict[str, Any]]:
    with Sandbox(STATE, speed=0.0) as sandbox:
        yield read(sandbox, host="prod-api")


def test_record_takes_it(document: dict[str, Any]) -> None:
    samples, issues = Samples(document["observed_at"], None), []
    entities, seen, summary = observe_cluster(
        "prod-api", document, at=document["observed_at"], recorded=None, samples=samples, issues=issues
    )
    assert issues == []
    assert (summary["name"], summary["version"], summary["quorate"]) == ("lab", "9.2.11", True)
    assert seen["storage"] == {"storage:lab/shared", *(f"storage:lab/pve{number}/local" for number in (1, 2, 3))}
    assert seen["node"] == {"node:lab/pve1", "node:lab/pve2", "node:lab/pve3"}
    assert len(seen["guest"]) == len(document["guests"])
    by_key = {entity.key: entity for entity in entities}
    assert by_key["guest:lab/lxc/109"].attributes["ha"] is True
    assert by_key["guest:lab/lxc/106"].attributes["movable"] is False


@pytest.mark.skipif(importlib.util.find_spec(f"{PLACEMENT}") is None, reason="placement is a branch of its own until it is merged")
def test_placement_takes_it(document: dict[str, Any]) -> None:
    cluster = importlib.import_module(f"{PLACEMENT}.cluster").read_cluster(document)
    assert cluster.nodes == ("pve1", "pve2", "pve3")
    assert cluster.demand_basis == "current"
    assert bool(cluster.open.all())
    assert int(cluster.running.sum()) == sum(guest["running"] for guest in document["guests"])
