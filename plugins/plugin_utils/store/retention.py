# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retention: old samples become hours, old hours become days."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

HOUR = 3600
DAY = 86400


class Retention(Session):
    """Roll-up and removal of what is older than the user wants to keep."""

    def apply_retention(
        self,
        now: int,
        *,
        raw_seconds: int,
        hourly_seconds: int,
        daily_seconds: int | None = None,
        forecast_seconds: int | None = None,
        model_seconds: int | None = None,
    ) -> dict[str, int]:
        """Roll samples older than raw_seconds up into hours, hours older than hourly_seconds into days, and return the rows of each step.

        Whole hours and days only. Each day of samples is rolled up and removed in one transaction: either both happened or
        neither. Flagged samples are removed without being rolled up. Applying it again changes nothing.

        :param now: UTC seconds.
        :param raw_seconds: age from which samples are kept per hour only.
        :param hourly_seconds: age from which hours are kept per day only; at least raw_seconds.
        :param daily_seconds: age from which days are dropped; None keeps them for ever. At least hourly_seconds.
        :param forecast_seconds: age from which forecasts, and the pictures of plans, are dropped; None keeps them for ever.
        :param model_seconds: age from which trained models are dropped; None keeps them for ever. Those whose meta name a series that is
            gone, or that belongs to an entity which is current no more, are dropped whatever their age.
        :returns: hours, days: rows made; samples, hours_removed, days_removed, forecasts, pictures, models: rows removed.
        :raises StoreError: when the ages do not grow from raw to daily.
        """
        ages = [age for age in (raw_seconds, hourly_seconds, daily_seconds) if age is not None]
        if min(ages) < 0 or ages != sorted(ages):
            raise StoreError(
                f"Cannot keep samples {raw_seconds} s, hours {hourly_seconds} s and days {daily_seconds} s; needed are ages that grow in this order."
            )
        done = {"hours": 0, "days": 0, "samples": 0, "hours_removed": 0, "days_removed": 0, "forecasts": 0, "pictures": 0, "models": 0}
        raw_before = (now - raw_seconds) // HOUR * HOUR
        for begin, end in self._days(tables().sample, raw_before):
            with self.transaction() as connection:
                made, removed = _fold(connection, self.dialect, _HOURS, begin, end)
                _keep_from(connection, self, "raw", end)
            done["hours"] += made
            done["samples"] += removed
        hours_before = min((now - hourly_seconds) // DAY * DAY, raw_before // DAY * DAY)
        for begin, end in self._days(tables().sample_hour, hours_before):
            with self.transaction() as connection:
                made, removed = _fold(connection, self.dialect, _DAYS, begin, end)
                _keep_from(connection, self, "hour", end)
            done["days"] += made
            done["hours_removed"] += removed
        with self.transaction() as connection:
            if daily_seconds is not None:
                days_before = min((now - daily_seconds) // DAY * DAY, hours_before)
                done["days_removed"] = connection.execute(
                    sa.delete(tables().sample_day).where(tables().sample_day.c.time < days_before)
                ).rowcount
                _keep_from(connection, self, "day", days_before)
            if forecast_seconds is not None:
                forecast = tables().forecast
                done["forecasts"] = connection.execute(sa.delete(forecast).where(forecast.c.issued_at < now - forecast_seconds)).rowcount
                done["pictures"] = connection.execute(sa.delete(tables().plan_picture).where(_made_before(now - forecast_seconds))).rowcount
            done["models"] = connection.execute(sa.delete(tables().model).where(_outlived(now, model_seconds))).rowcount
        return done

    def _days(self, table: sa.Table, before: int) -> list[tuple[int, int]]:
        """Return the days (begin, end) that hold rows older than before; the last one ends there."""
        day = table.c.time - table.c.time % DAY
        with self.reading() as connection:
            starts = sorted(connection.scalars(sa.select(day).where(table.c.time < before).distinct()))
        return [(start, min(start + DAY, before)) for start in starts]


def _made_before(time: int) -> sa.ColumnElement[bool]:
    """Return the condition that a picture is of a plan which is older; the plan itself stays."""
    plan = tables().plan
    return tables().plan_picture.c.plan_id.in_(sa.select(plan.c.id).where(plan.c.created_at < time))


def _outlived(now: int, seconds: int | None) -> sa.ColumnElement[bool]:
    """Return the condition that a trained model serves nothing any more. Choices name no time and no series: forecasts renew them."""
    model, series, entity = tables().model, tables().series, tables().entity
    current = sa.select(series.c.id).join(entity, entity.c.id == series.c.entity_id).where(entity.c.current.is_(True))
    number = model.c.meta["series_id"].as_integer()
    gone = sa.and_(number.is_not(None), number.not_in(current))
    return gone if seconds is None else sa.or_(gone, model.c.meta["trained_at"].as_integer() < now - seconds)


def _fold(connection: sa.Connection, dialect: str, statements: tuple[str, str], begin: int, end: int) -> tuple[int, int]:
    fold, remove = (sa.text(statement.format(every=_EVERY_SERIES[dialect])) for statement in statements)
    made = connection.execute(fold, {"begin": begin, "end": end}).rowcount
    removed = connection.execute(remove, {"begin": begin, "end": end}).rowcount
    return made, removed


def _keep_from(connection: sa.Connection, session: Session, resolution: str, time: int) -> None:
    table = tables().retention
    known = connection.scalar(sa.select(table.c.kept_from).where(table.c.resolution == resolution))
    if known is None or known < time:
        statement = session.upsert(table, ("resolution",), ("resolution", "kept_from"))
        connection.execute(statement, [{"resolution": resolution, "kept_from": time}])


# Samples lie by series and time: asked for each series, both engines go to its day at once instead of through the whole table.
_EVERY_SERIES = {"sqlite": "IN (SELECT id FROM series)", "postgresql": "= ANY (ARRAY(SELECT id FROM series))"}

_COLUMNS = "(series_id, time, last_time, count, minimum, mean, maximum, last)"

_HOURS = (
    f"""
INSERT INTO sample_hour {_COLUMNS}
SELECT g.series_id, g.start, g.last_time, g.count, g.minimum, g.mean, g.maximum, s.value FROM (
  SELECT series_id, time - time % {HOUR} AS start, max(time) AS last_time, count(*) AS count,
         min(value) AS minimum, avg(value) AS mean, max(value) AS maximum
  FROM sample WHERE series_id {{every}} AND time >= :begin AND time < :end AND flag = 0 AND value IS NOT NULL GROUP BY series_id, time - time % {HOUR}
) AS g JOIN sample s ON s.series_id = g.series_id AND s.time = g.last_time
""",
    "DELETE FROM sample WHERE series_id {every} AND time >= :begin AND time < :end",
)

_DAYS = (
    f"""
INSERT INTO sample_day {_COLUMNS}
SELECT g.series_id, g.start, h.last_time, g.count, g.minimum, g.mean, g.maximum, h.last FROM (
  SELECT series_id, time - time % {DAY} AS start, max(time) AS last_hour, sum(count) AS count,
         min(minimum) AS minimum, sum(mean * count) / sum(count) AS mean, max(maximum) AS maximum
  FROM sample_hour WHERE series_id {{every}} AND time >= :begin AND time < :end GROUP BY series_id, time - time % {DAY}
) AS g JOIN sample_hour h ON h.series_id = g.series_id AND h.time = g.last_hour
""",
    "DELETE FROM sample_hour WHERE series_id {every} AND time >= :begin AND time < :end",
)
