# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of the clusters of a plan: made when it is planned, kept beside it in the store, read by the report."""

from __future__ import annotations

import json
import typing as t
import zlib
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.kept_placement import SCHEMA, kept_placement
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PictureRow
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.breaches import breaches, facts_of

Document = dict[str, t.Any]


def draw_clusters(clusters: Sequence[Mapping[str, t.Any]]) -> tuple[list[PictureRow], list[str]]:
    """Return the pictures of clusters that were balanced, and a sentence for each that has none: a plan is a plan without them.

    :param clusters: of each `document`, `balance`, `waves`, and `policy` if one was given, as of `planning.moves.balanced`.
    """
    rows, problems = [], []
    for entry in clusters:
        name, host = str(entry["document"].get("cluster")), str(entry["document"].get("host"))
        try:
            picture = _picture(entry)
        except InputError as error:
            problems.append(f"The report will have no picture of the cluster {name}. {error}")
            continue
        rows.append(PictureRow(name, host, zlib.compress(json.dumps(to_native(picture), separators=(",", ":")).encode(), 9)))
        logger("main").debug("picture of the cluster %s: %d bytes", name, len(rows[-1].picture))
    return rows, problems


def read_picture(row: PictureRow) -> Document | None:
    """Return a picture as `kept_placement` made it; None if it is damaged, or of a version that is not this one's."""
    try:
        picture: Document = json.loads(zlib.decompress(row.picture))
    except (zlib.error, ValueError):
        return None
    return picture if picture.get("schema") == SCHEMA else None


def _picture(entry: Mapping[str, t.Any]) -> Document:
    document, answer, waves = entry["document"], entry["balance"], entry.get("waves") or []
    known = read_cluster(document)
    policy = read_policy(entry.get("policy"), known.resources, known.observed_at)
    facts = facts_of(document, policy)
    return kept_placement(
        document,
        answer,
        waves,
        balanced=list(policy.resources),
        goal=policy.goal,
        leaving=policy.nodes if policy.goal == "evacuate" else (),
        breaches=(breaches(facts), breaches(facts, [move for wave in waves for move in wave["moves"]])),
    )
