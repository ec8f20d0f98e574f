# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where guests that are being migrated right now will be: whoever plans with where they still are moves others in their place."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import tasks
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.log import target_of
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.sight import migrations
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry, sort_resources


def find_targets(client: Client, resources: t.Sequence[Entry], problems: t.List[str]) -> t.Dict[str, t.Optional[str]]:
    """The node that each of them goes to, by guest; None where its log does not tell yet, as of a container that shuts down first.

    Two calls for each, and none for any other guest.

    :param problems: what could not be read is told here.
    """
    lists = sort_resources(resources)
    found: t.Dict[str, t.Optional[str]] = {}
    for guest, entry in lists.guests.items():
        if entry.get("lock") != "migrate" or (lists.nodes.get(str(entry["node"])) or {}).get("status") != "online":
            continue
        try:
            running = _migration(client, str(entry["node"]), guest)
            if running is not None:
                found[guest] = target_of(tasks.read_log(client, running, 0))
        except Failure as failure:
            problems.append(f"Where {guest} is being moved to is not known, so it counts where it is: {failure}")
    return found


def _migration(client: Client, node: str, guest: str) -> t.Optional[tasks.Task]:
    """The migration that runs; none where one was killed and left its lock."""
    running = next((task for task in migrations(client, node, guest) if task.get("endtime") is None), None)
    return None if running is None else tasks.parse(running["upid"])
