# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes out of facts documents: entities, samples, and what was wrong with them."""

from __future__ import annotations

import dataclasses
import typing as t

# The flags of samples that no model reads. The store has a number for each.
NAN = "nan"
NEGATIVE = "negative"
RESET = "reset"
CLOCK = "clock"
GAP = "gap"
IMPOSSIBLE = "impossible"
DUPLICATE = "duplicate"
FLAGS = (NAN, NEGATIVE, RESET, CLOCK, GAP, IMPOSSIBLE, DUPLICATE)

# Further kinds of issues: nothing that could be kept as a sample was there.
WRONG_TYPE = "wrong_type"
MISSING = "missing"
INVALID_NAME = "invalid_name"
OTHER_MACHINE = "other_machine"

# Reasons for which no document of a host was taken.
NO_FACTS = "no_facts"
UNKNOWN_SCHEMA = "unknown_schema"
INVALID_DOCUMENT = "invalid_document"
NOT_NEWER = "not_newer"
CLOCK_OFF = "clock_off"
INVALID_HOST = "invalid_host"
RECORDED_HOST = "recorded_host"

Attributes = dict[str, t.Any]


class ObservedEntity(t.NamedTuple):
    """One row for the store: the identity (what the series hang on), the key (the display name) and what was seen."""

    identity: str
    key: str
    kind: str
    host: str | None
    attributes: Attributes
    observed_at: int


class ObservedSample(t.NamedTuple):
    """One value of one metric; flag is one of FLAGS or None, a value of None is kept as a flagged hole."""

    identity: str
    metric: str
    time: int
    value: float | None
    flag: str | None


class Issue(t.NamedTuple):
    """One thing that was wrong, told to the user."""

    entity: str
    field: str
    kind: str
    message: str


class Last(t.TypedDict):
    """What was last recorded of a host: the attributes of its host entity, and those of its guests by identity."""

    host: Attributes | None
    entities: dict[str, Attributes]


@dataclasses.dataclass
class Observation:
    """All that the facts documents of one host gave.

    :ivar status: recorded, no_facts or rejected.
    :ivar reason: one of the reasons above if nothing was recorded, else None.
    :ivar message: for people; also set on a recorded host of which one document was not taken.
    :ivar documents: the names of the documents that were taken.
    :ivar complete: for each kind (lv, vg, guest …) whose list was read in full the identities in it; what is not among them is gone.
    """

    host: str
    status: str
    reason: str | None = None
    message: str | None = None
    documents: list[str] = dataclasses.field(default_factory=list)
    entities: list[ObservedEntity] = dataclasses.field(default_factory=list)
    samples: list[ObservedSample] = dataclasses.field(default_factory=list)
    issues: list[Issue] = dataclasses.field(default_factory=list)
    complete: dict[str, set[str]] = dataclasses.field(default_factory=dict)

    @property
    def next_last(self) -> Last:
        """What the next observation of this host is compared with."""
        host = next((entity.attributes for entity in self.entities if entity.kind == "host"), None)
        return Last(host=host, entities={entity.identity: entity.attributes for entity in self.entities if entity.kind == "guest"})
