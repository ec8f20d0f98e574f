# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts documents of one host that are taken → one observation."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.admission import (
    CLOCK_OF_CONTROLLER,
    Document,
    Refused,
    admit,
    clock_offset,
    last_observed_at,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.cluster import observe_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.lvm import free_physical_volumes, observe_lvm
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.lxc import observe_lxc
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    CLOCK,
    NO_FACTS,
    OTHER_MACHINE,
    Attributes,
    Last,
    Observation,
    ObservedEntity,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.node import cores_of, observe_node
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import (
    Part,
    Samples,
    check_number,
    clean_text,
    show,
)


def observe(
    host: str,
    facts: t.Any,
    *,
    recorded_at: int,
    last: Last | None = None,
    max_skew: int = 300,
    started_at: int | None = None,
    recorded: dict[str, t.Any] | None = None,
) -> Observation:
    """Map the facts documents of one host. Never raises, whatever the documents hold.

    :param facts: mapping of document names (see DOCUMENTS) to documents; other keys are ignored.
    :param recorded_at: the controller's time, UTC seconds.
    :param last: what was last recorded of this host (Observation.next_last, or the same from the store), None for a new one.
    :param max_skew: seconds by which the target's clock may differ.
    :param started_at: when the run began to read facts: a document is not late only because another host was slow.
    :param recorded: None for a live host; C({shifted_by: seconds}) for documents out of a recording, whose times are shifted by
                     so much and not compared with the controller's clock.
    """
    facts = facts if isinstance(facts, Mapping) else {}
    last = last or Last(host=None, entities={})
    try:
        taken, refused = admit(
            host, facts, last["host"] or {}, recorded_at=recorded_at, max_skew=max_skew, started_at=started_at, recorded=recorded
        )
    except Refused as reason:
        return Observation(host, "rejected", reason.reason, reason.message)
    if not taken and not refused:
        return Observation(
            host, NO_FACTS, NO_FACTS, f"{host} has no facts of this collection; observe it first (foresight.capacity.observe)."
        )
    told = " ".join(one.message for one in refused) or None
    if not taken:
        return Observation(host, "rejected", refused[0].reason, told)
    return _Mapper(host, recorded_at, started_at, last, recorded).map(taken, told)


