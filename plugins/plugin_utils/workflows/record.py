# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(record): the facts of all hosts of a run, validated and written in one transaction."""

from __future__ import annotations

import itertools
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import newest_documents
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation import DOCUMENTS, Last, Observation, observe
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import clean_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import inventory_digest
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.notebook import write_observations
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.shift import shift_of

Facts = Mapping[str, Mapping[str, t.Any]]
_SHOWN_ISSUES = 20
_RUNS_LOOKED_AT = 1000
_RETENTION_EVERY = 86400
_RESOLUTIONS = ("raw", "hourly", "daily")
_FOR_EVER = 10**10


def record(
    *,
    store: str | None,
    now: int,
    hosts: Sequence[str],
    lost: Sequence[str],
    facts: Facts,
    max_skew: int = 300,
    started_at: int | None = None,
    facts_from: str | None = None,
    shift_to_now: bool = False,
    keep: Mapping[str, int | None] | None = None,
    check: bool = False,
) -> dict[str, t.Any]:
    """Record the facts documents of all hosts of a run, in one transaction.

    :param hosts: the hosts of the play.
    :param lost: those of them that were unreachable or failed before.
    :param facts: per host the facts documents by name, as they are in its variables.
    :param max_skew: seconds by which a target's clock may differ from the controller's.
    :param started_at: when the run began to read facts, UTC seconds.
    :param facts_from: a recording; its newest documents stand for those hosts of the play that have no facts of their own.
    :param shift_to_now: shift the times of the recording so that its newest document is of now, or as it was shifted when it was imported.
    :param keep: for how long samples, hours, days, forecasts and trained models are kept, seconds by C(raw), C(hourly), C(daily), C(forecasts),
        C(models), None = for ever; applied once a day, never in a check run. None keeps everything.
    :param check: a check run: written all the same, and marked.
    :raises InputError: if a host has live facts and is in the recording too; if the recording cannot be read; if what is kept coarser is kept
        for a shorter time.
    :raises StoreError: if the store cannot be written. Then nothing is.
    """
    if keep is not None:
        _check_ages(keep)
    recording = _Recording(facts_from, shift_to_now, hosts, facts, now)
    log = logger("main")
    with open_store(store) as notebook, notebook.transaction():
        run = notebook.start_run("record", at=now, check=check, detail={"hosts": len(hosts)})
        scope = inventory_digest(hosts)
        last = _last_recorded(notebook, hosts)
        recording.find_shift(notebook)
        observations = []
        for host in hosts:
            documents = recording.documents.get(host)
            observations.append(
                observe(
                    host,
                    facts.get(host) if documents is None else documents,
                    recorded_at=now,
                    last=last.get(host),
                    max_skew=max_skew,
                    started_at=started_at,
                    recorded=None if documents is None else recording.mark,
                )
            )
        written = write_observations(notebook, observations)
        results = {one.host: _result(one, one.host in lost, one.host in recording.documents) for one in observations}
        issues = [issue.message for one in observations for issue in one.issues]
        status = "recorded" if any(result["status"] == "recorded" for result in results.values()) else "nothing"
        notebook.finish_run(
            run,
            at=now,
            status=status,
            detail={**written, "scope": scope, "hosts": _counts(results), "issues": len(issues), **recording.told()},
        )
        warnings = list(notebook.warnings)
        since_plan = _observations_since_plan(notebook, scope)
    if keep is not None and not check:
        written["rolled_up"] = _retain(store, keep, now)
    for line in (*issues, *(result["message"] for result in results.values() if result["status"] == "recorded" and result["message"])):
        log.info("%s", line)
    warnings += [result["message"] for result in results.values() if result["status"] != "recorded" and result["message"]]
    if issues:
        warnings.append(f"{len(issues)} values were flagged or left out; the first: {issues[0]}")
    return {
        "hosts": results,
        "written": {**written, "run": run},
        "observations_since_plan": since_plan,
        "check": check,
        "issues": issues[:_SHOWN_ISSUES],
        "issue_count": len(issues),
        "summary": _summary(results, written),
        "warnings": warnings,
        **recording.told(),
    }


def _check_ages(keep: Mapping[str, int | None]) -> None:
    """Refuse ages that do not grow; where one is for ever, nothing coarser is ever made, and its age does not matter."""
    for finer, coarser in itertools.pairwise(_RESOLUTIONS):
        least, age = keep[finer], keep[coarser]
        if least is None:
            return
        if age is not None and age < least:
            raise InputError(
                f"O(keep_{coarser}) is {format_duration(age)} and O(keep_{finer}) {format_duration(least)}; needed is at least as long for "
                f"O(keep_{coarser}), because it is made of what O(keep_{finer}) ends."
            )


