# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(simulate): what strategies would make of a cluster, as answers, tables and pictures. Nothing is contacted."""

from __future__ import annotations

import hashlib
import json
import os
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.collection import collection_version
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError, InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import read_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster_balance import cluster_balance
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.policy import STRATEGIES, Policy, read_policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.verifier_facts import Facts
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_picture import BARS
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_table import Attempt, failures, lines, tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_texts import effort
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.placement_view import placement_view
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.breaches import breaches, facts_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate_cluster import find_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate_files import SCHEMA, refuse_foreign, write_simulation

Document = dict[str, t.Any]
ALL = "all"


class Trial(t.NamedTuple):
    """What became of one strategy: the picture's content, the answer and its waves, or why there is none."""

    attempt: Attempt
    answer: Document | None
    waves: list[Document]


def simulate(
    *,
    cluster: t.Any = None,
    file: str | None = None,
    preset: str | None = None,
    synthetic: Mapping[str, t.Any] | None = None,
    strategies: Sequence[str] = ("foresight",),
    goal: str | None = None,
    policy: Mapping[str, t.Any] | None = None,
    path: str,
    bars: int = BARS,
    progress: Callable[[str], None] | None = None,
) -> Document:
    """Balance one cluster by each strategy, and write index.html, simulation.json, cluster.json and a PNG for each of them.

    A strategy that cannot do it says why in its row and does not stop the others. Files that show the same already are left as they are;
    what others wrote is refused before the search begins.

    :param cluster, file, preset, synthetic: see `find_cluster`.
    :param strategies: names, or `all`.
    :param goal: that of the policy; policy: as of `cluster_balance`, without the strategy.
    :param path: folder to write to; bars: up to how many nodes each has a bar in the pictures.
    :param progress: called with a line when a strategy begins and ends.
    :returns: files, written, simulation (the figures without moves), summary.
    :raises InputError: for input that means nothing, for strategies none of which came to an answer, or a folder that cannot be written.
    """
    if bars < 1:
        raise InputError(f"bars is {bars}; needed is 1 or more (O(bars)).")
    asked, wanted, folder = _strategies(strategies), _policy(policy, goal), os.path.abspath(os.path.expanduser(path))
    document = find_cluster(cluster=cluster, file=file, preset=preset, synthetic=synthetic)
    made_up = bool(document.get("synthetic")) and file is None
    known = read_cluster(document)
    terms = read_policy(wanted, known.resources, known.observed_at)
    notes = []
    if terms.goal != "balance" and len(asked) > 1:
        notes.append(f"Strategies differ in how they balance; the goal {terms.goal} is the same for all, so it was done once.")
        asked = asked[:1]
    refuse_foreign(folder, asked, made_up=made_up)
    facts = facts_of(document, terms)
    trials = [_trial(document, wanted, terms, facts, name, f"{number} of {len(asked)}", progress) for number, name in enumerate(asked, 1)]
    attempts = [trial.attempt for trial in trials]
    if not any(attempt.view for attempt in attempts):
        whys = " ".join(dict.fromkeys(attempt.why for attempt in attempts))
        raise InputError(whys if len(attempts) == 1 else f"No strategy came to an answer. {whys}")
    told = _document(document, wanted, trials, notes)
    mark = mark_of({**told, "bars": bars, "cluster": document})
    files, written = write_simulation(folder, document, {"digest": mark, **told}, attempts, notes, mark=mark, bars=bars, made_up=made_up)
    logger("main").info("simulate: %s, %d files written in %s", ", ".join(asked), written["files"], folder)
    return {
        "files": files,
        "written": written,
        "simulation": {**told, "strategies": [_short(one) for one in told["strategies"]]},
        "summary": [*_summary(document, attempts, notes), f"Pictures: {files[0]}"],
    }


def _strategies(named: Sequence[str]) -> list[str]:
    names = [named] if isinstance(named, str) else list(named)
    if ALL in names:
        names = list(STRATEGIES)
    unknown = [name for name in names if name not in STRATEGIES]
    if unknown or not names:
        seen = f"{', '.join(unknown)} is no strategy" if unknown else "No strategy was given"
        raise InputError(f"{seen}; needed are names of {', '.join(STRATEGIES)}, or {ALL} (O(strategies)).")
    return list(dict.fromkeys(names))


