# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The trained networks of single series in the store: one row each, by series and step. Needs no torch."""

from __future__ import annotations

import math
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting import lstm, model_files
from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.training import lstm_version

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.lstm import Parameters
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.training import Lesson, Outcome
    from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store
    from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast_documents import Asked

Document = dict[str, t.Any]
KIND = "lstm"
_DIGITS = 6
_KEPT = {"basis": list, "warm": bool, "data": dict, "metrics": dict, "curve": dict}


class Model(t.NamedTuple):
    """A trained network as it is stored.

    parameters: in units of the values (`lstm.rescaled(parameters, -exponent)` for those of a `History`); season: in steps, that
    which it must be asked with; meta: what `row_of` wrote.
    """

    parameters: Parameters
    season: int
    meta: Document


def load(store: Store, series_ids: Collection[int], step: int, *, now: int | None = None) -> dict[int, Model | str]:
    """Return the trained network of each series that has one, or a sentence that says why it cannot be used.

    What is damaged or foreign costs no other series anything.

    :param step: seconds.
    :param now: UTC seconds; a network that has learned from what came later is not used.
    """
    rows = store.read_models([key_of(number, step) for number in series_ids])
    found: dict[int, Model | str] = {}
    for number in series_ids:
        row = rows.get(key_of(number, step))
        if row is not None:
            found[number] = row if isinstance(row, str) else _unpacked(number, step, *row, now)
    return found


def row_of(
    item: Asked, lesson: Lesson, outcome: Outcome, *, basis: Sequence[t.Any], first: int, last: int, now: int, own_step: bool, warm: bool
) -> tuple[str, str, Document, bytes]:
    """Return the row of a trained network: key, kind, meta and payload.

    :param basis: what must be the same for it not to be trained again.
    :param first, last: times of the first and the last value that it was trained and tested with.
    :param own_step: the step is the series' own, not one that somebody asked for.
    :param warm: its training went on from a former network.
    """
    key = key_of(item.series.id, item.step)
    losses = zip(*outcome.curve.tolist(), strict=True) if len(outcome.curve) else ([], [])
    training, validation = ([_number(value, _DIGITS) for value in part] for part in losses)
    meta = {
        "entity": item.entity.key,
        "metric": item.series.metric,
        "unit": item.series.unit,
        "series_id": item.series.id,
        "step_seconds": item.step,
        "own_step": own_step,
        "season": lesson.season,
        "code": lstm_version(),
        "trained_at": now,
        "basis": list(basis),
        "warm": warm,
        "data": {"first": first, "last": last, "samples": lesson.history.known},
        "metrics": {
            "error": _number(outcome.error),
            "last_error": _number(outcome.last_error),
            "kept": outcome.kept,
            "epochs": len(outcome.curve),
        },
        "curve": {"training": training, "validation": validation},
    }
    header = {"kind": KIND, "key": key, "season": lesson.season, "code": lstm_version()}
    return key, KIND, meta, model_files.to_bytes(outcome.parameters, header)


def key_of(series_id: int, step: int) -> str:
    return f"{KIND}/{series_id}/{step}"


def outlived(store: Store, steps: Mapping[int, int]) -> list[str]:
    """Return the keys of networks for steps that once were their series' own and are so no more.

    :param steps: the own step of each series now.
    """
    keys = []
    for key in store.find_model_keys(KIND):
        _kind, number, step = key.split("/")
        if int(number) in steps and int(step) != steps[int(number)]:
            keys.append(key)
    return [key for key, row in store.read_models(keys).items() if isinstance(row, str) or row[0].get("own_step")]


def _unpacked(number: int, step: int, meta: Document, payload: bytes | None, now: int | None) -> Model | str:
    key = key_of(number, step)
    try:
        parameters, header = model_files.from_bytes(payload or b"", kind=KIND)
    except InputError as error:
        return f"The stored network {key} cannot be used. {error}"
    if header.get("key") != key:
        return f"The stored network {key} is that of another series or step ({header.get('key')!r}). Train it anew."
    if header.get("code") != lstm_version():
        version = header.get("code_version")
        return f"The stored network {key} was trained by other code (version {version}) and cannot be read by this. Train it anew."
    season = header.get("season")
    if not isinstance(season, int) or season < 1 or not lstm.fits(parameters, season):
        return f"The stored network {key} has parameters that are not finite or of another shape. Train it anew."
    if not all(isinstance(meta.get(name), kind) for name, kind in _KEPT.items()):
        return f"The stored network {key} lacks what this version keeps of each ({', '.join(_KEPT)}). Train it anew."
    if now is not None and (meta["data"].get("last") or 0) > now:
        return f"The stored network {key} has learned from samples after the time that is asked for. Train it as of then (O(now)), or use no network."
    return Model(parameters, season, meta)


def _number(value: float, digits: int | None = None) -> float | None:
    """Return a number as JSON can hold it."""
    if not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)
