# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTML file with everything in it: no network, no other file."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import Content
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import axis_unit, counted, from_now, moment, plural
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import QUANTILES, Points, VolumeView, runway_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import jinja2, plotly_offline

_TEMPLATE = "report.html.j2"
GROUPS_SHOWN = 30
ROWS_SHOWN = 500
# More quiet volumes than this are folded away.
_QUIET_OPEN = 25


def render_html(content: Content, *, charts: int) -> str:
    """Return the page.

    :param charts: how many volumes get a chart, the most urgent first; the others stand in the table only.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        bytes=_bytes, moment=moment, percent=_percent, duration=format_duration, share=_share, plural=plural, counted=counted
    )
    charted = [volume for volume in content.volumes if volume.history is not None][:charts]
    return str(
        environment.get_template(_TEMPLATE).render(
            content=content,
            charted=charted,
            uncharted=len(content.volumes) - len(charted),
            groups=content.groups[:GROUPS_SHOWN],
            more_groups=len(content.groups[GROUPS_SHOWN:]),
            most=ROWS_SHOWN,
            quiet_open=len(content.quiet) <= _QUIET_OPEN,
            from_now=lambda seconds: from_now(seconds, content.now),
            runway=lambda volume: runway_text(volume, content.now),
            data=script_safe(json.dumps(to_native([chart_data(volume) for volume in charted]), separators=(",", ":"))),
            plotly=plotly_offline.get_plotlyjs(),
        )
    )


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


def _bytes(value: float | None) -> str:
    return "–" if value is None else format_bytes(value)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _share(part: float, whole: float) -> str:
    """Return a share as a CSS percentage of at most 100."""
    return f"{min(100.0, 100.0 * part / whole):.3f}%"


def script_safe(text: str) -> str:
    """Return JSON that cannot end the script element it stands in, nor begin a comment or another one there."""
    return text.replace("<", "\\u003c")
