# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One guest on its node: what is asked of it and told to it, and what it means when others change it meanwhile."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures, refusals
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Entry
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.pending import State, config_path, read_state
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.refusals import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.tasks import follow

_MODIFIED = re.compile(r"detected modified configuration|checksum mismatch")
_LOCKED = re.compile(r"is locked \(([^)]+)\)")
_GONE = re.compile(r"Configuration file '[^']*' does not exist")
T = t.TypeVar("T")


class GuestOnNode:
    """Calls about one guest. Each may raise Failure, or Refused where somebody else was faster."""

    def __init__(self, client: Client, guest: str, node: str) -> None:
        self.guest = guest
        self.node = node
        self._client = client
        self._path = config_path(guest, node)
        self._digest = ""

    def state(self) -> State:
        """What is in force, and what waits."""
        return self._judged(lambda: read_state(self._client, self.guest, self.node))

    def read_back(self) -> State:
        """The state after a change was tried: where others were faster now, they may have been so after it.

        :raises Failure: also for that.
        """
        try:
            return self.state()
        except Refused as refused:
            raise Failure(failures.UNSETTLED, f"{self.guest} cannot be read back: {refused}") from None

    def status(self) -> Entry:
        """Whether it runs, what it uses, its lock."""
        return self._judged(lambda: t.cast(Entry, self._client.get(f"{self._path}/status/current")))

    def growing(self) -> t.Optional[str]:
        """The task that grows one of its disks right now."""
        number = self.guest.partition("/")[2]
        tasks = self._client.get(f"/nodes/{self.node}/tasks", source="active", vmid=number, typefilter="resize")
        return next((str(task["upid"]) for task in tasks), None)

    def put(self, verb: str, params: t.Mapping[str, t.Any], digest: str, done: t.Callable[[], t.Any]) -> t.Any:
        """Change it, once, where it still has this digest. ``done`` reads back, as for C(Client.write)."""
        self._digest = digest
        return self._judged(lambda: self._client.write("PUT", f"{self._path}/{verb}", {**params, "digest": digest}, done=done))

    def follow(self, upid: str, timeout: float, poll: float) -> None:
        """Wait for the end of a task that changes it."""
        self._judged(lambda: follow(self._client, upid, timeout=timeout, poll=poll))

    def _judged(self, call: t.Callable[[], T]) -> T:
        try:
            return call()
        except Failure as failure:
            refused = self._faster(failure)
            raise (refused or failure) from None

    def _faster(self, failure: Failure) -> t.Optional[Refused]:
        """What others did to the guest meanwhile; None where that is not what happened."""
        # What reading back met says nothing of what became of the change itself.
        text = failure.seen.partition("; reading it back:")[0]
        if _GONE.search(text):
            resources = self._client.get("/cluster/resources", type="vm")
            node = next((entry.get("node") for entry in resources if entry.get("id") == self.guest), None)
            return refusals.changed(self.guest, "The node", self.node, node or "none any more") if node != self.node else None
        locked = _LOCKED.search(text)
        if locked:
            return Refused("locked", f"{self.guest} is locked ({locked[1]}) meanwhile; needed is that what locked it ends.")
        if _MODIFIED.search(text):
            return refusals.changed(self.guest, "The digest of the configuration", self._digest, self.state().digest)
        return None
