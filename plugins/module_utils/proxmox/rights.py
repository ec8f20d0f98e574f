# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the caller may: lists leave out silently what he may not see, and a refused change comes late."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

# A path and the privilege that is needed there.
Right = t.Tuple[str, str]


def lacking(client: Client, missing: t.Sequence[Right]) -> Failure:
    """The failure that names every privilege that is missing, and where."""
    return Failure(
        failures.FORBIDDEN,
        f"{client.access.who} lacks {', '.join(f'{privilege} on {path}' for path, privilege in missing)}",
        "Needed is the role in docs/proxmox.md on /, with propagate; a token with privilege separation needs it itself "
        "(O(api_user), O(api_token_id))",
        path=missing[0][0],
        privilege=missing[0][1],
    )


def check_privileges(client: Client, needed: t.Sequence[Right], welcome: t.Sequence[Right] = ()) -> t.List[Right]:
    """Compare what the caller may with what is needed on paths of whole kinds (`/vms`, not `/vms/104`), in one call.

    :param welcome: rights without which less can be told.
    :returns: those of them that are missing.
    :raises Failure: naming every needed privilege that is missing, and where.
    """
    have: t.Mapping[str, t.Mapping[str, t.Any]] = client.get("/access/permissions") or {}
    missing = [(path, privilege) for path, privilege in needed if privilege not in have.get(path, {})]
    if missing:
        raise lacking(client, missing)
    return [(path, privilege) for path, privilege in welcome if privilege not in have.get(path, {})]


class Rights:
    """The caller's privileges by path, each path asked once. Threads may share it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: t.Dict[str, t.Container[str]] = {}
        self._asking: t.Dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def check(self, wanted: t.Iterable[Right]) -> None:
        """Compare what the caller may with what is wanted.

        :raises Failure: V(forbidden), naming all that is missing; or of a call.
        """
        missing = [(path, privilege) for path, privilege in wanted if privilege not in self._at(path)]
        if missing:
            raise lacking(self._client, missing)

    def _at(self, path: str) -> t.Container[str]:
        with self._guard:
            asking = self._asking.setdefault(path, threading.Lock())
        with asking:
            if path not in self._known:
                self._known[path] = (self._client.get("/access/permissions", path=path) or {}).get(path, {})
            return self._known[path]
