# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One volume as a report shows it. Pure; times are UTC seconds, sizes bytes."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import from_now, moment

Document = Mapping[str, t.Any]
Points = Sequence[float | None]
NEVER = math.inf
QUANTILES = ("0.1", "0.5", "0.9")
NEARLY_FULL = 0.9
# What a volume's verdict can be, besides "quiet": nothing is to be done.
DONE, PLANNED, PARTIAL, PROPOSED, REFUSED, FAILED, UNTOUCHED, QUIET = (
    "done", "planned", "partial", "proposed", "refused", "failed", "untouched", "quiet",
)  # fmt: skip


class History(t.NamedTuple):
    """Samples of one volume on one time grid; None where the line is broken."""

    start: int
    step: int
    used: Points
    limit: Points


@dataclasses.dataclass
class VolumeView:
    """One volume: what was last seen of it, its history and forecast, and what the plan says about it.

    :ivar holds: what `used` can grow to: the file system's size, of a thin pool or snapshot that of the volume.
    :ivar status: ok, cold_start, stale or invalid as of the forecast; `over`: its horizon lies in the past; `none`: there is no forecast.
    :ivar runway: seconds from issued_at by quantile; None = beyond the horizon.
    :ivar recorded: known from a recording only; `moved`: the times of that were shifted.
    :ivar planned_size: size of the volume after the plan, proposals included.
    :ivar shares: how much each method counts in the forecast; changes: what would change that, a sentence each.
    :ivar fillable: whether it can fill up at all: a thin pool as large as its volumes, or a snapshot as large as its origin, cannot.
    """

    entity: str
    host: str
    what: str
    mount: str
    size: int | None
    holds: int | None
    used: int | None
    status: str
    note: str
    method: str
    runway: dict[str, float | None]
    horizon: int
    issued_at: int | None
    history: History | None
    forecast: dict[str, Points]
    forecast_step: int
    recorded: bool
    moved: bool
    synthetic: bool
    planned_size: int | None = None
    verdict: str = "nothing to do"
    verdict_kind: str = QUIET
    reason: str = ""
    fillable: bool = True
    shares: str = ""
    changes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.entity.partition(":")[2]

    @property
    def fraction(self) -> float | None:
        """Used share, 0..1."""
        return self.used / self.holds if self.used is not None and self.holds else None

    def _time(self, quantile: str) -> float | None:
        seconds = self.runway.get(quantile)
        known = self.fillable and self.issued_at is not None and self.status not in ("over", "invalid")
        return None if seconds is None or self.issued_at is None or not known else self.issued_at + seconds

    @property
    def earliest(self) -> float | None:
        """When it is full with a probability of 0.1; None = not within the horizon, or not known."""
        return self._time("0.1")

    @property
    def likely(self) -> float | None:
        """When it is full with a probability of 0.5."""
        return self._time("0.5")

    @property
    def at_risk(self) -> bool:
        return self.fillable and (self.earliest is not None or (self.fraction or 0.0) >= NEARLY_FULL)

    @property
    def needs_somebody(self) -> bool:
        """Whether it is at risk and no action will help, or not enough. A recorded host is beyond help."""
        return self.at_risk and not (self.recorded or self.helped)

    @property
    def helped(self) -> bool:
        """Whether an action in force is enough."""
        return self.verdict_kind in (DONE, PLANNED) or (self.verdict_kind == PARTIAL and self.lasts)

    @property
    def lasts(self) -> bool:
        """Whether what it holds after the plan reaches to the end of the forecast, with a probability of 0.9."""
        ahead = [value for value in self.forecast.get("0.9", ()) if value is not None]
        return self.holds_after is not None and bool(ahead) and max(ahead) <= self.holds_after

    @property
    def holds_after(self) -> int | None:
        """What it holds after the plan: the overhead of its file system stays about what it is."""
        if self.planned_size is None or self.size is None or self.holds is None:
            return None
        return self.holds + self.planned_size - self.size

    @property
    def urgency(self) -> tuple[float, float, float, str]:
        """Sorts the volume that is full first to the front; among those that are not in sight, the fullest."""
        early, median = (NEVER if when is None else when for when in (self.earliest, self.likely))
        return early, median, -(self.fraction or 0.0), self.entity


