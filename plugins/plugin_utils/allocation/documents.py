# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The volumes and VGs that `allocate` takes, checked once and then trusted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields

FORECAST_STATES = ("ok", "cold_start", "stale", "invalid", "no_history")
MANY_COPIES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class Filesystem:
    """What statvfs says of a mounted file system, in bytes. `avail` excludes what is kept for root, None = not known."""

    type: str | None
    size: int | None
    used: int | None
    avail: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """One logical volume with its demand; sizes in bytes, times in seconds. `copies` = extents of the VG taken by one extent of it.

    `copies_freed` = extents of the VG that come free with one of it, 0 = not known.
    `past_peak_bytes` = the most its file system held within the last `past_seconds`, all of which are known.
    """

    entity: str
    host: str
    vg: str
    lv: str
    uuid: str
    size_bytes: int
    filesystem: Filesystem | None
    managed: bool
    named_exactly: bool
    mounted: bool
    demand_bytes: float | None
    demand_status: str
    demand_note: str | None
    demand_window_seconds: int | None
    history_mean_bytes: float | None
    priority: float
    min_bytes: int | None
    max_bytes: int | None
    observed_at: int
    last_resized_at: int | None
    last_failed_at: int | None
    past_peak_bytes: float | None
    past_seconds: int | None
    allow_shrink: bool
    allow_unmount: bool
    copies: int
    copies_freed: int
    unfinished: bool
    left_unmounted: bool
    refused_reason: str | None
    forecast: dict[str, t.Any] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """One VG of one host."""

    entity: str
    host: str
    vg: str
    uuid: str
    extent_bytes: int
    extents_free: int
    reserve_extents: int
    refused_reason: str | None

    @property
    def spendable(self) -> int:
        """Extents that may be given away."""
        return self.spendable_with(0)

    @property
    def owed(self) -> int:
        """Extents that the reserve itself lacks."""
        return max(0, self.reserve_extents - self.extents_free)

    def spendable_with(self, freed: int) -> int:
        """Return the extents that may be given away once so many come free: what the reserve lacks is paid first."""
        return max(0, self.extents_free + freed - self.reserve_extents)


def read_volumes(documents: t.Any) -> list[Volume]:
    """Return the volumes, sorted by entity, so that nothing depends on the order they came in.

    :raises InputError: for anything but a list of volume documents with different entities.
    """
    volumes = sorted((_volume(fields) for fields in _each(documents, "volumes", "Volume")), key=lambda volume: volume.entity)
    _refuse_twice([volume.entity for volume in volumes], "volumes")
    return volumes


def read_groups(documents: t.Any) -> dict[tuple[str, str], Group]:
    """Return the VGs by host and name. A VG whose UUID appears more than once is refused for changes as `shared_vg`.

    :raises InputError: for anything but a list of group documents with different entities.
    """
    groups = sorted((_group(fields) for fields in _each(documents, "groups", "VG")), key=lambda group: group.entity)
    _refuse_twice([group.entity for group in groups], "groups")
    _refuse_twice([f"vg:{group.host}/{group.vg}" for group in groups], "groups")
    seen: dict[str, int] = {}
    for group in groups:
        seen[group.uuid] = seen.get(group.uuid, 0) + 1
    return {
        (group.host, group.vg): dataclasses.replace(group, refused_reason=group.refused_reason or "shared_vg")
        if seen[group.uuid] > 1
        else group
        for group in groups
    }


def _each(documents: t.Any, option: str, kind: str) -> t.Iterator[Fields]:
    if not isinstance(documents, list):
        raise InputError(
            f"{option} is {type(documents).__name__}; needed is a list as of the lookup foresight.capacity.volumes (O({option}))."
        )
    for position, document in enumerate(documents):
        fields = Fields(document, f"{kind} {position + 1} of {len(documents)}", f"{option}[]")
        fields.name = f"{kind} {fields.text('entity')}"
        yield fields


def _volume(fields: Fields) -> Volume:
    status = fields.choice("demand_status", FORECAST_STATES, "no_history")
    demand = fields.optional_number("demand_bytes")
    if status == "ok" and demand is None:
        raise fields.wrong("demand_bytes", None, "the demand in bytes, because demand_status is ok")
    smallest, largest = fields.optional_count("min_bytes"), fields.optional_count("max_bytes")
    if smallest is not None and largest is not None and smallest > largest:
        raise fields.wrong("min_bytes", smallest, f"at most max_bytes, which is {largest}")
    copies = fields.count("copies", 1, least=1)
    if copies > MANY_COPIES:
        raise fields.wrong("copies", copies, f"a whole number of at most {MANY_COPIES}")
    forecast = fields.inner("forecast")
    return Volume(
        entity=fields.text("entity"),
        host=fields.text("host"),
        vg=fields.text("vg"),
        lv=fields.text("lv"),
        uuid=fields.text("uuid"),
        size_bytes=fields.count("size_bytes", least=1),
        filesystem=_filesystem(fields.inner("fs")),
        managed=fields.flag("managed", False),
        named_exactly=fields.flag("named_exactly", False),
        mounted=fields.flag("mounted", False),
        demand_bytes=demand,
        demand_status=status,
        demand_note=fields.optional_text("demand_note"),
        demand_window_seconds=fields.optional_count("demand_window_seconds"),
        history_mean_bytes=fields.optional_number("history_mean_bytes"),
        priority=fields.number("priority", 1.0, above=0),
        min_bytes=smallest,
        max_bytes=largest,
        observed_at=fields.count("observed_at"),
        last_resized_at=fields.optional_count("last_resized_at"),
        last_failed_at=fields.optional_count("last_failed_at"),
        past_peak_bytes=fields.optional_number("past_peak_bytes"),
        past_seconds=fields.optional_count("past_seconds"),
        allow_shrink=fields.flag("allow_shrink", False),
        allow_unmount=fields.flag("allow_unmount", False),
        copies=copies,
        copies_freed=fields.count("copies_freed", 1),
        unfinished=fields.flag("unfinished", False),
        left_unmounted=fields.flag("left_unmounted", False),
        refused_reason=fields.optional_text("refused_reason"),
        forecast=dict(forecast.document) if forecast else None,
    )


def _filesystem(fields: Fields | None) -> Filesystem | None:
    if fields is None:
        return None
    return Filesystem(
        type=fields.optional_text("type"),
        size=fields.optional_count("size"),
        used=fields.optional_count("used"),
        avail=fields.optional_count("avail"),
    )


def _group(fields: Fields) -> Group:
    reason = fields.optional_text("refused_reason")
    return Group(
        entity=fields.text("entity"),
        host=fields.text("host"),
        vg=fields.text("vg"),
        uuid=fields.text("uuid"),
        extent_bytes=fields.count("extent_bytes", least=1),
        extents_free=fields.count("extents_free"),
        reserve_extents=fields.count("reserve_extents"),
        refused_reason=reason or ("shared_vg" if fields.flag("shared", False) else None),
    )


def _refuse_twice(names: list[str], option: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{name} appears twice; needed is each entity once (O({option})).")
        seen.add(name)
