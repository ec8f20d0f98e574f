# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of the store: one schema for SQLite and PostgreSQL.

They are built in functions, so that importing this file needs no third-party package. ``docs/store.md`` is generated from here.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

VERSION = "0002"
"""The newest migration in ``migrations/versions``; what a new store is created as."""

VERSION_TABLE = "schema_version"


class Tables(t.NamedTuple):
    """Every table of the store."""

    metadata: sa.MetaData
    entity: sa.Table
    series: sa.Table
    sample: sa.Table
    sample_hour: sa.Table
    sample_day: sa.Table
    retention: sa.Table
    forecast: sa.Table
    model: sa.Table
    run: sa.Table
    plan: sa.Table
    plan_action: sa.Table
    plan_picture: sa.Table
    outcome: sa.Table
    lease: sa.Table


@functools.cache
def tables() -> Tables:
    """Return the tables (built once per process)."""
    metadata = sa.MetaData()
    return Tables(
        metadata,
        _entity(metadata),
        _series(metadata),
        _sample(metadata),
        _summary(metadata, "sample_hour", "hour"),
        _summary(metadata, "sample_day", "day"),
        _retention(metadata),
        _forecast(metadata),
        _model(metadata),
        _run(metadata),
        _plan(metadata),
        _plan_action(metadata),
        _plan_picture(metadata),
        _outcome(metadata),
        _lease(metadata),
    )


def _entity(metadata: sa.MetaData) -> sa.Table:
    table = sa.Table(
        "entity",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "identity", sa.Text, nullable=False, unique=True, comment="what it is for ever: lv:HOST/UUID, vg:HOST/UUID, else the key"
        ),
        sa.Column("key", sa.Text, nullable=False, comment="display name: lv:web1/vg0/data"),
        sa.Column("kind", sa.Text, nullable=False, comment="host, lv, vg, node, guest, storage, kpi"),
        sa.Column("host", sa.Text, comment="inventory_hostname it belongs to"),
        sa.Column("attributes", sa.JSON, nullable=False, comment="what was last observed of it"),
        sa.Column("first_seen", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("last_seen", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("current", sa.Boolean, nullable=False, comment="false: another identity holds this key now"),
        comment="What is observed: hosts, volumes, volume groups, nodes, guests, KPIs",
    )
    current = table.c.current
    sa.Index("entity_current_key", table.c.key, unique=True, sqlite_where=current.is_(True), postgresql_where=current.is_(True))
    sa.Index("entity_key", table.c.key)
    sa.Index("entity_kind_host", table.c.kind, table.c.host)
    return table


def _series(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "series",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity_id", sa.Integer, sa.ForeignKey("entity.id"), nullable=False),
        sa.Column("metric", sa.Text, nullable=False, comment="used_bytes, cpu_cores …"),
        sa.Column("unit", sa.Text, nullable=False, comment="bytes, cores, fraction, count, bytes_per_second"),
        sa.Column("synthetic", sa.Boolean, nullable=False, comment="generated, not measured"),
        sa.UniqueConstraint("entity_id", "metric", name="series_entity_metric"),
        comment="One metric of one entity over time",
    )


def _sample(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "sample",
        metadata,
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False, info={"refers_to": "series.id"}),
        sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False, comment="UTC seconds"),
        sa.Column("value", sa.Double, comment="in the unit of the series; null: no finite value"),
        sa.Column(
            "flag", sa.SmallInteger, nullable=False, server_default=sa.text("0"), comment="0 good; else why it is kept out of models"
        ),
        sqlite_with_rowid=False,
        comment="Measured values. No declared foreign key (it would double the time of a bulk write): the writer checks the series",
    )


def _summary(metadata: sa.MetaData, name: str, period: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False, info={"refers_to": "series.id"}),
        sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False, comment=f"start of the {period}, UTC seconds"),
        sa.Column("last_time", sa.BigInteger, nullable=False, comment="time of the newest sample in it"),
        sa.Column("count", sa.BigInteger, nullable=False, comment="good samples in it"),
        sa.Column("minimum", sa.Double, nullable=False),
        sa.Column("mean", sa.Double, nullable=False),
        sa.Column("maximum", sa.Double, nullable=False),
        sa.Column("last", sa.Double, nullable=False, comment="value at last_time"),
        sqlite_with_rowid=False,
        comment=f"Good samples rolled up per {period}; where a row is here, its samples are no longer in the finer table",
    )


def _retention(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "retention",
        metadata,
        sa.Column("resolution", sa.Text, primary_key=True, comment="raw, hour, day"),
        sa.Column(
            "kept_from", sa.BigInteger, nullable=False, comment="older rows of this resolution were rolled up or dropped, UTC seconds"
        ),
        comment="How far the roll-up has come",
    )


