# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster before anybody looks at single guests: what two lists of the API tell of all of it."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client

Entry = t.Dict[str, t.Any]
GUESTS = ("lxc", "qemu")


class Lists(t.NamedTuple):
    """Guests by id, nodes by name, storages by (node, storage), as the API lists them."""

    guests: t.Dict[str, Entry]
    nodes: t.Dict[str, Entry]
    storages: t.Dict[t.Tuple[str, str], Entry]

    def running_on(self, node: str) -> t.List[Entry]:
        """Guests that run there."""
        return [guest for guest in self.guests.values() if guest.get("node") == node and guest.get("status") == "running"]


class Overview(t.NamedTuple):
    """The cluster's name (of a node without a cluster its own), whether it has a quorum, and what it has."""

    cluster: t.Optional[str]
    quorate: bool
    lists: Lists


def sort_resources(resources: t.Sequence[Entry]) -> Lists:
    """Lists of what /cluster/resources told, in its order."""
    return Lists(
        guests={str(entry["id"]): entry for entry in resources if entry.get("type") in GUESTS},
        nodes={str(entry["node"]): entry for entry in resources if entry.get("type") == "node"},
        storages={(str(entry["node"]), str(entry["storage"])): entry for entry in resources if entry.get("type") == "storage"},
    )


def put_together(resources: t.Sequence[Entry], status: t.Sequence[Entry]) -> Overview:
    """An overview of what /cluster/resources and /cluster/status told."""
    cluster = next((entry for entry in status if entry.get("type") == "cluster"), None)
    lists = sort_resources(resources)
    if cluster is None:
        return Overview(next(iter(lists.nodes), None), True, lists)
    return Overview(str(cluster["name"]), bool(cluster.get("quorate")), lists)


def read_lists(client: Client) -> Lists:
    """Ask what there is: one call.

    :raises Failure: of it.
    """
    return sort_resources(client.get("/cluster/resources"))


def read_overview(client: Client) -> Overview:
    """Ask the cluster: two calls.

    :raises Failure: of a call.
    """
    return put_together(client.get("/cluster/resources"), client.get("/cluster/status"))
