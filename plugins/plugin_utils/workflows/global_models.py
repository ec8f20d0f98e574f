# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What series have in common, in the store: one row for each metric, step, horizon and season. Needs no torch."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import family_files, global_model
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.family import Family
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_memory import GROWN_BY

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store

Document = dict[str, t.Any]
KIND = family_files.KIND
Row = tuple[str, str, Document, bytes]
# The longest season there is. What fleets have in common changes in weeks, and learning it takes minutes: once a week is often enough to
# follow them and rare enough not to be felt.
MAX_AGE = 7 * 86400
# Only a question about this share of what taught it renews one for its age: a look at three volumes must not throw away what 5,000 taught.
_RENEWING_SHARE = 0.5
_KEPT = {"data": dict, "weights": dict, "trained_at": int, "fleet": int, "series": int, "values": int, "model": str, "able": bool}


class Stored(t.NamedTuple):
    """What is stored of one season. meta: what `row_of` wrote."""

    family: Family
    meta: Document


class Extent(t.NamedTuple):
    """How much there is to learn from: series, their known values, and the times of the first and the last sample."""

    series: int
    values: int
    first: int
    last: int


def load(store: Store, metric: str, step: int, horizon: int) -> dict[int, Stored | str]:
    """Return by season what series of a metric have in common, or a sentence that says why what is stored cannot be used.

    What other code has learned is left out without a word: after an upgrade all of it is.

    :param step: seconds; :param horizon: steps.
    """
    begin = key_of(metric, step, horizon, "")
    keys = [key for key in store.find_model_keys(KIND) if key.startswith(begin) and key[len(begin) :].isdecimal()]
    rows = store.read_models(keys)
    return {int(key[len(begin) :]): _unpacked(key, rows[key]) for key in keys if key in rows and not _of_other_code(rows[key])}


def usable(stored: Mapping[int, Stored | str], *, now: int, there: Extent, model: str) -> dict[int, Stored]:
    """Return what serves a question; the rest is learned anew.

    :param there: what the question is about; :param model: "auto" or "global".
    """
    return {season: found for season, found in stored.items() if isinstance(found, Stored) and not _outlived(found.meta, now, there, model)}


def row_of(family: Family, *, metric: str, step: int, now: int, extent: Extent, model: str, series: int, basis: str | None = None) -> Row:
    """Return the row of a family: key, kind, meta and payload.

    :param extent: what the question was about, of which `series` have the season and a past to learn from.
    :param basis: what must be the same for C(train) not to learn it again.
    :raises InputError: for numbers that are not finite.
    """
    key = key_of(metric, step, family.horizon, family.season)
    meta: Document = to_native(
        {
            "metric": metric,
            "step_seconds": step,
            "horizon_steps": family.horizon,
            "season": family.season,
            "code": family_files.family_version(),
            "trained_at": now,
            "model": model,
            "able": global_model.available(),
            "fleet": extent.series,
            "series": series,
            "examined": family.series,
            "values": extent.values,
            "networks": len(family.networks),
            "data": {"first": extent.first, "last": extent.last, "samples": extent.values},
            "weights": {label.text: float(weight) for label, weight in zip(family.labels, family.weights, strict=True) if weight > 0},
            "basis": basis,
        }
    )
    return key, KIND, meta, family_files.to_bytes(family, key=key, step_seconds=step)


def rows_of(
    families: Mapping[int, Family], series: Mapping[int, int], *, metric: str, step: int, now: int, extent: Extent, model: str
) -> tuple[list[Row], dict[int, str]]:
    """Return the rows of what was learned, and by season why something is not stored; arguments as those of row_of."""
    rows, problems = [], {}
    for season, family in families.items():
        try:
            count = series.get(season, family.series)
            rows.append(row_of(family, series=count, metric=metric, step=step, now=now, extent=extent, model=model))
        except InputError as error:
            problems[season] = str(error)
    return rows, problems


def newer(stored: Stored | str | None, now: int) -> bool:
    """Return whether what is stored knows samples after `now`: then what is learned as of then must not take its place."""
    return isinstance(stored, Stored) and _last(stored.meta) > now


def key_of(metric: str, step: int, horizon: int, season: int | str) -> str:
    return f"{KIND}/{metric}/{step}/{horizon}/{season}"


def _outlived(meta: Mapping[str, t.Any], now: int, there: Extent, model: str) -> bool:
    """Return whether a family is not to serve this question: it knows what came later, or there is more to be learned by now."""
    if _last(meta) > now:
        return True
    # A mixture also needs to know how far theta and ETS are to be trusted, which is not looked at for model=global.
    if meta["model"] != model == "auto" or (not meta["able"] and global_model.available()):
        return True
    if there.series >= GROWN_BY * meta["fleet"] or there.values >= GROWN_BY * meta["values"]:
        return True
    return now - meta["trained_at"] > MAX_AGE and there.series >= _RENEWING_SHARE * meta["fleet"]


def _last(meta: Mapping[str, t.Any]) -> int:
    return meta["data"].get("last") or 0


def _of_other_code(row: tuple[Document, bytes | None] | str) -> bool:
    return not isinstance(row, str) and row[0].get("code") != family_files.family_version()


def _unpacked(key: str, row: tuple[Document, bytes | None] | str) -> Stored | str:
    if isinstance(row, str):
        return row
    meta, payload = row
    try:
        family = family_files.from_bytes(payload or b"", key=key)
    except InputError as error:
        return f"The stored global model {key} cannot be used. {error}"
    if not all(isinstance(meta.get(name), kind) for name, kind in _KEPT.items()):
        return f"The stored global model {key} lacks what this version keeps of each ({', '.join(_KEPT)}). It is learned anew."
    return Stored(family, meta)