def _policy(policy: Mapping[str, t.Any] | None, goal: str | None) -> Document:
    wanted = dict(policy or {})
    if "strategy" in wanted:
        raise InputError(f"The policy names the strategy {wanted['strategy']!r}; strategies have an option of their own (O(strategies)).")
    if goal is not None and wanted.get("goal", goal) != goal:
        raise InputError(
            f"The goal is {goal!r}, but that of the policy is {wanted['goal']!r}; needed is one of them (O(goal), O(policy.goal))."
        )
    return {**wanted, **({"goal": goal} if goal is not None else {})}


def _trial(
    document: Document, wanted: Document, terms: Policy, facts: Facts, name: str, number: str, progress: Callable[[str], None] | None
) -> Trial:
    tell = progress or (lambda _line: None)
    tell(f"simulate: {name} ({number}) …")
    begun = time.process_time()
    try:
        answer = cluster_balance(document, {**wanted, "strategy": name})
        seconds = time.process_time() - begun
        waves = migration_waves(answer["moves"], document, terms.limits)
    except ForesightError as error:
        tell(f"simulate: {name}: {error}")
        return Trial(Attempt(name, None, str(error)), None, [])
    view = placement_view(
        document,
        answer,
        waves,
        balanced=list(terms.resources),
        goal=terms.goal,
        leaving=terms.nodes if terms.goal == "evacuate" else (),
        breaches=(breaches(facts), breaches(facts, answer["moves"])),
        seconds=seconds,
    )
    tell(f"simulate: {name}: {effort(view)}, {seconds:.1f} s of CPU time")
    return Trial(Attempt(name, view, ""), answer, waves)


def _document(document: Document, wanted: Document, trials: Sequence[Trial], notes: Sequence[str]) -> Document:
    """Return what simulation.json says, but for its digest."""
    return t.cast(
        "Document",
        to_native(
            {
                "schema": SCHEMA,
                "cluster": {
                    "name": document.get("cluster"),
                    "synthetic": bool(document.get("synthetic")),
                    "observed_at": document.get("observed_at"),
                    "nodes": len(document["nodes"]),
                    "guests": len(document["guests"]),
                    "rules": len(document.get("rules") or []),
                },
                "policy": wanted,
                "notes": list(notes),
                "strategies": [_told(trial) for trial in trials],
            }
        ),
    )


def _told(trial: Trial) -> Document:
    attempt, answer = trial.attempt, trial.answer
    if attempt.view is None or answer is None:
        return {"strategy": attempt.strategy, "failed": attempt.why}
    view = attempt.view
    return {
        "strategy": attempt.strategy,
        "verdict": view.verdict,
        "why": view.why,
        "figures": {
            resource.name: {
                "before": view.before.figures[resource.name]._asdict(),
                "after": view.after.figures[resource.name]._asdict(),
                "improvement": view.improvement(resource.name),
                "balanced": resource.balanced,
            }
            for resource in view.resources
        },
        "violations": {"before": view.before.violations, "after": view.after.violations},
        "broken": {"before": [one.what for one in view.before.breaches], "after": [one.what for one in view.after.breaches]},
        "moves": len(view.moves),
        "bytes": view.size,
        "waves": len(view.waves),
        "wall_seconds": view.wall_seconds,
        "cpu_seconds": round(view.seconds, 3),
        "answer": {key: value for key, value in answer.items() if key != "seconds"},
        "ordered": trial.waves,
    }


def _short(told: Document) -> Document:
    """Return what goes back to a play: no list that grows with the cluster."""
    return {key: value for key, value in told.items() if key not in ("answer", "ordered", "broken")}


def mark_of(shown: Document) -> str:
    """Return a text that stands for what is shown, times apart, and for the version that shows it."""
    lasting = {**shown, "strategies": [{key: value for key, value in one.items() if key != "cpu_seconds"} for one in shown["strategies"]]}
    # YAML knows dates, which no document needs, and keys that cannot be sorted.
    return hashlib.sha256(json.dumps([collection_version(), lasting], default=str).encode(errors="replace")).hexdigest()[:32]


def _summary(document: Document, attempts: Sequence[Attempt], notes: Sequence[str]) -> list[str]:
    name = document.get("cluster") or "The cluster"
    told = [
        f"{name}{' (synthetic data)' if document.get('synthetic') else ''} has {len(document['nodes']):,} nodes and {len(document['guests']):,} guests."
    ]
    told += notes
    if len(attempts) == 1 and attempts[0].view is not None:
        told.append(f"{attempts[0].view.verdict.replace('_', ' ').capitalize()}, {attempts[0].view.why}.")
    for table in tables(attempts):
        told += lines(table)
    told += failures(attempts)
    return told