def volume_view(
    entity: str, attributes: Document, forecast: Document | None, history: History | None, *, now: int, synthetic: bool
) -> VolumeView:
    """Return one volume.

    :param attributes: what was last recorded of it (entity attributes of the store).
    :param forecast: its newest forecast document, of used_bytes or of what a thin pool or a snapshot holds, or None.
    """
    filesystem = attributes.get("fs") or {}
    recorded: Document | None = attributes.get("recorded")
    known = forecast or {}
    quantiles = known.get("quantiles") or {}
    status, note = _status(attributes, forecast, now)
    what, used, holds = _use(attributes)
    return VolumeView(
        entity=entity,
        host=str(attributes.get("host")),
        what=what,
        mount=", ".join(filesystem.get("mountpoints") or []),
        size=attributes.get("size_bytes"),
        holds=holds,
        used=used,
        status=status,
        note=note,
        method=str(known.get("method") or ""),
        runway=dict((known.get("runway") or {}).get("seconds") or {}),
        horizon=int(known.get("horizon") or 0),
        issued_at=known.get("issued_at"),
        history=history,
        forecast={key: quantiles[key] for key in QUANTILES if key in quantiles},
        forecast_step=int(known.get("step_seconds") or 0),
        recorded=recorded is not None,
        moved=bool(recorded and recorded.get("shifted_by")),
        synthetic=synthetic,
        shares=_shares(known.get("explain") or {}),
        changes=tuple(str(item["text"]) for item in (known.get("explain") or {}).get("would_change") or []),
    )


def _shares(explain: Document) -> str:
    """Return how much each method counts; nothing where there is but one."""
    weights = explain.get("weights") or {}
    if len(weights) < 2:
        return ""
    return ", ".join(f"{100 * share:.0f} % {name}" for name, share in sorted(weights.items(), key=lambda item: -item[1]))


def _use(attributes: Document) -> tuple[str, int | None, int | None]:
    """Return what the volume is, its used bytes, and what it holds at most."""
    filesystem, size = attributes.get("fs"), attributes.get("size_bytes")
    # What matters of a snapshot is how full it is itself, whatever its file system holds.
    if filesystem and attributes.get("snapshot_fraction") is None:
        return str(filesystem.get("type") or "no file system"), filesystem.get("used"), filesystem.get("usable") or filesystem.get("size")
    shares = {"pool": ("thin pool", "data_fraction"), "snapshot": ("snapshot", "snapshot_fraction")}
    what, field = shares.get(str(attributes.get("role")), ("", ""))
    share = attributes.get(field)
    if what and share is not None and size is not None:
        return what, round(share * size), size
    return what or {"guest_disk": "guest disk"}.get(str(attributes.get("role")), "no file system"), None, None


def _status(attributes: Document, forecast: Document | None, now: int) -> tuple[str, str]:
    if forecast is None:
        return "none", _why_no_forecast(attributes)
    issued, horizon = forecast.get("issued_at"), int(forecast.get("horizon") or 0)
    if issued is not None and issued + horizon < now:
        return "over", f"the last forecast is of {moment(issued)} and looked {format_duration(horizon)} ahead; a new plan forecasts anew"
    return str(forecast.get("status")), str(forecast.get("note") or "")


def _why_no_forecast(attributes: Document) -> str:
    filesystem, role = attributes.get("fs"), attributes.get("role")
    if role in ("pool", "snapshot") and not filesystem:
        return (
            "not forecast yet; it comes with the next plan"
            if _use(attributes)[1] is not None
            else "not forecast: LVM does not tell how full it is"
        )
    if not filesystem:
        return "no file system that tells how full it is"
    if filesystem.get("used") is None:
        return f"its use is unknown: {str(filesystem.get('reason') or 'not mounted').replace('_', ' ')}"
    return "not forecast yet; it comes with the next plan"


def runway_text(volume: VolumeView, now: int) -> str:
    """Return when the volume is full in one line: earliest and likely time from now on, or why that is not known."""
    if not volume.fillable:
        return "never: what draws on it cannot fill it"
    if volume.earliest is not None:
        beyond = f"likely not within {format_duration(volume.horizon)}"
        likely = beyond if volume.likely is None else f"likely {from_now(volume.likely, now)}"
        return f"earliest {from_now(volume.earliest, now)}, {likely}"
    if volume.status in ("none", "over", "invalid"):
        return "unknown"
    return f"not within {format_duration(volume.horizon)}" if volume.runway else "no limit known"
