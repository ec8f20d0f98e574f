# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the verifier knows of a cluster document, read anew from its plain text: amounts, limits, and who may be where.

It shares no code with the optimisers, so that a mistake in theirs is not repeated here. Plain Python, exact sums.
"""

from __future__ import annotations

import collections
import math
import typing as t
from collections.abc import Collection, Iterable, Mapping

Document = Mapping[str, t.Any]
At = Mapping[str, str]

ROUNDING = 1e-9


class Limit(t.NamedTuple):
    """One limit of one node: of a resource, of what its guests may grow to (`most`: cpu_max, memory_max), or of a storage."""

    node: str
    kind: t.Literal["resource", "most", "storage"]
    name: str
    most: float

    @property
    def counted(self) -> bool:
        """Return whether exceeding it is a violation; of a storage it is only forbidden to make it worse."""
        return self.kind != "storage"

    def __str__(self) -> str:
        return f"{self.name}{'_max' if self.kind == 'most' else ''} of {self.node}"

    def exceeded_by(self, used: float) -> bool:
        """Return whether so much is too much."""
        return used > self.most * (1.0 + ROUNDING) + ROUNDING


class Facts:
    """Nodes and guests by name; where the guests are; what is closed.

    :param closed: nodes that take no guest besides those that are offline or in maintenance.
    :param overcommit: by which factor cpu_max and memory_max of the guests may exceed the usable capacity; None = without limit.
    """

    def __init__(self, document: Document, closed: Collection[str] = (), overcommit: float | None = None) -> None:
        self.nodes: dict[str, Document] = {node["name"]: node for node in document["nodes"]}
        self.guests: dict[str, Document] = {guest["id"]: guest for guest in document["guests"]}
        self.home: dict[str, str] = {name: guest["node"] for name, guest in self.guests.items()}
        self.rules: list[Document] = list(document.get("rules") or [])
        self.resources = ["cpu", "memory", *sorted({name for node in self.nodes.values() for name in node.get("more") or {}})]
        self.offline = {name for name, node in self.nodes.items() if node.get("online") is False}
        self.closed = {*self.offline, *(name for name, node in self.nodes.items() if node.get("maintenance")), *closed}
        self.local = {
            name for node in self.nodes.values() for name, place in (node.get("storages") or {}).items() if not (place or {}).get("shared")
        }
        self.overcommit = overcommit
        self._bound: dict[str, list[int]] = {}
        for number, rule in enumerate(self.rules):
            if is_strict(rule) and rule["kind"] in ("on_nodes", "not_on_nodes"):
                for name in set(rule.get("guests") or []):
                    self._bound.setdefault(name, []).append(number)
        self.limits = list(self._limits())

    def usable(self, node: str, resource: str) -> float:
        """Return the capacity of a node after its reserve."""
        whole = self.nodes[node]
        return max(0.0, _of(whole, resource) - float((whole.get("reserve") or {}).get(resource) or 0.0))

    def demand(self, guest: Document, kind: str, name: str) -> float:
        """Return what a guest takes of a limit of some kind."""
        if kind == "storage":
            return _on_storages(guest, {name})
        if guest.get("running") is False:
            return 0.0
        most = guest.get(f"{name}_max") if kind == "most" else None
        return _of(guest, name) if most is None else float(most)

    def used(self, at: At, copies: Iterable[tuple[str, str]] = (), nodes: Collection[str] | None = None) -> dict[Limit, float]:
        """Return what is used of each limit when the guests are somewhere, and copies (guest, node) of some of them elsewhere.

        :param nodes: only of these nodes.
        """
        on: dict[str, list[Document]] = {name: [] for name in (self.nodes if nodes is None else nodes)}
        for name, node in [*at.items(), *copies]:
            if node in on:
                on[node].append(self.guests[name])
        return {limit: self._used(limit, on[limit.node]) for limit in self.limits if limit.node in on}

    def ratios(self, at: At) -> dict[str, dict[str, float | None]]:
        """Return load / usable capacity by node and resource; None where a node has nothing of a resource."""
        found: dict[str, dict[str, float | None]] = {name: {} for name in self.nodes}
        for limit, used in self.used(at).items():
            if limit.kind == "resource":
                found[limit.node][limit.name] = used / limit.most if limit.most > 0 else None
        return found

    def unreachable(self, guest: Document, node: str) -> bool:
        """Return whether a node lacks a storage that a guest has disks on. A node that names no storages has them all."""
        places = self.nodes[node].get("storages") or {}
        return bool(places) and any(disk["storage"] not in places for disk in guest.get("disks") or [])

    def barred(self, name: str, node: str, guest: Document | None = None) -> str:
        """Return why a guest must not be on a node; empty = it may.

        :param guest: its document, where it is not one of the cluster yet.
        """
        guest = self.guests[name] if guest is None else guest
        if node in self.closed:
            return f"{node} is closed (offline, in maintenance or to be emptied)"
        if guest.get("pinned_to") and node not in guest["pinned_to"]:
            return f"it is pinned to {', '.join(guest['pinned_to'])}"
        for number in self._bound.get(name, ()):
            rule = self.rules[number]
            if (node in (rule.get("nodes") or [])) != (rule["kind"] == "on_nodes"):
                return f"rule {number} ({rule['kind']}) forbids it"
        return ""

    def astray(self, at: At) -> dict[str, str]:
        """Return the guests that are where they must not be, and why."""
        barred = ((name, self.barred(name, node)) for name, node in at.items())
        return {name: why for name, why in barred if why}

    def broken(self, at: At, *, strict: bool = True) -> dict[int, int]:
        """Return the together and apart rules that are broken, by their number, and how many of their guests too many or elsewhere.

        :param strict: only strict rules; else all of them.
        """
        found = {}
        for number, rule in enumerate(self.rules):
            nodes = [at[name] for name in sorted(set(rule.get("guests") or [])) if name in at]
            if strict and not is_strict(rule):
                continue
            wrong = 0
            if rule["kind"] == "together" and nodes:
                wrong = len(nodes) - max(collections.Counter(nodes).values())
            elif rule["kind"] == "apart":
                wrong = len(nodes) - len(set(nodes))
            if wrong:
                found[number] = wrong
        return found

    def violations(self, at: At) -> int:
        """Return how many rules, guests and limits are in breach."""
        over = sum(limit.counted and limit.exceeded_by(used) for limit, used in self.used(at).items())
        return len(self.astray(at)) + len(self.broken(at)) + over

    def bytes_of_move(self, name: str, node: str) -> float:
        """Return what a move of a guest to a node costs, in bytes."""
        guest = self.guests[name]
        predicted = guest.get("migration") or {}
        for source in ((predicted.get("targets") or {}).get(node) or {}, predicted):
            likely = (source.get("bytes") or {}).get("0.5")
            if likely is not None:
                return float(likely)
        return self.demand(guest, "resource", "memory") + _on_storages(guest, self.local)

    def _limits(self) -> Iterable[Limit]:
        on: dict[str, list[Document]] = {name: [] for name in self.nodes}
        for guest in self.guests.values():
            on[guest["node"]].append(guest)
        for name, node in self.nodes.items():
            for resource in self.resources:
                yield Limit(name, "resource", resource, self.usable(name, resource))
            if self.overcommit is not None:
                for resource in ("cpu", "memory"):
                    yield Limit(name, "most", resource, self.usable(name, resource) * self.overcommit)
            for storage, place in (node.get("storages") or {}).items():
                if storage in self.local and place and place.get("bytes") is not None and place.get("used") is not None:
                    here = math.fsum(_on_storages(guest, {storage}) for guest in on[name])
                    yield Limit(name, "storage", storage, float(place["bytes"]) - float(place["used"]) + here)

    def _used(self, limit: Limit, guests: Iterable[Document]) -> float:
        other = (self.nodes[limit.node].get("overhead") or {}).get(limit.name) if limit.kind == "resource" else None
        return float(other or 0.0) + math.fsum(self.demand(guest, limit.kind, limit.name) for guest in guests)


def is_strict(rule: Document) -> bool:
    """Return whether a rule is a hard one; without a word it is."""
    return rule.get("strict") is not False


def _of(thing: Document, resource: str) -> float:
    value = thing.get(resource) if resource in ("cpu", "memory") else (thing.get("more") or {}).get(resource)
    return float(value or 0.0)


def _on_storages(guest: Document, storages: Collection[str]) -> float:
    return math.fsum(float(disk.get("bytes") or 0.0) for disk in guest.get("disks") or [] if disk["storage"] in storages)