def _forecast(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "forecast",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("series_id", sa.Integer, sa.ForeignKey("series.id"), nullable=False),
        sa.Column("digest", sa.Text, nullable=False, comment="of the question that was asked"),
        sa.Column("issued_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("horizon_seconds", sa.BigInteger, nullable=False),
        sa.Column("step_seconds", sa.BigInteger, nullable=False),
        sa.Column("method", sa.Text),
        sa.Column("status", sa.Text, nullable=False, comment="ok, cold_start, stale, invalid"),
        sa.Column("document", sa.JSON, nullable=False, comment="the whole forecast, as the lookup returns it"),
        sa.UniqueConstraint("series_id", "digest", "issued_at", name="forecast_series_digest_issued"),
        sa.Index("forecast_series_issued", "series_id", "issued_at"),
        comment="Issued forecasts",
    )


def _model(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "model",
        metadata,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("meta", sa.JSON, nullable=False),
        sa.Column("payload", sa.LargeBinary, comment="safetensors or skops, never pickle"),
        sa.Column("checksum", sa.Text, nullable=False, comment="sha256 over kind, meta and payload"),
        comment="Chosen and trained models",
    )


def _run(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "run",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("verb", sa.Text, nullable=False, comment="record, plan, apply …"),
        sa.Column("check_mode", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("finished_at", sa.BigInteger, comment="null: still running, or killed"),
        sa.Column("status", sa.Text, comment="null until it finished"),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Index("run_verb", "verb", "id"),
        comment="What was started, when, and how it ended",
    )


def _plan(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "plan",
        metadata,
        sa.Column("id", sa.Text, primary_key=True, comment="sha256 of the document"),
        sa.Column("state", sa.Text, nullable=False, comment="proposed, approved, applied, partly_applied, expired, superseded"),
        sa.Column("check_mode", sa.Boolean, nullable=False, comment="made in check mode: never applied"),
        sa.Column("created_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("expires_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("state_changed_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_at", sa.BigInteger, comment="UTC seconds"),
        sa.Column("document", sa.JSON, nullable=False, comment="immutable"),
        comment="Plans and their states",
    )


def _plan_action(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "plan_action",
        metadata,
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.id"), primary_key=True),
        sa.Column("action_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id")),
        sa.Column("detail", sa.JSON, nullable=False),
        comment="Progress of each action of a plan",
    )


def _plan_picture(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "plan_picture",
        metadata,
        sa.Column("plan_id", sa.Text, sa.ForeignKey("plan.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("cluster", sa.Text, primary_key=True, comment="its name"),
        sa.Column("host", sa.Text, nullable=False, comment="inventory_hostname through which it is changed"),
        sa.Column("picture", sa.LargeBinary, nullable=False, comment="what the report draws: JSON, compressed with zlib"),
        comment="Each cluster of a plan, before and after its moves",
    )


def _outcome(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "outcome",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("plan_id", sa.Text, nullable=False, info={"refers_to": "plan.id"}),
        sa.Column("action_id", sa.Text, nullable=False),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id")),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False, comment="entity key"),
        sa.Column("status", sa.Text, nullable=False, comment="changed, ok, refused, failed"),
        sa.Column("changed", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("seconds", sa.Double, comment="how long it took"),
        sa.Column("before", sa.JSON, nullable=False),
        sa.Column("after", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.UniqueConstraint("plan_id", "action_id", "started_at", name="outcome_plan_action_started"),
        sa.Index("outcome_target", "target", "started_at"),
        comment="What an applied action really cost and brought",
    )


def _lease(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "lease",
        metadata,
        sa.Column("scope", sa.Text, primary_key=True, comment="what is locked: the digest of an inventory"),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("run.id"), nullable=False),
        sa.Column("controller", sa.Text, nullable=False, comment="host name and machine id"),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("pid_start", sa.BigInteger, nullable=False, comment="start time of the process in clock ticks after boot"),
        sa.Column("acquired_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("renewed_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        sa.Column("expires_at", sa.BigInteger, nullable=False, comment="UTC seconds"),
        comment="Who applies changes right now",
    )


def views(dialect: str) -> dict[str, str]:
    """Return the SELECT statement of each view by name, for people and for Grafana; no code reads them.

    :param dialect: ``sqlite`` or ``postgresql``.
    """
    timestamp = "to_timestamp({})" if dialect == "postgresql" else "datetime({}, 'unixepoch')"
    names = "e.key AS entity, e.kind, e.host, s.metric, s.unit, s.synthetic"
    part = (
        "SELECT {names}, '{resolution}' AS resolution, x.time, {timestamp} AS timestamp, {values} "
        "FROM {table} x JOIN series s ON s.id = x.series_id JOIN entity e ON e.id = s.entity_id"
    )
    raw = "x.value, x.value AS minimum, x.value AS maximum, x.flag"
    summary = "x.mean AS value, x.minimum, x.maximum, 0 AS flag"
    sources = (("raw", "sample", raw), ("hour", "sample_hour", summary), ("day", "sample_day", summary))
    selects = [
        part.format(names=names, resolution=resolution, timestamp=timestamp.format("x.time"), values=values, table=table)
        for resolution, table, values in sources
    ]
    return {"sample_named": " UNION ALL ".join(selects)}
