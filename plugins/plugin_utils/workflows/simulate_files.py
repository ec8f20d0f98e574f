# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a simulation: each written whole or not at all, and left alone where it shows the same already."""

from __future__ import annotations

import json
import os
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_comparison import comparison_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_images import SOFTWARE, placement_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Attempt
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.simulation_html import render_simulation
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_files import remove_old_figures, says, write_file

PAGE, ANSWERS, CLUSTER, COMPARISON = "index.html", "simulation.json", "cluster.json", "comparison.png"


def write_simulation(
    folder: str,
    document: Mapping[str, t.Any],
    told: Mapping[str, t.Any],
    attempts: Sequence[Attempt],
    notes: Sequence[str],
    *,
    mark: str,
    bars: int,
) -> tuple[list[str], dict[str, int]]:
    """Write the files of a simulation, the page first; return their paths, and how many were written, unchanged and removed.

    Everything is drawn before the first file is written.

    :param told: what the answers say; :param mark: what all files show.
    """
    views = {f"placement-{attempt.strategy}.png": attempt.view for attempt in attempts if attempt.view is not None}
    names = [PAGE, *views, *([COMPARISON] if len(views) > 1 else []), ANSWERS, *([CLUSTER] if document.get("synthetic") else [])]
    stale = [name for name in names if not _shows(folder, name, mark, document)]
    drawn: dict[str, bytes] = {}
    for name in stale:
        view = views.get(name)
        if view is not None:
            drawn[name] = placement_png(view, mark, bars=bars)
        elif name == COMPARISON:
            drawn[name] = comparison_png([view for view in views.values() if view is not None], mark)
        elif name == PAGE:
            drawn[name] = render_simulation(document, attempts, notes, mark=mark, bars=bars).encode(errors="replace")
        else:
            drawn[name] = _json(told if name == ANSWERS else document)
    for name, data in drawn.items():
        write_file(folder, name, data, what="the simulation")
    removed = [
        path
        for pattern in ("placement-*.png", COMPARISON)
        for path in remove_old_figures(folder, keep=names, pattern=pattern, software=SOFTWARE)
    ]
    counts = {"files": len(drawn), "unchanged": len(names) - len(drawn), "removed": len(removed)}
    return [os.path.join(folder, name) for name in names], counts


def _shows(folder: str, name: str, mark: str, document: Mapping[str, t.Any]) -> bool:
    """Return whether a file shows the same already."""
    path = os.path.join(folder, name)
    if name != CLUSTER:
        return says(path, mark)
    try:
        with open(path, "rb") as file:
            return file.read() == _json(document)
    except OSError:
        return False


def _json(document: Mapping[str, t.Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
