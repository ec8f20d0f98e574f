# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entities and their series."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session, raw_connection, to_json
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class EntityRow(t.NamedTuple):
    """An entity as it was observed."""

    identity: str
    key: str
    kind: str
    host: str | None
    attributes: dict[str, t.Any]
    observed_at: int


class Entity(t.NamedTuple):
    """An entity as it is stored; ``current`` is false when another identity holds its key now."""

    id: int
    identity: str
    key: str
    kind: str
    host: str | None
    attributes: dict[str, t.Any]
    first_seen: int
    last_seen: int
    current: bool


class SeriesInfo(t.NamedTuple):
    """One metric of one entity."""

    id: int
    entity_id: int
    metric: str
    unit: str
    synthetic: bool


class Entities(Session):
    """Reading and writing of entities and series."""

    def put_entities(self, rows: Iterable[EntityRow]) -> dict[str, int]:
        """Store what was observed and return the entity id of each identity.

        The newest observation of an identity gives its key, host and attributes (of two at the same time the one
        written later); an older one only moves ``first_seen``. Of several identities with one key the one observed
        last is ``current``.
        """
        newest: dict[str, EntityRow] = {}
        first: dict[str, int] = {}
        for row in rows:
            known = newest.get(row.identity)
            if known is None or row.observed_at >= known.observed_at:
                newest[row.identity] = row
            first[row.identity] = min(row.observed_at, first.get(row.identity, row.observed_at))
        if not newest:
            return {}
        with self.transaction() as connection:
            ordered = [newest[identity] for identity in sorted(newest)]
            left = self._keys_of(connection, newest)
            _run_many(connection, _UPSERT_ENTITY[self.dialect], [_entity_values(row, first[row.identity]) for row in ordered])
            self._settle_keys(connection, left | {row.key for row in ordered})
            table = tables().entity
            found = connection.execute(sa.select(table.c.identity, table.c.id).where(self.among(table.c.identity, list(newest))))
            return {row.identity: row.id for row in found.all()}

    def find_entities(
        self,
        *,
        kinds: Collection[str] | None = None,
        hosts: Collection[str] | None = None,
        keys: Collection[str] | None = None,
        identities: Collection[str] | None = None,
        current: bool | None = True,
    ) -> list[Entity]:
        """Return the entities that match every condition given, ordered by key.

        :param current: True: only those that hold their key; False: only those that lost it; None: both.
        """
        table = tables().entity
        query = sa.select(*(table.c[name] for name in Entity._fields)).order_by(table.c.key, table.c.id)
        for column, wanted in ((table.c.kind, kinds), (table.c.host, hosts), (table.c.key, keys), (table.c.identity, identities)):
            if wanted is not None:
                query = query.where(self.among(column, wanted))
        if current is not None:
            query = query.where(table.c.current.is_(current))
        with self.reading() as connection:
            return [Entity(*row) for row in connection.execute(query).all()]

    def retire_unseen(self, kind: str, hosts: Collection[str], identities: Collection[str]) -> int:
        """Take the entities of these hosts that are not among the identities out of the current ones; return how many.

        Their series stay, and seen again they are current again.
        """
        table = tables().entity
        gone = sa.and_(
            table.c.kind == kind, self.among(table.c.host, hosts), ~self.among(table.c.identity, identities), table.c.current.is_(True)
        )
        with self.transaction() as connection:
            return connection.execute(sa.update(table).where(gone).values(current=False)).rowcount

    def adopt_identity(self, identity: str, new: str) -> None:
        """Give an entity another identity, so that its series belong to it; nothing where the new one is there already.

        History imported under the name of a volume goes over to its UUID like that when the volume is first observed.
        """
        table = tables().entity
        taken = sa.exists().where(table.alias().c.identity == new)
        with self.transaction() as connection:
            connection.execute(sa.update(table).where(table.c.identity == identity, ~taken).values(identity=new))

    def put_series(self, rows: Iterable[tuple[int, str, str, bool]]) -> dict[tuple[int, str], int]:
        """Make sure that the series (entity_id, metric, unit, synthetic) exist; return the series id of each (entity_id, metric).

        A series that exists takes the unit given; once synthetic it stays so.
        """
        wanted = {(entity_id, metric): (entity_id, metric, unit, bool(synthetic)) for entity_id, metric, unit, synthetic in rows}
        if not wanted:
            return {}
        with self.transaction() as connection:
            table = tables().series
            query = sa.select(table.c.entity_id, table.c.metric, table.c.id, table.c.unit, table.c.synthetic).where(
                self.among(table.c.entity_id, {key[0] for key in wanted})
            )
            known = _by_key(connection.execute(query).all())
            missing = [values for key, values in sorted(wanted.items()) if not _same(known.get(key), values)]
            if missing:
                _run_many(connection, _UPSERT_SERIES[self.dialect], missing)
                known = _by_key(connection.execute(query).all())
            return {key: known[key][0] for key in wanted}

    def find_series(self, *, metric: str | None = None, entity_ids: Collection[int] | None = None) -> list[SeriesInfo]:
        """Return the series that match every condition given, ordered by id."""
        table = tables().series
        query = sa.select(*(table.c[name] for name in SeriesInfo._fields)).order_by(table.c.id)
        if metric is not None:
            query = query.where(table.c.metric == metric)
        if entity_ids is not None:
            query = query.where(self.among(table.c.entity_id, [int(number) for number in entity_ids]))
        with self.reading() as connection:
            return [SeriesInfo(*row) for row in connection.execute(query).all()]

    def _keys_of(self, connection: sa.Connection, identities: Collection[str]) -> set[str]:
        table = tables().entity
        return set(connection.scalars(sa.select(table.c.key).where(self.among(table.c.identity, identities))))

    def _settle_keys(self, connection: sa.Connection, keys: Collection[str]) -> None:
        """Make the entity observed last the current holder of each key."""
        table = tables().entity
        rivals = table.alias()
        newer = sa.or_(
            rivals.c.last_seen > table.c.last_seen,
            sa.and_(rivals.c.last_seen == table.c.last_seen, rivals.c.id > table.c.id),
        )
        beaten = sa.exists().where(rivals.c.key == table.c.key, newer)
        touched = self.among(table.c.key, keys)
        connection.execute(sa.update(table).where(touched, beaten, table.c.current.is_(True)).values(current=False))
        connection.execute(sa.update(table).where(touched, ~beaten, table.c.current.is_(False)).values(current=True))


