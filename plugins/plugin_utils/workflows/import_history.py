# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(import_history): CSV files and recordings into the store, each as a whole or not at all, and what a Proxmox VE cluster keeps."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import is_recording
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.table import TableOptions
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import clean_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store, open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import resolve
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_cluster import Choice, connect, import_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_documents import import_documents
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_progress import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_table import import_table


class _CheckRun(Exception):
    """Takes the transaction of a check run back."""


def import_history(
    *,
    store: str | None,
    now: int,
    source: str = "files",
    path: Sequence[str] | None = None,
    cluster: Mapping[str, t.Any] | None = None,
    format: str = "auto",  # noqa: A002  (the name of the option)
    table: dict[str, t.Any] | None = None,
    shift_to_now: bool = False,
    synthetic: bool = False,
    max_skew: int = 300,
    max_bad_rows: int = 100,
    check: bool = False,
    progress: t.Callable[[str], None] | None = None,
) -> dict[str, t.Any]:
    """Import files, one transaction each, or what a Proxmox VE cluster keeps, a few entities in each transaction.

    :param source: files or proxmox.
    :param path: files or glob patterns.
    :param cluster: the connection to the cluster, as of doc fragment C(proxmox), and C(timeframes), C(entities), C(peaks), C(parallel).
    :param format: auto, csv or recording.
    :param table: how CSV files are read: the fields of TableOptions.
    :param shift_to_now: shift all times of a file so that its newest is now (or as it was shifted when it was imported before).
    :param synthetic: the history was generated, not measured.
    :param max_skew: seconds by which samples may lie ahead of now.
    :param max_bad_rows: more rows of a file that cannot be read, and nothing of it is imported.
    :param check: do all of it and take it back: what is told is what would have been written.
    :param progress: called with a line now and then.
    :raises InputError: for a wrong option or a file that cannot be read; its file is not imported, the files before it are.
    """
    if source == "proxmox":
        return _import_cluster(store, cluster or {}, now=now, max_skew=max_skew, check=check, progress=progress)
    files = _files(path or [])
    results = []
    warnings: list[str] = []
    with _opened(store, check) as notebook:
        for file in files:
            wanted = format if format != "auto" else "recording" if is_recording(file) else "csv"
            options = _options(table, max_bad_rows) if wanted == "csv" else None
            results.append(
                _import(
                    notebook,
                    file,
                    options,
                    now=now,
                    check=check,
                    shift_to_now=shift_to_now,
                    synthetic=synthetic,
                    max_skew=max_skew,
                    max_bad_rows=max_bad_rows,
                    progress=Progress(progress),
                )
            )
        warnings += notebook.warnings
    for result in results:
        if result["bad"]:
            warnings.append(f"{result['path']}: {result['bad_rows']} rows could not be read; the first: {result['bad'][0]}")
    total = {name: sum(result[name] for result in results) for name in ("rows", "samples", "bad_rows", "entities_made")}
    return {
        "files": results,
        "written": {"samples": 0, "entities_made": 0} if check else {name: total[name] for name in ("samples", "entities_made")},
        "check": check,
        "summary": [_summary(result, check) for result in results],
        "warnings": warnings,
    }


def _import_cluster(
    store: str | None, options: Mapping[str, t.Any], *, now: int, max_skew: int, check: bool, progress: t.Callable[[str], None] | None
) -> dict[str, t.Any]:
    client = connect(options)
    choice = Choice(*(options[name] for name in Choice._fields))
    with _opened(store, check) as notebook:
        result = import_cluster(notebook, client, choice, now=now, max_skew=max_skew, check=check, progress=Progress(progress))
        warnings = list(notebook.warnings)
    skew = result["api_skew"]
    if skew is not None and abs(skew) > max_skew:
        warnings.append(
            f"The clock of the cluster is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the controller's; its history has the cluster's times."
        )
    if result["problem_count"]:
        warnings.append(f"{result['problem_count']} histories could not be read; the first: {result['problems'][0]}")
    return {
        "cluster": result,
        "written": {"samples": 0, "entities_made": 0} if check else {name: result[name] for name in ("samples", "entities_made")},
        "check": check,
        "summary": [_cluster_summary(result, check)],
        "warnings": warnings,
    }


