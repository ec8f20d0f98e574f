# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTML file with everything in it: no network, no other file."""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import Content, GroupView, VolumeView, runway_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import jinja2, plotly_offline

_TEMPLATE = "report.html.j2"


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
    environment.filters.update(bytes=_bytes, moment=moment, percent=_percent, runway=runway_text)
    charted = [volume for volume in content.volumes if volume.history is not None][:charts]
    data = {
        "volumes": [_volume_data(volume) for volume in charted],
        "groups": [_group_data(group) for group in content.groups],
        "now": content.now,
    }
    return str(
        environment.get_template(_TEMPLATE).render(
            content=content,
            charted=charted,
            left_out=len(content.volumes) - len(charted),
            data=_script_safe(json.dumps(to_native(data), separators=(",", ":"))),
            plotly=plotly_offline.get_plotlyjs(),
        )
    )


def moment(seconds: float | None) -> str:
    """Return a time as `2026-11-21 10:30 UTC`."""
    return "–" if seconds is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _bytes(value: float | None) -> str:
    return "–" if value is None else format_bytes(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _script_safe(text: str) -> str:
    """Return text that cannot end the script element it stands in."""
    return text.replace("</", "<\\/")


def _volume_data(volume: VolumeView) -> dict[str, t.Any]:
    return {
        "name": volume.name,
        "history": None if volume.history is None else volume.history._asdict(),
        "forecast": {key: list(values) for key, values in volume.forecast.items()},
        "issued_at": volume.issued_at,
        "step": volume.forecast_step,
        "limit": volume.fs_size,
        "runway": volume.runway,
        "synthetic": volume.synthetic,
        "recorded": volume.recorded,
    }


def _group_data(group: GroupView) -> dict[str, t.Any]:
    return {
        "name": group.name,
        "before": dict(group.before),
        "after": dict(group.after),
        "free": [group.free_before, group.free_after],
        "changed": group.changed,
    }
