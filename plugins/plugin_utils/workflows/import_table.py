# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One CSV file → the store."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import open_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.rows import TableReader
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.table import TableOptions
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Flag, Store
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_progress import Progress
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_target import Duplicates, SeriesTarget, count_flags
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.shift import shift_of


def import_table(
    notebook: Store,
    path: str,
    options: TableOptions,
    *,
    now: int,
    max_skew: int,
    shift_to_now: bool,
    synthetic: bool,
    source: str,
    progress: Progress,
) -> dict[str, t.Any]:
    """Write the samples of a file; to be called inside a transaction, so that all of them are in or none.

    :param source: what entities made here carry as the source of their history.
    :returns: counts, and what was wrong.
    :raises InputError: if the file cannot be read as told.
    """
    shift = 0
    if shift_to_now:
        newest, keys = _survey(path, options, now=now, progress=progress)
        shift = shift_of(notebook.find_entities(keys=keys), now - newest)
    mark = {"shifted_by": shift, "source": source}
    duplicates = Duplicates()
    flagged: dict[str, int] = {}
    samples, first, last = 0, None, None
    with open_text(path, encoding=options.encoding) as file:
        reader = TableReader(file, options, now=now - shift, max_skew=max_skew)
        target = SeriesTarget(notebook, mark, now, synthetic=synthetic)
        checked = 0
        for chunk in reader.chunks():
            ids = target.series_ids(reader.series)
            if not shift_to_now and len(reader.series) > checked:
                shift_of(notebook.find_entities(keys={key for key, _rule in reader.series[checked:]}), None)
                checked = len(reader.series)
            series, times = np.asarray(chunk.series, dtype=np.int64), np.asarray(chunk.times, dtype=np.int64) + shift
            duplicates.add(series, times)
            count_flags(flagged, chunk.flags)
            flags = [0 if flag is None else int(Flag[flag.upper()]) for flag in chunk.flags]
            samples += notebook.write_samples(ids[series], times, chunk.values, flags)
            first = int(times.min()) if first is None else min(first, int(times.min()))
            last = int(times.max()) if last is None else max(last, int(times.max()))
            progress.file("Importing", file, reader.tally.rows)
    return {
        "path": path,
        "format": "csv",
        **dataclasses.asdict(reader.tally),
        "ambiguous_times": reader.ambiguous_times,
        "samples": samples,
        "flagged": flagged,
        "duplicates": duplicates.count,
        "entities": target.entities,
        "entities_made": target.made,
        "series": len(reader.series),
        "first": first,
        "last": last,
        "shifted_by": shift,
        "synthetic": synthetic,
    }


def _survey(path: str, options: TableOptions, *, now: int, progress: Progress) -> tuple[int, set[str]]:
    """Return the newest time and all entity keys of a file."""
    newest = 0
    with open_text(path, encoding=options.encoding) as file:
        reader = TableReader(file, options, now=now, max_skew=0)
        for chunk in reader.chunks():
            newest = max(newest, *chunk.times)
            progress.file("Looking through", file, reader.tally.rows)
    return newest, {key for key, _rule in reader.series}