class _Mapper:
    def __init__(self, host: str, recorded_at: int, started_at: int | None, last: Last, recorded: dict[str, t.Any] | None) -> None:
        self._host = host
        self._started_at = started_at
        self._recorded_at = recorded_at
        self._last = last
        self._before: Attributes = last["host"] or {}
        self._recorded = recorded
        self._attributes: Attributes = {
            key: self._before.get(key) for key in ("cores", "memory_total_bytes", "swap_total_bytes", "free_pvs", "cluster")
        }
        self._attributes["counters"] = self._before.get("counters")
        self._attributes["uptime"] = self._before.get("uptime")

    def map(self, taken: list[Document], message: str | None) -> Observation:
        result = Observation(self._host, "recorded", message=message, documents=[document.name for document in taken])
        jumped = self._clock_jumped(taken)
        if jumped is not None:
            Part({}, f"host:{self._host}", result.issues).tell("observed_at", CLOCK, jumped)
        documents = dict(self._before.get("documents") or {})
        for document in taken:
            samples = Samples(document.at, CLOCK if jumped else None)
            self._one(document, samples, result)
            result.samples += samples.rows
            documents[document.name] = {**_summary(document), "read_between": self._read_between()}
        newest = max(taken, key=lambda document: document.at)
        self._tell_other_machine(clean_text(newest.data.get("machine_id")), result)
        boot_id = clean_text(newest.data.get("boot_id")) or self._before.get("boot_id")
        self._attributes.update(
            machine_id=clean_text(newest.data.get("machine_id")) or self._before.get("machine_id"),
            boot_id=boot_id,
            observed_at=newest.at,
            recorded_at=self._recorded_at,
            clock_offset=None if self._recorded is not None else clock_offset(newest.at, self._recorded_at, self._started_at),
            facts=sorted(documents),
            documents=documents,
            recorded=self._recorded,
        )
        key = f"host:{self._host}"
        result.entities.insert(0, ObservedEntity(key, key, "host", self._host, self._attributes, newest.at))
        return result

    def _one(self, document: Document, samples: Samples, result: Observation) -> None:
        boot_id = clean_text(document.data.get("boot_id"))
        if document.name == "foresight_node":
            self._attributes.update(
                observe_node(
                    self._host,
                    document.data,
                    at=document.at,
                    boot_id=boot_id,
                    last=self._before,
                    samples=samples,
                    issues=result.issues,
                )
            )
            return
        if document.data.get("available") is False:
            return
        if document.name == "foresight_lvm":
            entities, complete = observe_lvm(
                self._host, document.data, at=document.at, recorded=self._recorded, samples=samples, issues=result.issues
            )
            self._attributes["free_pvs"] = free_physical_volumes(self._host, document.data)
        elif document.name == "foresight_lxc":
            entities, complete = observe_lxc(
                self._host,
                document.data,
                at=document.at,
                boot_id=boot_id,
                cores=cores_of(self._attributes),
                memory_total=self._attributes.get("memory_total_bytes"),
                recorded=self._recorded,
                last=self._last,
                samples=samples,
                issues=result.issues,
            )
        else:
            entities, complete, cluster = observe_cluster(
                self._host,
                document.data,
                at=document.at,
                recorded=self._recorded,
                samples=samples,
                issues=result.issues,
            )
            self._attributes["cluster"] = cluster or self._attributes["cluster"]
        result.entities += entities
        for kind, identities in complete.items():
            result.complete.setdefault(kind, set()).update(identities)

    def _tell_other_machine(self, machine_id: str | None, result: Observation) -> None:
        """A name that means another machine than before: reinstalled, or two inventories that share a store and a name."""
        known = self._before.get("machine_id")
        if known and machine_id and machine_id != known:
            Part({}, f"host:{self._host}", result.issues).tell(
                "machine_id",
                OTHER_MACHINE,
                f"was {show(known)} and is {show(machine_id)}: another machine of the same name, or a new installation. "
                "Inventories that give one name to different machines need a store each (O(store))",
            )

    def _clock_jumped(self, taken: list[Document]) -> str | None:
        """Tell whether the target's clock ran differently from its uptime (else: from the controller's clock) since last time."""
        for document in taken:
            if document.name == "foresight_node":
                passed = self._uptime_passed(document)
                if passed is not None:
                    return _jump(document.at - self._before["uptime"]["at"], (passed, passed), max(5.0, 0.02 * passed), "its uptime")
        for document in taken:
            between = self._controller_passed(document)
            if between is not None:
                by_clock = document.at - (last_observed_at(self._before, document.name) or 0)
                return _jump(by_clock, between, max(60.0, 0.5 * between[1]), "the controller's clock")
        return None

    def _read_between(self) -> list[int] | None:
        """Return the controller's times before and after the documents were read; a recording has none."""
        if self._recorded is not None:
            return None
        return [self._recorded_at if self._started_at is None else min(self._started_at, self._recorded_at), self._recorded_at]

    def _controller_passed(self, document: Document) -> tuple[float, float] | None:
        """Return how many seconds passed at least and at most by the controller's clock since this document was recorded last."""
        known = (self._before.get("documents") or {}).get(document.name) or {}
        before, now = known.get("read_between"), self._read_between()
        if before is None or now is None or document.name == CLOCK_OF_CONTROLLER:
            return None
        return now[0] - before[1], now[1] - before[0]

    def _uptime_passed(self, document: Document) -> float | None:
        uptime = self._before.get("uptime")
        seconds = check_number(document.data.get("uptime_seconds"))[0]
        if not isinstance(uptime, Mapping) or seconds is None or uptime.get("boot_id") != clean_text(document.data.get("boot_id")):
            return None
        passed = seconds - uptime["seconds"]
        return passed if passed > 0 else None


def _jump(by_clock: float, passed: tuple[float, float], tolerance: float, other: str) -> str | None:
    least, most = passed
    if least - tolerance <= by_clock <= most + tolerance:
        return None
    told = f"{most:.0f}" if least == most else f"{least:.0f} to {most:.0f}"
    return (
        f"moved on by {by_clock:.0f} s while {other} moved on by {told} s: the clock jumped; "
        "the samples of this observation are kept out of models"
    )


def _summary(document: Document) -> Attributes:
    data = document.data
    available = data.get("available")
    return {
        "observed_at": document.at,
        "available": available if isinstance(available, bool) else True,
        "reason": clean_text(data.get("reason")),
        "api_skew": check_number(data.get("api_skew"))[0],
    }
