# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What executors know of a cluster before they look at single guests: two calls."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.document import cluster_name

Entry = t.Dict[str, t.Any]


class Overview(t.NamedTuple):
    """The cluster's name, whether it has a quorum, and its guests, nodes and storages (by node and name) as the API lists them."""

    cluster: t.Optional[str]
    quorate: bool
    guests: t.Dict[str, Entry]
    nodes: t.Dict[str, Entry]
    storages: t.Dict[t.Tuple[str, str], Entry]

    def running_on(self, node: str) -> t.List[Entry]:
        """Guests that run there."""
        return [guest for guest in self.guests.values() if guest.get("node") == node and guest.get("status") == "running"]


def read_overview(client: Client) -> Overview:
    """Ask the cluster.

    :raises Failure: of a call.
    """
    resources, status = client.get("/cluster/resources"), client.get("/cluster/status")
    cluster = next((entry for entry in status if entry.get("type") == "cluster"), None)
    nodes = {str(entry["node"]): entry for entry in resources if entry.get("type") == "node"}
    return Overview(
        cluster=cluster_name(status, nodes),
        quorate=bool(cluster["quorate"]) if cluster else True,
        guests={str(entry["id"]): entry for entry in resources if entry.get("type") in ("lxc", "qemu")},
        nodes=nodes,
        storages={(str(entry["node"]), str(entry["storage"])): entry for entry in resources if entry.get("type") == "storage"},
    )