def _cluster_summary(result: Mapping[str, t.Any], check: bool) -> str:
    entities, written = sum(result["entities"].values()), "would be written" if check else "written"
    parts = [
        f"{result['name']}: {result['samples']:,} samples of {result['entities_with_samples']:,} of {entities:,} entities {written}",
        f"{result['calls']:,} calls",
    ]
    if result["up_to_date"]:
        parts.append(f"{result['up_to_date']:,} were up to date")
    if result["failed"]:
        parts.append(f"{result['failed']:,} could not be read")
    parts += [f"{count:,} flagged {flag}" for flag, count in sorted(result["flagged"].items())]
    return "; ".join(parts) + "."


def _import(
    notebook: Store,
    path: str,
    options: TableOptions | None,
    *,
    now: int,
    check: bool,
    shift_to_now: bool,
    synthetic: bool,
    max_skew: int,
    max_bad_rows: int,
    progress: Progress,
) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {}
    # a name that is no text in this system's encoding cannot be stored as it is
    told = clean_text(path)
    with contextlib.suppress(_CheckRun), notebook.transaction():
        run = notebook.start_run("import_history", at=now, check=check, detail={"path": told})
        common: dict[str, t.Any] = {
            "now": now, "max_skew": max_skew, "shift_to_now": shift_to_now, "synthetic": synthetic, "source": os.path.basename(str(told)),
            "progress": progress,
        }  # fmt: skip
        if options is None:
            result = import_documents(notebook, path, max_bad_rows=max_bad_rows, **common)
        else:
            result = import_table(notebook, path, options, **common)
        result["path"] = told
        notebook.finish_run(run, at=now, status="imported", detail=result)
        if check:
            raise _CheckRun
    return {**result, "run": None if check else run}


@contextlib.contextmanager
def _opened(store: str | None, check: bool) -> t.Iterator[Store]:
    """Open the store; a check run must not leave a new one behind and takes one for the moment."""
    place = resolve(store)
    if check and place.path is not None and not os.path.exists(place.path):
        with tempfile.TemporaryDirectory() as folder, open_store(os.path.join(folder, "store.db")) as notebook:
            yield notebook
        return
    with open_store(store) as notebook:
        yield notebook


def _files(patterns: Sequence[str]) -> list[str]:
    files: list[str] = []
    for pattern in patterns:
        if os.path.exists(pattern):
            files.append(pattern)
            continue
        found = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else []
        if not found:
            raise InputError(f"There is no file {pattern}, seen from {os.getcwd()} (O(path)).")
        files += found
    if not files:
        raise InputError("No file is named; needed is at least one (O(path)).")
    return files


def _options(table: dict[str, t.Any] | None, max_bad_rows: int) -> TableOptions:
    given = {name: value for name, value in (table or {}).items() if value is not None}
    if "time_column" not in given:
        raise InputError("Nothing says which column holds the time; needed is its name (O(time_column)).")
    return TableOptions(**given, max_bad_rows=max_bad_rows)


def _summary(result: dict[str, t.Any], check: bool) -> str:
    parts = [f"{result['path']}: {result['samples']:,} samples of {result['entities']:,} entities {'would be ' if check else ''}written"]
    for name, told in (
        ("bad_rows", "rows could not be read"),
        ("duplicates", "were there before in the file (the last one counts)"),
        ("out_of_order", "went backwards in time"),
        ("ambiguous_times", "times occur twice (clocks set back)"),
        ("empty", "without a value"),
    ):
        if result[name]:
            parts.append(f"{result[name]:,} {told}")
    parts += [f"{count:,} flagged {flag}" for flag, count in sorted(result["flagged"].items())]
    if result["shifted_by"]:
        parts.append(f"times shifted by {result['shifted_by']} s")
    if result["synthetic"]:
        parts.append("synthetic")
    return "; ".join(parts) + "."
