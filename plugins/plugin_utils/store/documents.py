# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forecasts and models."""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session, to_json
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_FORECAST = ("series_id", "digest", "issued_at", "horizon_seconds", "step_seconds", "method", "status", "document")


class Documents(Session):
    """Reading and writing of forecasts and models."""

    def save_forecasts(self, rows: Iterable[Mapping[str, t.Any]]) -> None:
        """Store forecasts; the same series, digest and issued_at is the same row.

        :param rows: mappings with series_id, digest, issued_at, horizon_seconds, step_seconds, method, status, document.
        """
        values = [{name: row[name] for name in _FORECAST} for row in rows]
        if not values:
            return
        table = tables().forecast
        with self.transaction() as connection:
            connection.execute(self.upsert(table, ("series_id", "digest", "issued_at"), _FORECAST), values)

    def find_forecasts(
        self, series_ids: Collection[int], digest: str | None = None, newest: bool = True, until: int | None = None
    ) -> dict[int, t.Any]:
        """Return the newest forecast document by series id (of that digest, if one is given).

        :param newest: False gives for each series the list of all its documents, newest first.
        :param until: leave out those issued after this time (with `newest` only).
        """
        table = tables().forecast
        wanted = [int(number) for number in series_ids]
        query = sa.select(table.c.series_id, table.c.document)
        if newest:
            # one look at the end of an index per series, however many forecasts it has had
            series, other = tables().series, table.alias()
            last = (
                sa.select(other.c.id).where(other.c.series_id == series.c.id).order_by(other.c.issued_at.desc(), other.c.id.desc()).limit(1)
            )
            if digest is not None:
                last = last.where(other.c.digest == digest)
            if until is not None:
                last = last.where(other.c.issued_at <= until)
            query = query.select_from(series.join(table, table.c.id == last.correlate(series).scalar_subquery())).where(
                self.among(series.c.id, wanted)
            )
            with self.reading() as connection:
                return {row.series_id: row.document for row in connection.execute(query)}
        query = query.where(self.among(table.c.series_id, wanted)).order_by(table.c.issued_at.desc(), table.c.id.desc())
        if digest is not None:
            query = query.where(table.c.digest == digest)
        found: dict[int, t.Any] = {}
        with self.reading() as connection:
            for number, document in connection.execute(query):
                found.setdefault(number, []).append(document)
        return found

    def save_model(self, key: str, kind: str, meta: Mapping[str, t.Any], payload: bytes | None) -> None:
        """Store a model under its key, with a checksum; an earlier one of that key is replaced."""
        self.save_models([(key, kind, meta, payload)])

    def save_models(self, rows: Iterable[tuple[str, str, Mapping[str, t.Any], bytes | None]]) -> None:
        """Store many models at once: (key, kind, meta, payload) each."""
        values = [
            {"key": key, "kind": kind, "meta": dict(meta), "payload": payload, "checksum": _checksum(kind, meta, payload)}
            for key, kind, meta, payload in rows
        ]
        if not values:
            return
        with self.transaction() as connection:
            connection.execute(self.upsert(tables().model, ("key",), tuple(values[0])), values)

    def load_model(self, key: str) -> tuple[dict[str, t.Any], bytes | None] | None:
        """Return (meta, payload) of the model, or None when there is none.

        :raises StoreError: when the row does not match its checksum.
        """
        return self.load_models([key]).get(key)

    def load_models(self, keys: Collection[str]) -> dict[str, tuple[dict[str, t.Any], bytes | None]]:
        """Return (meta, payload) by key of the models that exist.

        :raises StoreError: when a row does not match its checksum.
        """
        found: dict[str, tuple[dict[str, t.Any], bytes | None]] = {}
        for key, model in self.read_models(keys).items():
            if isinstance(model, str):
                raise StoreError(model)
            found[key] = model
        return found

    def read_models(self, keys: Collection[str]) -> dict[str, tuple[dict[str, t.Any], bytes | None] | str]:
        """Return (meta, payload) by key of the models that exist; of one that does not match its checksum a sentence that says so."""
        table = tables().model
        query = sa.select(table.c.key, table.c.kind, table.c.meta, table.c.payload, table.c.checksum).where(self.among(table.c.key, keys))
        with self.reading() as connection:
            rows = list(connection.execute(query))
        return {
            key: (meta, payload)
            if _checksum(kind, meta, payload) == checksum
            else f"The model {key!r} in the store {self.location} does not match its checksum; needed is an undamaged one: "
            "train it again, or delete its row from the table model."
            for key, kind, meta, payload, checksum in rows
        }

    def find_model_keys(self, kind: str) -> list[str]:
        """Return the keys of all models of a kind, sorted."""
        table = tables().model
        with self.reading() as connection:
            return list(connection.scalars(sa.select(table.c.key).where(table.c.kind == kind).order_by(table.c.key)))

    def remove_models(self, keys: Collection[str]) -> int:
        """Remove the models of these keys; return how many there were."""
        if not keys:
            return 0
        table = tables().model
        with self.transaction() as connection:
            return connection.execute(sa.delete(table).where(self.among(table.c.key, keys))).rowcount


def _checksum(kind: str, meta: Mapping[str, t.Any], payload: bytes | None) -> str:
    # what JSON makes of meta is what comes back from the store
    text = json.dumps(json.loads(to_json([kind, meta])), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode())
    digest.update(b"\0" if payload is None else b"\1" + payload)
    return digest.hexdigest()