def _retain(store: str | None, keep: Mapping[str, int | None], now: int) -> int:
    """Roll old samples up and drop what is older than the user keeps, once a day; return how many samples were rolled up."""
    ages = [_FOR_EVER if age is None else age for age in (keep[name] for name in _RESOLUTIONS)]
    raw, hourly, daily = itertools.accumulate(ages, max)
    with open_store(store) as notebook:
        latest = next((run for run in notebook.find_runs("retention", limit=_RUNS_LOOKED_AT) if run.finished_at is not None), None)
        if latest is not None and now - latest.started_at < _RETENTION_EVERY:
            return 0
        run = notebook.start_run("retention", at=now, check=False, detail=dict(keep))
        done = notebook.apply_retention(
            now,
            raw_seconds=raw,
            hourly_seconds=hourly,
            daily_seconds=daily,
            forecast_seconds=keep["forecasts"],
            model_seconds=keep.get("models"),
        )
        notebook.finish_run(run, at=now, status="finished", detail=done)
    logger("store").info("retention: %s", done)
    return done["samples"]


def _observations_since_plan(notebook: Store, scope: str) -> int:
    """Return how many observations in a row of these hosts recorded at least one of them since the last plan for them, up to now.

    Runs for other hosts do not count, so that schedules that share a store do not keep each other from planning.
    """
    count = 0
    for run in notebook.find_runs(limit=_RUNS_LOOKED_AT):
        if run.detail.get("scope") != scope:
            continue
        if (run.verb == "plan" and not run.check) or (run.verb == "record" and run.status != "recorded"):
            break
        count += run.verb == "record"
    return count


class _Recording:
    """The recorded documents that stand for hosts without live facts, and by how much their times are shifted."""

    def __init__(self, path: str | None, shift_to_now: bool, hosts: Sequence[str], facts: Facts, now: int) -> None:
        self.documents: dict[str, dict[str, t.Any]] = {}
        self.mark: dict[str, t.Any] | None = None
        self._path, self._shift_to_now, self._now = path, shift_to_now, now
        self._newest = now
        if path is None:
            return
        _header, newest, times = newest_documents(path)
        for host in hosts:
            if host not in newest:
                continue
            if any(facts.get(host, {}).get(name) is not None for name in DOCUMENTS):
                raise InputError(
                    f"{host} has live facts, and {path} holds recorded facts of a host of that name; recorded facts never take the place "
                    "of live ones. Give the recorded host another name, or leave O(facts_from) away."
                )
            self.documents[host] = newest[host]
        self._newest = max(times.values())

    def find_shift(self, notebook: Store) -> None:
        """Decide the shift; hosts of the recording whose history was imported before keep the one it was imported with.

        :raises InputError: if one of them is known here as a live host.
        """
        if self._path is not None:
            known = notebook.find_entities(kinds=["host"], hosts=sorted(self.documents))
            shifted_by = shift_of(known, self._now - self._newest if self._shift_to_now else 0)
            self.mark = {"shifted_by": shifted_by, "source": clean_text(self._path.rpartition("/")[2])}

    def told(self) -> dict[str, t.Any]:
        return {} if self.mark is None else {"recorded": {**self.mark, "hosts": sorted(self.documents)}}


def _last_recorded(notebook: Store, hosts: Sequence[str]) -> dict[str, Last]:
    """Return what was last recorded of each host; guests are shared, as a cluster's guest may be seen by its node or by its API.

    Hence the guests of every host: the one through which a guest is changed need not be among those of this run.
    """
    guests = {entity.identity: entity.attributes for entity in notebook.find_entities(kinds=["guest"])}
    last = {host: Last(host=None, entities=guests) for host in hosts}
    for entity in notebook.find_entities(kinds=["host"], hosts=list(hosts)):
        if entity.host in last:
            last[entity.host]["host"] = entity.attributes
    return last


def _result(observation: Observation, lost: bool, from_recording: bool) -> dict[str, t.Any]:
    status, reason, message = observation.status, observation.reason, observation.message
    if status != "recorded" and lost and reason in ("no_facts", "not_newer", "clock_off"):
        status, reason = "unreachable", "unreachable"
        message = f"{observation.host} was unreachable or failed before it gave new facts; its history goes on when it is back."
        if observation.reason != "no_facts":
            message += f" ({observation.message})"
    return {
        "status": status,
        "reason": reason,
        "message": message,
        "documents": observation.documents,
        "samples": len(observation.samples),
        "flagged": sum(sample.flag is not None for sample in observation.samples),
        "issues": len(observation.issues),
        "from_recording": from_recording,
    }


def _counts(results: Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for result in results.values():
        counts[result["status"]] = counts.get(result["status"], 0) + 1
    return counts


def _summary(results: Mapping[str, t.Mapping[str, t.Any]], written: Mapping[str, int]) -> list[str]:
    told = ", ".join(f"{count} {status}" for status, count in sorted(_counts(results).items())) or "none"
    return [f"Hosts: {told}.", f"Written: {written['samples']} samples ({written['flagged']} flagged) of {written['entities']} entities."]
