# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a simulation: each written whole or not at all, and left alone where it shows the same already. What others wrote is not touched."""

from __future__ import annotations

import hashlib
import json
import os
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_comparison import comparison_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_images import SOFTWARE, placement_png
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Attempt
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.simulation_html import render_simulation
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_files import (
    alone_in,
    remove_old_figures,
    says,
    write_file,
)

SCHEMA = "foresight.simulation/1"
PAGE, ANSWERS, CLUSTER, COMPARISON = "index.html", "simulation.json", "cluster.json", "comparison.png"
# By what a file of each kind is known as a simulation's.
_SIGNS = {".html": 'name="foresight-digest"', ".png": SOFTWARE, ".json": SCHEMA}
_WHAT = "the simulation"


def refuse_foreign(folder: str, strategies: Sequence[str], *, made_up: bool) -> None:
    """Refuse a folder where a simulation would write over what it did not write, or what was changed since.

    :param strategies: that may come to an answer; :param made_up: whether the cluster is written too.
    """
    for name in _names([_picture(strategy) for strategy in strategies], made_up=made_up):
        path = os.path.join(folder, name)
        if os.path.lexists(path) and not (_is_untouched(path) if name == CLUSTER else says(path, _SIGNS[os.path.splitext(name)[1]])):
            why = "no simulation wrote it, or it was changed since" if name == CLUSTER else "no simulation wrote it"
            raise InputError(f"There is a {path} already, and {why}. Needed is another folder (O(path)), or another place for that file.")


def write_simulation(
    folder: str,
    document: Mapping[str, t.Any],
    told: Mapping[str, t.Any],
    attempts: Sequence[Attempt],
    notes: Sequence[str],
    *,
    mark: str,
    bars: int,
    made_up: bool,
) -> tuple[list[str], dict[str, int]]:
    """Write the files of a simulation, the page first; return their paths, and how many were written, unchanged and removed.

    Everything is drawn before the first file is written. Two at once do it one after the other.

    :param told: what the answers say; :param mark: what all files show; :param made_up: whether the cluster is written too.
    """
    views = {_picture(attempt.strategy): attempt.view for attempt in attempts if attempt.view is not None}
    names = _names(views, made_up=made_up)
    with alone_in(folder, PAGE, what=_WHAT):
        refuse_foreign(folder, [attempt.strategy for attempt in attempts], made_up=made_up)
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
                drawn[name] = _json(told) if name == ANSWERS else _cluster(document)
        for name, data in drawn.items():
            write_file(folder, name, data, what=_WHAT)
        removed = remove_old_figures(folder, keep=names, patterns=(_picture("*"), COMPARISON), software=SOFTWARE)
    counts = {"files": len(drawn), "unchanged": len(names) - len(drawn), "removed": len(removed)}
    return [os.path.join(folder, name) for name in names], counts


def _picture(strategy: str) -> str:
    return f"placement-{strategy}.png"


def _names(pictures: Collection[str], *, made_up: bool) -> list[str]:
    return [PAGE, *pictures, *([COMPARISON] if len(pictures) > 1 else []), ANSWERS, *([CLUSTER] if made_up else [])]


def _shows(folder: str, name: str, mark: str, document: Mapping[str, t.Any]) -> bool:
    """Return whether a file shows the same already."""
    path = os.path.join(folder, name)
    if name != CLUSTER:
        return says(path, mark)
    try:
        with open(path, "rb") as file:
            return file.read() == _cluster(document)
    except OSError:
        return False


def _is_untouched(path: str) -> bool:
    """Return whether a cluster is as a simulation wrote it: people change it by hand, and give it back."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("digest") == _digest(document)


def _cluster(document: Mapping[str, t.Any]) -> bytes:
    return _json({**document, "digest": _digest(document)})


def _digest(document: Mapping[str, t.Any]) -> str:
    """Return what stands for a cluster, its own digest apart."""
    whole = json.dumps({key: value for key, value in document.items() if key != "digest"}, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _json(document: Mapping[str, t.Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n"
