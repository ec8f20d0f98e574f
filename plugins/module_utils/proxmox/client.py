# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The client: several hosts of one cluster, patience with reads, caution with writes."""

from __future__ import annotations

import re
import threading
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import Access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.connection import Connection
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

_LONGEST_DELAY = 30.0
Version = t.Tuple[int, ...]
T = t.TypeVar("T")


class Client:
    """Calls to a cluster. Any host answers for all; the last that did is asked first. Threads may share it.

    ``calls`` counts what was sent.
    """

    def __init__(self, access: Access, sleep: t.Callable[[float], None] = time.sleep) -> None:
        self.access = access
        self.calls = 0
        self.sleep = sleep
        tickets: t.Set[str] = set()
        self._connections = [Connection(host, access, tickets) for host in access.hosts]
        self._guard = threading.Lock()
        self._version: t.Optional[Version] = None

    # ---- reads -------------------------------------------------------------------------------------------------------

    def get(self, path: str, /, **params: t.Any) -> t.Any:
        """Read, trying again where that can help.

        :raises Failure: when it does not, or not in O(max_retries) more rounds.
        """
        rounds = self.access.max_retries + 1
        last: t.Optional[Failure] = None
        for number in range(rounds):
            if number:
                self.sleep(self._delay(number))
            try:
                return self._anywhere("GET", path, params)
            except Failure as failure:
                last = failure
                if not failure.again:
                    raise
        if last is None:
            raise AssertionError("max_retries is 0 or more, so there is a first round")
        last.seen = f"{last.seen} ({rounds} {'rounds' if rounds > 1 else 'round'}, O(max_retries))"
        raise last

    def _anywhere(self, method: str, path: str, params: t.Mapping[str, t.Any]) -> t.Any:
        """One round: the hosts in turn, until one gives an answer that another would give too."""
        last: t.Optional[Failure] = None
        for connection in list(self._connections):
            try:
                return self._once(connection, method, path, params)
            except Failure as failure:
                if failure.again or failure.elsewhere:
                    self._put_last(connection)
                # Once a write may have been seen, no other host may see it again.
                if not failure.elsewhere or (method != "GET" and failure.sent):
                    raise
                last = last if last is not None and not failure.again and last.again else failure
        if last is None:
            raise AssertionError("there is always a host")
        raise last

    def _once(self, connection: Connection, method: str, path: str, params: t.Mapping[str, t.Any]) -> t.Any:
        with self._guard:
            self.calls += 1
        return connection.request(method, path, {key: value for key, value in params.items() if value is not None})

    def _put_last(self, connection: Connection) -> None:
        with self._guard:
            if self._connections[0] is connection:
                self._connections.append(self._connections.pop(0))

    def _delay(self, number: int) -> float:
        return min(self.access.retry_delay * 2.0 ** (number - 1), _LONGEST_DELAY)

    # ---- writes ------------------------------------------------------------------------------------------------------

    def write(
        self,
        method: str,
        path: str,
        params: t.Optional[t.Mapping[str, t.Any]] = None,
        done: t.Optional[t.Callable[[], t.Optional[t.Any]]] = None,
    ) -> t.Any:
        """Change something, once.

        An answer that leaves open whether it was carried out (none, a broken one, a 5xx) is never followed by the same call: ``done`` reads the
        state back, and returns what stands for the answer, or None where nothing was done. Only then the call is made again.

        :raises Failure: V(unsettled) without ``done``; else the last one.
        """
        rounds = self.access.max_retries + 1
        for number in range(rounds):
            if number:
                self.sleep(self._delay(number))
            try:
                return self._anywhere(method, path, params or {})
            except Failure as failure:
                if not failure.sent and failure.again:
                    last = failure
                    continue
                if not failure.sent or not _open(failure):
                    raise
                if done is None:
                    raise _unsettled(failure) from None
                answer = _look(done, failure)
                if answer is not None:
                    return answer
                last = failure
                if not failure.again:
                    raise
        raise last

    # ---- what the cluster can do -------------------------------------------------------------------------------------

    @property
    def version(self) -> Version:
        """The release of the node that answers, such as (9, 2, 11)."""
        if self._version is None:
            told = str(self.get("/version").get("version", ""))
            self._version = tuple(int(part) for part in re.findall(r"\d+", told)[:3])
        return self._version

    @property
    def has_ha_rules(self) -> bool:
        """Rules of the HA manager; before release 9 there are groups."""
        return self.version >= (9,)

    @property
    def has_arc_size(self) -> bool:
        """ZFS cache in the metrics of nodes."""
        return self.version >= (9,)


def _open(failure: Failure) -> bool:
    """Whether a call that ended so may have been carried out all the same."""
    return failure.kind in (failures.UNREACHABLE, failures.NODE_DEAD) or (failure.kind == failures.REFUSED and failure.status >= 500)


def _look(done: t.Callable[[], t.Optional[t.Any]], first: Failure) -> t.Optional[t.Any]:
    """What reading back shows; where that fails too, the first failure is the one to tell."""
    try:
        return done()
    except Failure as failure:
        first.seen = f"{first.seen}; reading it back: {failure.seen}"
        raise _unsettled(first) from None


def _unsettled(failure: Failure) -> Failure:
    return Failure(
        failures.UNSETTLED,
        f"{failure.seen}; whether it was carried out is not known",
        "Needed is a look at the state before it is tried again",
        status=failure.status,
        errors=failure.errors,
    )
