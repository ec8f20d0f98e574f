# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a series is forecast as it is, and what would change that: figures of its choice and of what it was learned from."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.histories import MIN_SAMPLES
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.members import Label
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.score import MAX_LOSS_RATIO, MIN_VALUES
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import GROWN_BY
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.global_models import MAX_AGE

Document = dict[str, t.Any]
_TIE = 0.005


class Learned(t.NamedTuple):
    """When a network or a family was learned (UTC seconds), and from how many series."""

    at: int
    series: int = 1


def explain_of(
    method: str,
    why: str,
    choice: Mapping[str, t.Any] | None,
    *,
    known: int,
    most: int,
    now: int,
    notes: Sequence[str] = (),
    family: Learned | None = None,
    own: Learned | None = None,
) -> Document:
    """Return method, weights, why, scores and would_change of one series.

    :param choice: its entry of `PanelForecast.models`, None where there was nothing to choose.
    :param known: values it has now; most: how many are looked at.
    :param notes: of the panel, about this series; family: of the global model; own: of the series' own network.
    """
    weights = {method: 1.0}
    scores: dict[str, float] = {}
    if choice:
        weights = {Label(name, season).text: weight for name, season, weight in sorted(choice["weights"], key=lambda item: -item[2])}
        scores = {Label(name, season).text: score for name, season, score in choice["scores"]}
    used = {name.partition(" ")[0] for name in weights}
    would = [
        *_by_scores(weights, scores),
        *_by_samples(choice, known, most),
        *_by_failure(choice),
        *_by_breaks(notes),
        *([_global(family, now)] if family and "global" in used else []),
        *([_own(own, now)] if own and "lstm" in used else []),
    ]
    found: Document = to_native({"method": method, "weights": weights, "why": why, "scores": scores, "would_change": would})
    return found


def _by_scores(weights: Mapping[str, float], scores: Mapping[str, float]) -> list[Document]:
    """Return which method comes next, and how far its past score is behind that of the one that counts most."""
    first = next(iter(weights))
    others = [name for name in scores if name != first]
    if first not in scores or not others or not scores[first] > 0:
        return []
    # One that does not count at all comes before one that counts too little.
    following = min(others, key=lambda name: (weights.get(name, 0.0) > 0, scores[name]))
    behind = scores[following] / scores[first] - 1.0
    share = f"counts {100 * weights[following]:.0f} %" if weights.get(following) else "does not count"
    far = f"{100 * abs(behind):.0f} % {'worse' if behind > 0 else 'better'} than" if abs(behind) >= _TIE else "as good as"
    trust = "" if behind >= _TIE else "; how it serves series like this one, and together with the other methods, decides as well"
    text = f"{following} {share}: its past score is {far} that of {first} ({scores[following]:.3g} to {scores[first]:.3g}){trust}"
    return [{"cause": "score", "method": following, "behind": behind, "text": text}]


def _by_samples(choice: Mapping[str, t.Any] | None, known: int, most: int) -> list[Document]:
    if choice is None:
        needed = MIN_SAMPLES - known
        if needed <= 0:
            return []
        return [{"cause": "samples", "missing": needed, "text": f"{needed} more values: from {MIN_SAMPLES} on methods are weighed"}]
    if not choice["origins"]:
        return [
            {"cause": "samples", "missing": 1, "text": "Any new value: the weights are chosen anew until there is enough for a backtest"}
        ]
    needed = GROWN_BY * choice["values"] - known
    if GROWN_BY * choice["values"] > most or needed <= 0:
        return []
    return [
        {
            "cause": "samples",
            "missing": needed,
            "text": f"{needed} more values: the weights are chosen anew at {GROWN_BY * choice['values']}",
        }
    ]


def _by_failure(choice: Mapping[str, t.Any] | None) -> list[Document]:
    if not choice or not choice["origins"] or choice.get("pinball") is None or not choice["pinball"] > 0:
        return []
    least = MAX_LOSS_RATIO * choice["pinball"]
    text = (
        f"A forecast with a loss above {least:.3g} ({MAX_LOSS_RATIO:g} times that of the backtest) and most of at least {MIN_VALUES} values outside "
        "its band: the weights are chosen anew"
    )
    return [{"cause": "failure", "loss": least, "text": text}]


def _by_breaks(notes: Sequence[str]) -> list[Document]:
    return [{"cause": "break", "text": note} for note in notes if note.endswith("what lies before counts less")]


def _global(family: Learned, now: int) -> Document:
    age = now - family.at
    when = f"{format_duration(age)} ago" if age > 0 else "for this forecast"
    text = (
        f"The global model was learned {when} from {family.series:,} series: it is learned anew after {format_duration(MAX_AGE)}, "
        f"or when there is {GROWN_BY} times as much to learn from"
    )
    return {"cause": "global", "trained_at": family.at, "series": family.series, "text": text}


def _own(network: Learned, now: int) -> Document:
    text = f"Its own network was trained {format_duration(max(now - network.at, 0))} ago: the next training takes in what has come since"
    return {"cause": "network", "trained_at": network.at, "text": text}
