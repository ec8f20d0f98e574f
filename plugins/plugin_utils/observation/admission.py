# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which facts documents of a host are taken: known to this version, newer than what was recorded, of a clock that fits."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    CLOCK_OFF,
    INVALID_DOCUMENT,
    INVALID_HOST,
    NOT_NEWER,
    RECORDED_HOST,
    UNKNOWN_SCHEMA,
    Attributes,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import check_number, is_host, show

# node comes first: its cores and memory are the limits of what containers can use.
DOCUMENTS = {
    "foresight_node": "foresight.node/1",
    "foresight_lvm": "foresight.lvm/1",
    "foresight_lxc": "foresight.lxc/1",
    "foresight_cluster": "foresight.cluster/1",
}

CLOCK_OF_CONTROLLER = "foresight_cluster"


class Document(t.NamedTuple):
    """A document that is taken; ``at`` is the time of its observation, UTC seconds."""

    name: str
    data: Mapping[str, t.Any]
    at: int


class Refused(Exception):
    """A document, or all of a host, is not taken; ``reason`` is one of the reasons of model.py."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def admit(
    host: str,
    facts: Mapping[str, t.Any],
    before: Attributes,
    *,
    recorded_at: int,
    max_skew: int,
    started_at: int | None,
    recorded: dict[str, t.Any] | None,
) -> tuple[list[Document], list[Refused]]:
    """Return the documents that are taken, and why the others are not.

    :param before: attributes of the host entity as last recorded; the other parameters are those of observe().
    :raises Refused: if nothing of this host can be taken, whatever its documents hold.
    """
    _check_host(host, before, recorded)
    admitted: list[Document] = []
    refused: list[Refused] = []
    for name, schema in DOCUMENTS.items():
        if facts.get(name) is None:
            continue
        try:
            document = _document(host, name, schema, facts[name], int((recorded or {}).get("shifted_by") or 0))
            _check_newer(host, document, before, recorded)
            if recorded is None:
                _check_clock(host, document, recorded_at, max_skew, started_at)
        except Refused as reason:
            refused.append(reason)
        else:
            admitted.append(document)
    return admitted, refused


def clock_offset(observed_at: int, recorded_at: int, started_at: int | None) -> int:
    """Return by how many seconds a target's clock is certainly ahead (positive) or behind, 0 if it fits into the run."""
    earliest = recorded_at if started_at is None else min(started_at, recorded_at)
    return observed_at - recorded_at if observed_at > recorded_at else min(0, observed_at - earliest)


def last_observed_at(attributes: Attributes, name: str) -> int | None:
    """Return when the document of that name was observed that was recorded last, or None if there was none."""
    documents = attributes.get("documents")
    document = documents.get(name) if isinstance(documents, Mapping) else None
    at = document.get("observed_at") if isinstance(document, Mapping) else None
    return at if isinstance(at, int) else None


def _check_host(host: str, before: Attributes, recorded: dict[str, t.Any] | None) -> None:
    if not is_host(host):
        raise Refused(INVALID_HOST, f"{show(host)} cannot be part of an entity key; needed is a host name without slashes or blanks.")
    if recorded is None and (before.get("recorded") or {}).get("shifted_by"):
        raise Refused(
            RECORDED_HOST,
            f"{host} is known here from a recording whose times were shifted; live facts do not go with that history. "
            "Record live hosts in another store (O(store)).",
        )


def _document(host: str, name: str, schema: str, data: t.Any, shift: int) -> Document:
    if not isinstance(data, Mapping):
        raise Refused(INVALID_DOCUMENT, f"{name} of {host} is {show(data)}; needed is a document with schema {schema}.")
    # A cluster document of another tool, or written by hand, need not name a schema.
    seen = data.get("schema", schema if name == CLOCK_OF_CONTROLLER else None)
    if seen != schema:
        raise Refused(
            UNKNOWN_SCHEMA, f"{name} of {host} has schema {show(seen)}; this version reads {schema}. Use the same collection on both sides."
        )
    observed_at, problem = check_number(data.get("observed_at"))
    if problem or observed_at is None:
        raise Refused(INVALID_DOCUMENT, f"{name} of {host} has observed_at {show(data.get('observed_at'))}; needed are seconds since 1970.")
    return Document(name, data, int(observed_at) + shift)


def _check_newer(host: str, document: Document, before: Attributes, recorded: dict[str, t.Any] | None) -> None:
    known = last_observed_at(before, document.name)
    # A recording may be laid down again; only of a live host the same document twice means that it gave none this time.
    if known is None or document.at > known or (document.at == known and recorded is not None):
        return
    uptime = before.get("uptime")
    seconds = check_number(document.data.get("uptime_seconds"))[0]
    if document.at < known and isinstance(uptime, Mapping) and seconds is not None and seconds > uptime.get("seconds", seconds):
        raise Refused(
            NOT_NEWER,
            f"The clock of {host} went back: {document.name} is of {document.at}, and {known} was already recorded. "
            f"Nothing of it is recorded until that time has passed; check its time service.",
        )
    raise Refused(
        NOT_NEWER,
        f"{document.name} of {host} is of {document.at}, not newer than what was recorded ({known}): facts of an earlier run, out of "
        "a fact cache, of a host that gave none this time.",
    )


def _check_clock(host: str, document: Document, recorded_at: int, max_skew: int, started_at: int | None) -> None:
    offset = clock_offset(document.at, recorded_at, started_at)
    if abs(offset) <= max_skew:
        return
    direction = "ahead of" if offset > 0 else "behind"
    raise Refused(
        CLOCK_OFF,
        f"{document.name} of {host} is of {document.at}, {abs(offset)} s {direction} the controller's time; at most {max_skew} s are "
        "taken (O(max_skew)). Its clock is wrong, or the facts are of an earlier run.",
    )
