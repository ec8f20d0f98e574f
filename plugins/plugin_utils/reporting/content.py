# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything a report shows, made of documents and arrays. Pure; times are UTC seconds, sizes bytes."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.clusters import ClusterView, clusters_headline, limits_broken
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.groups import GroupView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.runways import GroupDates, PoolDates, SnapshotDates
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import DONE, VolumeView

Rows = list[dict[str, str]]


@dataclasses.dataclass
class Content:
    """Everything a report shows; volumes, groups and clusters the most urgent first.

    :ivar actions, proposals: of the plan, but for the moves that stand with the picture of their cluster.
    """

    now: int
    hosts: list[str]
    volumes: list[VolumeView]
    groups: list[GroupView]
    plan: Mapping[str, t.Any] | None
    plan_state: str | None
    actions: Rows
    refused: Rows
    proposals: Rows
    outcomes: Rows
    notes: list[str]
    group_dates: list[GroupDates] = dataclasses.field(default_factory=list)
    pool_dates: list[PoolDates] = dataclasses.field(default_factory=list)
    snapshot_dates: list[SnapshotDates] = dataclasses.field(default_factory=list)
    clusters: list[ClusterView] = dataclasses.field(default_factory=list)

    @property
    def horizon(self) -> int:
        return max((volume.horizon for volume in self.volumes), default=0)

    @property
    def at_risk(self) -> list[VolumeView]:
        return [volume for volume in self.volumes if volume.at_risk]

    @property
    def shown_first(self) -> list[VolumeView]:
        """Volumes that are at risk or that the plan says something about."""
        return [volume for volume in self.volumes if volume.at_risk or volume.verdict_kind != "quiet"]

    @property
    def quiet(self) -> list[VolumeView]:
        return [volume for volume in self.volumes if not (volume.at_risk or volume.verdict_kind != "quiet")]

    @property
    def headline(self) -> str:
        """The report in one or two sentences, of volumes and clusters where there are any."""
        told = [self._of_volumes] if self.volumes else []
        told += [clusters_headline(self.clusters)] if self.clusters else []
        return " ".join(told) or "No logical volume and no cluster was observed on these hosts yet."

    @property
    def nodes(self) -> int:
        return sum(len(cluster.view.nodes) for cluster in self.clusters)

    @property
    def guests(self) -> int:
        return sum(cluster.guests for cluster in self.clusters)

    @property
    def broken(self) -> int:
        """How many limits of clusters are broken as long as not all moves are done."""
        return sum(cluster.broken for cluster in self.clusters)

    @property
    def limits_broken(self) -> str:
        """How many limits of clusters are broken, before and after the moves."""
        before, after = limits_broken(self.clusters)
        return f"{before:,} → {after:,}" if before != after else f"{before:,}"

    @property
    def moves(self) -> int:
        """How many moves the plan has."""
        return sum(cluster.planned for cluster in self.clusters)

    @property
    def moved(self) -> int:
        return sum(cluster.done for cluster in self.clusters)

    @property
    def has_changes(self) -> bool:
        """Whether the plan changes anything."""
        return bool(self.actions) or self.moves > 0

    @property
    def _of_volumes(self) -> str:
        within = f" within {format_duration(self.horizon)}" if self.horizon else ""
        risky, known = self.at_risk, sum(volume.status not in ("none", "over", "invalid") for volume in self.volumes)
        if not risky:
            if known < 2:
                return f"The 1 volume with a forecast does not fill up{within}." if known else "No volume has a forecast yet."
            return f"None of the {known} volumes with a forecast fills up{within}."
        needs = sum(volume.needs_somebody for volume in risky)
        recorded = sum(volume.recorded for volume in risky)
        grown = sum(volume.verdict_kind == DONE for volume in risky if not volume.recorded)
        planned = len(risky) - needs - grown - recorded
        told = [f"{_volumes(len(risky))} nearly full or may be full{within}"]
        told += [f"{planned} of them the plan grows"] if planned else []
        told += [f"{grown} of them {'was' if grown == 1 else 'were'} grown"] if grown else []
        those = "all" if recorded == len(risky) else f"{recorded} {'is' if recorded == 1 else 'are'}"
        told += [f"{those} on recorded hosts, which are never changed"] if recorded else []
        told += [f"{needs} {'needs' if needs == 1 else 'need'} you"] if needs else []
        return "; ".join(told) + "."


def _volumes(count: int) -> str:
    return "1 volume is" if count == 1 else f"{count} volumes are"
