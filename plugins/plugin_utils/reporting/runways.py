# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The dates of volume groups, thin pools and snapshots as a report shows them. Pure; times are UTC seconds, sizes bytes."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import counted, some

Document = Mapping[str, t.Any]
NEVER = float("inf")
NEARLY_FULL = 0.9


@dataclasses.dataclass
class Dates:
    """When something is full, in 1, 5 and 9 of 10 cases; None = not within `horizon` seconds from when it was looked for.

    :ivar over: whether the whole horizon has passed since; then the dates say nothing any more.
    """

    early: float | None
    likely: float | None
    late: float | None
    horizon: int | None
    over: bool

    @property
    def none(self) -> str:
        """What to say where there is no date."""
        if self.over:
            return "looked for too long ago; plan again"
        return "its history is too short" if self.horizon is None else f"not within {format_duration(self.horizon)}"


@dataclasses.dataclass
class Fill:
    """How full one part is."""

    used: int | None
    size: int | None

    @property
    def fraction(self) -> float | None:
        """Used share, 0..1."""
        return self.used / self.size if self.used is not None and self.size else None

    @property
    def nearly_full(self) -> bool:
        return (self.fraction or 0.0) >= NEARLY_FULL


@dataclasses.dataclass
class GroupDates:
    """One volume group. spendable: bytes free besides its reserve; needed: those needed at the end of the horizon, in 5 of 10 cases."""

    name: str
    spendable: int
    needed: int | None
    dates: Dates
    note: str


@dataclasses.dataclass
class PoolDates:
    """One thin pool. ratio: sizes of its volumes per byte of it; note: which of its volumes grows fastest; charge: who extends it."""

    name: str
    data: Fill
    metadata: Fill
    virtual: int
    ratio: float
    dates: Dates
    by: str
    note: str
    charge: str

    @property
    def at_risk(self) -> bool:
        return self.dates.early is not None or (self.data.nearly_full and self.ratio > 1) or self.metadata.nearly_full


@dataclasses.dataclass
class SnapshotDates:
    """One copy-on-write snapshot, which is lost when it overflows."""

    name: str
    origin: str
    fill: Fill
    overflowed: bool
    dates: Dates
    note: str
    charge: str

    @property
    def at_risk(self) -> bool:
        return self.overflowed or self.dates.early is not None or (self.fill.nearly_full and not self.note)


def group_dates(known: Sequence[Document], now: int) -> list[GroupDates]:
    """Return the volume groups, those that run out first at the front.

    :param known: what was remembered of each when planning: `{issued_at, group, pools, snapshots}`.
    """
    found = []
    for one in known:
        group = one["group"]
        runway, extent = group["runway"], int(group["extent_bytes"])
        needed = runway["extents"].get("0.5")
        left_out = [str(key).rpartition("/")[2] for key in runway["left_out"]]
        found.append(
            GroupDates(
                name=_name(group["entity"]),
                spendable=int(runway["spendable_extents"]) * extent,
                needed=None if needed is None else int(needed) * extent,
                dates=_dates(runway, one["issued_at"], now),
                note=f"{counted(runway['volumes'], 'volume')} looked at"
                + (f"; taken as they are, for want of a history: {some(left_out, 5)}" if left_out else ""),
            )
        )
    return sorted(found, key=lambda group: (*_urgency(group.dates), group.spendable, group.name))


def pool_dates(known: Sequence[Document], now: int) -> list[PoolDates]:
    """Return the thin pools, those that are full first at the front."""
    found = []
    for one in known:
        for pool in one["pools"]:
            over, fastest = pool["overprovisioning"], pool.get("fastest")
            found.append(
                PoolDates(
                    name=_name(pool["entity"]),
                    data=Fill(pool["data"]["used_bytes"], pool["data"]["size_bytes"]),
                    metadata=Fill(pool["metadata"]["used_bytes"], pool["metadata"]["size_bytes"]),
                    virtual=int(over["virtual_bytes"]),
                    ratio=float(over["ratio"]),
                    dates=_dates(pool["runway"], one["issued_at"], now),
                    by=str(pool["runway"].get("by") or ""),
                    note=f"{_name(fastest['entity']).rpartition('/')[2]} grows fastest" if fastest else "",
                    charge=_charge(pool.get("in_charge"), pool.get("autoextend")),
                )
            )
    return sorted(found, key=lambda pool: (*_urgency(pool.dates), -(pool.data.fraction or 0.0), pool.name))


def snapshot_dates(known: Sequence[Document], now: int) -> list[SnapshotDates]:
    """Return the copy-on-write snapshots, those that overflow first at the front."""
    found = [
        SnapshotDates(
            name=_name(snapshot["entity"]),
            origin=str(snapshot.get("origin") or ""),
            fill=Fill(snapshot["used_bytes"], snapshot["size_bytes"]),
            overflowed=bool(snapshot["overflowed"]),
            dates=_dates(snapshot["runway"], one["issued_at"], now),
            note="" if snapshot["can_fill"] else "as large as its origin: it cannot overflow",
            charge=_charge(snapshot.get("in_charge"), snapshot.get("autoextend")),
        )
        for one in known
        for snapshot in one["snapshots"]
    ]
    return sorted(
        found, key=lambda snapshot: (not snapshot.overflowed, *_urgency(snapshot.dates), -(snapshot.fill.fraction or 0.0), snapshot.name)
    )


def _dates(runway: Document, issued_at: int, now: int) -> Dates:
    horizon = runway.get("horizon_seconds")
    over = horizon is not None and issued_at + horizon < now
    seconds = {} if over else runway["seconds"]
    early, likely, late = (None if seconds.get(name) is None else issued_at + seconds[name] for name in ("0.1", "0.5", "0.9"))
    return Dates(early, likely, late, horizon, over)


def _urgency(dates: Dates) -> tuple[float, float]:
    return NEVER if dates.early is None else dates.early, NEVER if dates.likely is None else dates.likely


def _charge(charge: str | None, autoextend: Document | None) -> str:
    """Return who extends it, in words."""
    told = autoextend or {}
    if charge == "foresight":
        return "foresight.capacity"
    if charge != "dmeventd":
        return "nobody"
    step, threshold = told.get("step"), told.get("threshold")
    if told.get("command"):
        return f"dmeventd, with {told['command']}"
    return f"dmeventd, by {step:.0%} at {threshold:.0%}" if step is not None and threshold is not None else "dmeventd"


def _name(entity: str) -> str:
    return str(entity).partition(":")[2]
