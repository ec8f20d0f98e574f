# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a simulation: one HTML file with everything in it, no network, no other file."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.page import ROWS_SHOWN, environment
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_chart import Placed, charts_json
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Attempt, failures, tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import effort, gains, told_of, violations
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import BALANCE, FREED, OPEN, PlacementView
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import counted
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import plotly_offline

_TEMPLATE = "simulation.html.j2"


def render_simulation(document: Mapping[str, t.Any], attempts: Sequence[Attempt], notes: Sequence[str], *, mark: str, bars: int) -> str:
    """Return the page.

    :param mark: what it shows; :param bars: up to how many nodes each has a bar.
    """
    views = [attempt.view for attempt in attempts if attempt.view is not None]
    return str(
        environment()
        .get_template(_TEMPLATE)
        .render(
            document=document,
            attempts=attempts,
            views=views,
            notes=[*notes, *failures(attempts)],
            mark=mark,
            headline=headline(views),
            tables=tables(attempts),
            placements=[Placed(view.strategy, told_of(view), view, large=len(view.nodes) > bars) for view in views],
            most=ROWS_SHOWN,
            whole="simulation.json",
            closed=[node for node in views[0].nodes if node.state not in (OPEN, FREED)],
            placement_data=charts_json(views, bars),
            plotly=plotly_offline.get_plotlyjs(),
        )
    )


def headline(views: Sequence[PlacementView]) -> str:
    """Return the page in one or two sentences."""
    if len(views) == 1:
        how = views[0].strategy if views[0].goal == BALANCE else views[0].goal.replace("_", " ")
        return f"{how}: {effort(views[0])}; {gains(views[0])}; {violations(views[0])}."
    return f"{len(views)} strategies on {counted(len(views[0].nodes), 'node')} with {counted(len(views[0].demand), 'guest')}"
