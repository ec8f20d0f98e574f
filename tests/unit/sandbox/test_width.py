"""Many nodes behind two addresses: the others are reached through them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.sandbox_client import Client
from support.sandbox_states import wide

NODES, GUESTS = 100, 20


def test_a_wide_cluster_is_read_with_four_calls_per_node(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    client = serve(wide(state, NODES, GUESTS), speed=1, listen=2)
    assert list(client.sandbox.bases) == ["n0000", "n0001"]
    resources = client.get("/cluster/resources")
    assert sum(entry["type"] in ("lxc", "qemu") for entry in resources) == NODES * GUESTS
    assert sum(entry["type"] == "storage" for entry in resources) == 2 * NODES
    volumes = set()
    for i in range(NODES):
        node = f"/nodes/n{i:04d}"
        assert 0 < client.get(f"{node}/status")["cpu"] < 1
        assert len(client.get(f"{node}/qemu")) + len(client.get(f"{node}/lxc")) == GUESTS
        volumes |= {volume["volid"] for volume in client.get(f"{node}/storage/local-lvm/content")}
    assert len(volumes) == sum(vmid % 3 == 0 for vmid in range(1000, 1000 + NODES * GUESTS))
    assert len(client.get("/nodes/n0099/storage/ceph/content")) == NODES * GUESTS - len(volumes)
