# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(report): what is known and planned, read from the store and written as one HTML file and some PNG figures."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.content import Content
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.html import render_html
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.images import SOFTWARE, groups_png, volume_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_images import placement_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import BARS
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import moment
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_content import read_content
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_files import (
    figure_name,
    picture_name,
    remove_old_figures,
    write_file,
)

_SHOWN = 5


def report(
    *,
    store: str | None,
    now: int,
    hosts: Sequence[str],
    path: str,
    plan: str | None = None,
    charts: int = 100,
    images: int = 12,
) -> dict[str, t.Any]:
    """Write index.html and the figures of the most urgent volumes and clusters.

    Everything is drawn before the first file is written, and each file is replaced in one step: a report that fails leaves the former one whole.

    :param hosts: whose volumes and clusters are shown.
    :param path: folder to write to; it is made if it is missing.
    :param plan: id or file; None = the newest plan in the store that is about one of these hosts.
    :param charts: up to so many volumes, and as many clusters, have a chart in the page; images: a PNG of their own.
    :returns: files, summary, written (it is the controller's notebook; nothing counts as changed).
    :raises InputError: for a wrong number, or if the folder cannot be written. StoreError: if there is no store. PlanError: if there is no such plan.
    """
    for name, number in (("charts", charts), ("images", images)):
        if number < 0:
            raise InputError(f"{name} is {number}; needed is 0 or more (O({name})).")
    with open_store(store, create=False) as opened:
        content = read_content(opened, now, hosts, plan)
        warnings = list(opened.warnings)
    folder = os.path.abspath(os.path.expanduser(path))
    files = _drawn(content, charts, images)
    written = [write_file(folder, name, data) for name, data in files.items()]
    removed = remove_old_figures(folder, keep=files)
    logger("main").info(
        "report: %d volumes, %d clusters, %d files in %s", len(content.volumes), len(content.clusters), len(written), folder
    )
    return {
        "files": written,
        "written": {"files": len(written), "removed": len(removed)},
        "summary": _summary(content, written[0]),
        "warnings": warnings,
    }


def _drawn(content: Content, charts: int, images: int) -> dict[str, bytes]:
    """Return the files by name, the page first."""
    files = {"index.html": render_html(content, charts=charts).encode(errors="replace")}
    for volume in [one for one in content.volumes if one.history is not None][:images]:
        files[figure_name(volume.name)] = volume_png(volume, content.now)
    for cluster in content.clusters[:images]:
        files[picture_name(cluster.name)] = placement_png(cluster.view, bars=BARS, software=SOFTWARE)
    if content.groups:
        files["groups.png"] = groups_png(content.groups)
    return files


def _summary(content: Content, index: str) -> list[str]:
    return [
        content.headline,
        *_first(
            [
                f"{one.name}: {f'full at the earliest {moment(one.earliest)}' if one.earliest is not None else 'nearly full'}; {one.verdict}"
                for one in content.at_risk
            ]
        ),
        *_first([f"{one.name}: {one.told}" for one in content.clusters] if len(content.clusters) > 1 else []),
        f"Report: {index}",
    ]


def _first(lines: Sequence[str]) -> list[str]:
    more = [f"  and {len(lines) - _SHOWN} more in the report"] if len(lines) > _SHOWN else []
    return [*(f"  {line}" for line in lines[:_SHOWN]), *more]