def _entity_values(row: EntityRow, first_seen: int) -> tuple[t.Any, ...]:
    return row.identity, row.key, row.kind, row.host, to_json(row.attributes), first_seen, row.observed_at


def _by_key(rows: Iterable[t.Any]) -> dict[tuple[int, str], tuple[int, str, bool]]:
    return {(entity_id, metric): (number, unit, synthetic) for entity_id, metric, number, unit, synthetic in rows}


def _same(known: tuple[int, str, bool] | None, values: tuple[int, str, str, bool]) -> bool:
    return known is not None and known[1] == values[2] and (known[2] or not values[3])


def _run_many(connection: sa.Connection, statement: str, rows: list[tuple[t.Any, ...]]) -> None:
    """Run one upsert for all rows: one array per column on PostgreSQL, prepared once on SQLite."""
    driver = raw_connection(connection)
    if connection.dialect.name == "postgresql":
        driver.execute(statement, [list(column) for column in zip(*rows, strict=True)])
    else:
        driver.executemany(statement, rows)


# current is false at first and settled right after, so that the unique index holds at every moment
_ON_ENTITY = """
ON CONFLICT (identity) DO UPDATE SET
  first_seen = CASE WHEN excluded.first_seen < entity.first_seen THEN excluded.first_seen ELSE entity.first_seen END,
  key = CASE WHEN excluded.last_seen >= entity.last_seen THEN excluded.key ELSE entity.key END,
  kind = CASE WHEN excluded.last_seen >= entity.last_seen THEN excluded.kind ELSE entity.kind END,
  host = CASE WHEN excluded.last_seen >= entity.last_seen THEN excluded.host ELSE entity.host END,
  attributes = CASE WHEN excluded.last_seen >= entity.last_seen THEN excluded.attributes ELSE entity.attributes END,
  current = entity.current AND (excluded.last_seen < entity.last_seen OR excluded.key = entity.key),
  last_seen = CASE WHEN excluded.last_seen >= entity.last_seen THEN excluded.last_seen ELSE entity.last_seen END
"""
_ENTITY_COLUMNS = "identity, key, kind, host, attributes, first_seen, last_seen, current"
# PostgreSQL draws an id for every row it tries to insert; drawn for known entities too, all ids there are were used up after some years
_UPSERT_ENTITY = {
    "sqlite": f"INSERT INTO entity ({_ENTITY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, FALSE) {_ON_ENTITY}",
    "postgresql": f"""INSERT INTO entity (id, {_ENTITY_COLUMNS})
SELECT coalesce(e.id, nextval(pg_get_serial_sequence('entity', 'id'))), i, k, n, h, a::json, f, l, FALSE
  FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[]) AS given (i, k, n, h, a, f, l)
  LEFT JOIN entity e ON e.identity = i {_ON_ENTITY}""",
}

_ON_SERIES = "ON CONFLICT (entity_id, metric) DO UPDATE SET unit = excluded.unit, synthetic = series.synthetic OR excluded.synthetic"
_SERIES_COLUMNS = "INSERT INTO series (entity_id, metric, unit, synthetic)"
_UPSERT_SERIES = {
    "sqlite": f"{_SERIES_COLUMNS} VALUES (?, ?, ?, ?) {_ON_SERIES}",
    "postgresql": f"{_SERIES_COLUMNS} SELECT * FROM unnest(%s::integer[], %s::text[], %s::text[], %s::boolean[]) {_ON_SERIES}",
}
