# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history that a Proxmox VE cluster keeps of its nodes, guests and storages → the store, a few entities at a time."""

from __future__ import annotations

import collections
import contextlib
import typing as t
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import connection, failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.facts import MOST_PARALLEL
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.cluster_source import Cluster, Source, Told, ask, read_sources
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.timeframes import Question, questions
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import near, select
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_progress import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_series import SeriesImport
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.notebook import BACKFILLED

_BATCH = 50
_FAILED_IN_A_ROW = 20
_SHOWN_PROBLEMS = 20


class Asked(t.NamedTuple):
    """One entity with the questions that are asked of it; settled: timeframes that are up to date without one."""

    source: Source
    questions: list[Question]
    settled: dict[str, int]


class Choice(t.NamedTuple):
    """What of a cluster is imported."""

    timeframes: Sequence[str]
    entities: Sequence[str]
    peaks: bool
    parallel: int


def connect(params: Mapping[str, t.Any]) -> Client:
    """Return a client for the options of doc fragment C(foresight.capacity.proxmox).

    :raises InputError: where proxmoxer is missing, or options cannot work together.
    """
    if not connection.HAS_PROXMOXER:
        raise InputError(
            "O(source=proxmox) needs the Python packages proxmoxer and requests on the controller: pip install proxmoxer requests."
        )
    try:
        return Client(read_access(params))
    except Failure as failure:
        raise InputError(str(failure)) from None


def import_cluster(
    notebook: Store, client: Client, choice: Choice, *, now: int, max_skew: int, check: bool, progress: Progress
) -> dict[str, t.Any]:
    """Import what is new, in transactions of a few entities each: what was written stays, and the next run goes on from there.

    :param check: do all of it and take it back.
    :returns: counts, and what could not be read.
    :raises InputError: for a wrong choice, a cluster that cannot be read, a privilege that is missing, or too many failures in a row.
    """
    if not 1 <= choice.parallel <= MOST_PARALLEL:
        raise InputError(f"O(parallel) is {choice.parallel}; needed is 1 to {MOST_PARALLEL}.")
    if not choice.timeframes:
        raise InputError("No timeframe is named; needed is at least one (O(timeframes)).")
    try:
        cluster = read_sources(client)
    except Failure as failure:
        raise InputError(str(failure)) from None
    chosen = _chosen(cluster, choice.entities)
    asked = _to_ask(notebook, cluster, chosen, choice.timeframes, now if cluster.time is None else cluster.time)
    begun: dict[str, t.Any] = {"source": "proxmox", "cluster": cluster.name}
    run = None if check else notebook.start_run("import_history", at=now, check=False, detail=begun)
    series = SeriesImport(notebook, cluster.name, latest=now + max_skew, check=check)
    reader = _Reader(client, choice)
    calls = sum(len(plan.questions) for plan in asked)

    def line(seconds: float) -> str:
        return f"Importing {cluster.name}: {reader.calls:,} of {calls:,} calls, {reader.calls / seconds:,.0f} calls/s"

    try:
        with contextlib.closing(reader.batches(asked)) as batches:
            for batch in batches:
                series.write(batch)
                progress.note(line)
    except Failure as failure:
        raise InputError(
            f"{failure} {reader.done:,} of {len(asked):,} entities of {cluster.name} are {'read' if check else 'imported and stay'}; "
            "run it again to go on."
        ) from None
    problems = [*cluster.problems, *reader.problems]
    for problem in problems:
        logger("main").info("%s", problem)
    result = {
        "name": cluster.name,
        "api_skew": None if cluster.time is None else cluster.time - now,
        "entities": dict(sorted(collections.Counter(one.kind for one in chosen).items())),
        "up_to_date": len(chosen) - len(asked),
        "calls": client.calls,
        "history_calls": reader.calls,
        "failed": reader.failed,
        "problems": problems[:_SHOWN_PROBLEMS],
        "problem_count": len(problems),
        "timeframes": list(choice.timeframes),
        "peaks": choice.peaks,
        **series.told(),
    }
    if run is not None:
        notebook.finish_run(run, at=now, status="imported", detail={**begun, **result})
    return {**result, "run": run}


def _to_ask(notebook: Store, cluster: Cluster, chosen: Sequence[Source], timeframes: Sequence[str], at: int) -> list[Asked]:
    """Return the entities of which there can be something new, with what to ask of each."""
    known = {entity.key: entity.attributes.get(BACKFILLED) or {} for entity in notebook.find_entities(keys=[one.key for one in chosen])}
    plans = [Asked(one, *questions(timeframes, known.get(one.key, {}), at, release=cluster.release)) for one in chosen]
    return [plan for plan in plans if plan.questions]


def _chosen(cluster: Cluster, expressions: Sequence[str]) -> list[Source]:
    """Return the sources that the expressions choose; none chooses all.

    :raises InputError: when that is nothing.
    """
    found = select(cluster.sources, expressions or ["*"], attributes=lambda source: source.attributes)
    if not found:
        similar = near(expressions, [one.key for one in cluster.sources])
        hint = (
            f"similar to what was asked: {', '.join(similar)}"
            if similar
            else f"for instance {cluster.sources[0].key}"
            if cluster.sources
            else "none"
        )
        raise InputError(
            f"Nothing in the cluster {cluster.name} matches {', '.join(map(repr, expressions))}; it has {len(cluster.sources)} nodes, guests and "
            f"storages, {hint} (O(entities))."
        )
    return found


class _Reader:
    """Asks with some calls at a time, a batch ahead of the one that is written."""

    def __init__(self, client: Client, choice: Choice) -> None:
        self.done = 0
        self.calls = 0
        self.failed = 0
        self.problems: list[str] = []
        self._client = client
        self._choice = choice
        self._failed_in_a_row = 0

    def batches(self, asked: Sequence[Asked]) -> Generator[list[tuple[Source, Told]], None, None]:
        """Yield what was told of some entities at a time; one that cannot be read is left out and told.

        :raises Failure: what concerns all (a missing privilege, no API that answers), or too many failures in a row.
        """
        pool = ThreadPoolExecutor(max_workers=self._choice.parallel)
        started: list[list[tuple[Asked, Future[Told]]]] = []
        try:
            for begin in range(0, len(asked), _BATCH):
                part = asked[begin : begin + _BATCH]
                started.append([(one, pool.submit(ask, self._client, one.source, one.questions, peaks=self._choice.peaks)) for one in part])
                if len(started) > 1:
                    yield self._answers(started.pop(0))
                    self.done += _BATCH
            for last in started:
                yield self._answers(last)
                self.done = len(asked)
        finally:
            pool.shutdown(cancel_futures=True)

    def _answers(self, started: Sequence[tuple[Asked, Future[Told]]]) -> list[tuple[Source, Told]]:
        found = []
        for one, future in started:
            told = self._answer(one.source, future)
            self.calls += len(one.questions)
            if told is not None:
                found.append((one.source, told._replace(known={**one.settled, **told.known})))
        return found

    def _answer(self, source: Source, future: Future[Told]) -> Told | None:
        try:
            told = future.result()
        except Failure as failure:
            self._failed_in_a_row += 1
            concerns_all = failure.kind in (failures.FORBIDDEN, failures.UNAUTHENTICATED) or not failure.sent
            if concerns_all or self._failed_in_a_row >= _FAILED_IN_A_ROW:
                raise
            self.failed += 1
            self.problems.append(f"{source.key}: {failure}")
            return None
        self._failed_in_a_row = 0
        return told
