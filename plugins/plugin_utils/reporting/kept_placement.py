# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A placement as it is kept with a plan: what its picture shows and no more. Pure; every load and figure is that of the whole cluster.

Guests that neither move nor stand on a node that gets a bar are counted as overhead of their node. Of nodes and guests only names, amounts and
moves are kept.
"""

from __future__ import annotations

import math
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import BARS, rows_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import (
    BASIC,
    Breach,
    PlacementView,
    amount_of,
    placement_view,
    resource_names,
)

Document = dict[str, t.Any]
SCHEMA = "foresight.picture/1"
_FIGURES = ("spread", "std", "max")
_NODE = ("name", *BASIC, "more", "reserve", "overhead")
_GUEST = ("id", "node", *BASIC, "more")
_MOVE = ("guest", "from", "to", "kind", "reason")
_WAVE = ("wave", "seconds", "not_before")
# What goals besides balance find, beside what every answer tells.
_ANSWER = ("verdict", "why", "strategy", "demand", "freed", "candidates", "unfit", "survives")


def kept_placement(
    document: Mapping[str, t.Any],
    answer: Mapping[str, t.Any],
    waves: Sequence[Mapping[str, t.Any]],
    *,
    balanced: Sequence[str],
    goal: str,
    leaving: Collection[str] = (),
    breaches: tuple[Sequence[Breach], Sequence[Breach]] = ((), ()),
    bars: int = BARS,
) -> Document:
    """Return what is kept of a placement, for `view_of_kept`.

    :param document, answer, waves, balanced, goal, leaving, breaches: as of `placement_view`; the document one that `read_cluster` accepts.
    :param bars: up to how many nodes each has a bar.
    :raises InputError: for an answer that is not one of `cluster_balance` for this document.
    """
    _refuse_foreign(document, answer, waves)
    terms: Document = {"balanced": list(balanced), "goal": goal, "leaving": sorted(leaving)}
    view = placement_view(document, answer, waves, **terms, seconds=0.0)
    detailed = {node.name for node in rows_of(view, bars)}
    return {
        "schema": SCHEMA,
        **terms,
        "guests": len(document.get("guests") or []),
        "detailed": sorted(detailed) if len(detailed) < len(view.nodes) else None,
        "document": _reduced(document, view.moved, detailed),
        "answer": {
            **{key: answer[key] for key in _ANSWER if answer.get(key) is not None},
            **{side: {key: answer[side][key] for key in (*_FIGURES, "violations")} for side in ("before", "after")},
            "refused": [{key: entry[key] for key in ("guest", "rule", "reason") if key in entry} for entry in answer.get("refused") or []],
        },
        "waves": [{**_part(wave, _WAVE), "moves": [_move(move) for move in wave["moves"]]} for wave in waves],
        "breaches": [[list(breach) for breach in side] for side in breaches],
    }


def view_of_kept(kept: Mapping[str, t.Any]) -> PlacementView:
    """Return what pictures and tables show of a placement that was kept."""
    moves = [move for wave in kept["waves"] for move in wave["moves"]]
    before, after = ([Breach(what, tuple(guests), tuple(nodes)) for what, guests, nodes in side] for side in kept["breaches"])
    return placement_view(
        kept["document"],
        {**kept["answer"], "moves": moves},
        kept["waves"],
        balanced=kept["balanced"],
        goal=kept["goal"],
        leaving=kept["leaving"],
        breaches=(before, after),
        seconds=0.0,
        detailed=kept["detailed"],
    )


def _refuse_foreign(document: Mapping[str, t.Any], answer: Mapping[str, t.Any], waves: Sequence[Mapping[str, t.Any]]) -> None:
    """Refuse an answer without its figures, and moves of what the document does not have."""
    names = resource_names(document)
    for side in ("before", "after"):
        told = answer.get(side) or {}
        lacking = [key for key in _FIGURES if any(name not in (told.get(key) or {}) for name in names)]
        lacking += ["violations"] if "violations" not in told else []
        if lacking:
            raise InputError(f"The balance has no {side}.{lacking[0]}; needed is what cluster_balance returned (O(clusters[].balance)).")
    if absent := [key for key in ("verdict", "why", "strategy") if key not in answer]:
        raise InputError(f"The balance has no {absent[0]}; needed is what cluster_balance returned (O(clusters[].balance)).")
    nodes = {str(node["name"]) for node in document["nodes"]}
    guests = {str(guest["id"]) for guest in document.get("guests") or []}
    for move in (move for wave in waves for move in wave["moves"]):
        if move["guest"] not in guests or not {move["from"], move["to"]} <= nodes:
            raise InputError(
                f"The move of {move['guest']} from {move['from']} to {move['to']} names a guest or a node that the cluster document does not have; needed "
                "are the moves that cluster_balance found for it (O(clusters[].balance))."
            )


def _reduced(document: Mapping[str, t.Any], moved: Collection[str], detailed: Collection[str]) -> Document:
    """Return the cluster document with the guests that are shown, all others as overhead of their nodes."""
    names = resource_names(document)
    shown: list[Document] = []
    folded: dict[str, list[Mapping[str, t.Any]]] = {}
    for guest in document.get("guests") or []:
        running = guest.get("running") is not False
        if guest["id"] in moved or (running and guest["node"] in detailed):
            told = {"name": guest["name"]} if guest.get("name") not in (None, guest["id"]) else {}
            shown.append({**_part(guest, _GUEST), **told, **({} if running else {"running": False})})
        elif running:
            folded.setdefault(guest["node"], []).append(guest)
    nodes = []
    for node in document["nodes"]:
        closed = {
            **({"online": False} if node.get("online") is False else {}),
            **({"maintenance": True} if node.get("maintenance") else {}),
        }
        nodes.append({**_part(node, _NODE), **closed, **_overhead(node, folded.get(node["name"], []), names)})
    whole = {key: document[key] for key in ("cluster", "host", "observed_at", "synthetic") if document.get(key) is not None}
    return {**whole, "nodes": nodes, "guests": shown}


def _overhead(node: Mapping[str, t.Any], guests: Sequence[Mapping[str, t.Any]], names: Sequence[str]) -> Document:
    if not guests:
        return {}
    own = node.get("overhead") or {}
    return {"overhead": {name: math.fsum([float(own.get(name) or 0.0), *(amount_of(guest, name) for guest in guests)]) for name in names}}


def _move(move: Mapping[str, t.Any]) -> Document:
    return {**_part(move, _MOVE), "cost": {"bytes": (move.get("cost") or {}).get("bytes")}}


def _part(thing: Mapping[str, t.Any], keys: Sequence[str]) -> Document:
    return {key: thing[key] for key in keys if thing.get(key) is not None}
