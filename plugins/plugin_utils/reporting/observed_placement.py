# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster as it was seen, where nobody was asked what to move: the same pictures and figures, of one side alone. Pure."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import (
    OBSERVED,
    Breach,
    Figures,
    PlacementView,
    placement_view,
    resource_names,
)


def observed_view(document: Mapping[str, t.Any], breaches: Sequence[Breach]) -> PlacementView:
    """Return what pictures and tables show of a cluster.

    :param document: a cluster document, each guest on one of its nodes; breaches: hard limits that are broken.
    """
    names = resource_names(document)
    unknown = {**{figure: dict.fromkeys(names, 0.0) for figure in ("spread", "std", "max")}, "violations": len(breaches)}
    answer = {"moves": [], "before": unknown, "after": unknown, "strategy": OBSERVED, "verdict": OBSERVED, "why": ""}
    view = placement_view(document, answer, [], balanced=names, goal=OBSERVED, breaches=(breaches, breaches), seconds=0.0)
    side = dataclasses.replace(view.before, figures={name: _figures(view, name) for name in names})
    return dataclasses.replace(view, before=side, after=side)


def _figures(view: PlacementView, resource: str) -> Figures:
    counted = [node for node in view.nodes if node.name in view.before.counted]
    shares = [share for node in counted if (share := view.share(view.before, node, resource)) is not None]
    if not shares:
        return Figures(0.0, 0.0, 0.0, 0.0)
    return Figures(view.before.figures[resource].std, statistics.pstdev(shares), max(shares) - min(shares), max(shares))
