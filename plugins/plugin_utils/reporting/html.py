# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTML file with everything in it: no network, no other file."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.clusters import ClusterView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import Content
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.page import ROWS_SHOWN, environment, script_json
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_chart import Placed, charts_json
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import BARS
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import figures
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import axis_unit, from_now
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import QUANTILES, Points, VolumeView, runway_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import plotly_offline

_TEMPLATE = "report.html.j2"
GROUPS_SHOWN = 30
# More quiet volumes than this are folded away.
_QUIET_OPEN = 25


def render_html(content: Content, *, charts: int) -> str:
    """Return the page.

    :param charts: how many volumes, and how many clusters, get a chart, the most urgent first; the others stand in a table only.
    """
    pictured = content.clusters[:charts]
    charted = [volume for volume in content.volumes if volume.history is not None][:charts]
    return str(
        environment()
        .get_template(_TEMPLATE)
        .render(
            content=content,
            actions=[*content.actions, *(row for cluster in content.clusters[charts:] for row in cluster.rows)],
            charted=charted,
            uncharted=len(content.volumes) - len(charted),
            groups=content.groups[:GROUPS_SHOWN],
            more_groups=len(content.groups[GROUPS_SHOWN:]),
            most=ROWS_SHOWN,
            quiet_open=len(content.quiet) <= _QUIET_OPEN,
            from_now=lambda seconds: from_now(seconds, content.now),
            runway=lambda volume: runway_text(volume, content.now),
            placements=[_placed(cluster) for cluster in pictured],
            more_clusters=content.clusters[charts:],
            whole="the plan itself",
            placement_data=charts_json([cluster.view for cluster in pictured], BARS),
            data=script_json([chart_data(volume) for volume in charted]),
            plotly=plotly_offline.get_plotlyjs(),
        )
    )


def _placed(cluster: ClusterView) -> Placed:
    """Return what stands around the picture of a cluster."""
    large = len(cluster.view.nodes) > BARS
    return Placed(cluster.name, cluster.told, cluster.view, large, cluster.tags, cluster.remark, figures(cluster.view), cluster.states)


def chart_data(volume: VolumeView) -> dict[str, t.Any]:
    """Return what the page's script draws of one volume: values in one unit, times in seconds."""
    history = volume.history
    used, limit = (history.used, history.limit) if history else ([], [])
    upper = [*used, *limit, *volume.forecast.get("0.9", []), volume.holds_after]
    unit, divisor = axis_unit(upper)
    return {
        "unit": unit,
        "start": history.start if history else None,
        "step": history.step if history else None,
        "used": _scaled(used, divisor),
        "limit": _scaled(limit, divisor),
        "issued_at": volume.issued_at,
        "forecast_step": volume.forecast_step,
        "forecast": {key: _scaled(volume.forecast[key], divisor) for key in QUANTILES if key in volume.forecast},
        "holds": None if volume.holds is None else volume.holds / divisor,
        "holds_after": None if volume.holds_after is None else volume.holds_after / divisor,
        "earliest": volume.earliest,
        "likely": volume.likely,
        "synthetic": volume.synthetic,
    }


def _scaled(values: Points, divisor: float) -> list[float | None]:
    return [None if value is None else round(value / divisor, 4) for value in values]
