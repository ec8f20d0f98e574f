# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/store.md from the schema: ``.venv/bin/python tests/support/store_diagram.py`` (a test compares the two)."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import VERSION, tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "store.md"

INTRODUCTION = """\
# The store

<!-- generated from plugins/plugin_utils/store/schema.py by tests/support/store_diagram.py -->

One SQL schema (version {version}) on SQLite or PostgreSQL. Times are UTC seconds, sizes bytes, fractions 0 to 1.

- **Where**: `foresight/store.db` in the XDG data directory, another path or URL by `foresight_store`, the option `store` or the environment
  variable `FORESIGHT_STORE`: `/var/lib/foresight/store.db`, `sqlite:////var/lib/foresight/store.db`, `postgresql://foresight@db.example.com/foresight`.
  A URL with a password in it is refused; `FORESIGHT_STORE_PASSWORD` or `PGPASSFILE` carry it. A file system that ends with its container, tmpfs and
  network file systems are warned of.
- **SQLite** runs in WAL mode with `synchronous=FULL` and foreign keys on. What was committed survives a kill and a power cut; a transaction cut off
  in the middle never happened. Writers wait for one another (60 s), readers for nobody. Keep the file on a local disk.
- **PostgreSQL** (tested with 15) for several controllers, or for Grafana: `createdb foresight`, and a user who owns it. The first use creates the
  tables. Writers take turns by an advisory lock.
- **Grafana and psql** read plain rows; the view `sample_named` joins names to the samples, with `timestamp` beside `time`, raw and rolled up alike
  (`resolution`): `SELECT timestamp, entity, value FROM sample_named WHERE metric = 'used_bytes' AND host = 'web1' ORDER BY time`.
- **Retention**: samples become hours, hours become days (count, minimum, mean, maximum and last are kept); a row of a coarser table replaces its finer ones
  in one transaction. Flagged samples are never rolled up. Samples written later for an hour or day that was rolled up are left out.
  Forecasts and trained models end when they are old (`observe_keep_forecasts`, `observe_keep_models`), models also with the volume they are of.
  Plans stay; the pictures of their clusters end with the forecasts, and at once when a newer plan replaces a proposal.
- **Upgrades** happen in place by Alembic when a newer collection opens the store, in one transaction and once however many processes start at the same
  moment. SQLite's file is first copied beside itself as `store.db.vVERSION.TIME.bak`; for PostgreSQL make a backup before you install a new
  collection: `pg_dump -Fc -f foresight.dump foresight`. A store newer than the collection is refused and left alone.
- **To move or back up** an SQLite store while it is in use: `sqlite3 store.db ".backup copy.db"`.
"""


def page() -> str:
    """Return the text of docs/store.md."""
    ordered = list(tables().metadata.tables.values())
    parts = [INTRODUCTION.format(version=VERSION), "## Diagram\n", _diagram(ordered), "## Tables\n", *map(_table, ordered)]
    return "\n".join(parts)


def _diagram(ordered: list[sa.Table]) -> str:
    lines = ["```mermaid", "erDiagram"]
    for table in ordered:
        for column in table.columns:
            target = _refers_to(column)
            if target is not None:
                lines.append(f'  {target[0]} ||--o{{ {table.name} : "{column.name}"')
    for table in ordered:
        lines.append(f"  {table.name} {{")
        for column in table.columns:
            marks = ["PK"] if column.primary_key else []
            marks += ["FK"] if _refers_to(column) else []
            lines.append(f"    {_type(column)} {column.name} {','.join(marks)}".rstrip())
        lines.append("  }")
    return "\n".join([*lines, "```", ""])


def _table(table: sa.Table) -> str:
    lines = [f"### {table.name}", "", f"{table.comment}.", "", "| column | type | null | meaning |", "|---|---|---|---|"]
    for column in table.columns:
        target = _refers_to(column)
        meaning = [f"→ {target[0]}.{target[1]}"] if target else []
        meaning += [column.comment] if column.comment else []
        mark = f"**{column.name}**" if column.primary_key else column.name
        lines.append(f"| {mark} | {_type(column)} | {'yes' if column.nullable else ''} | {'; '.join(meaning)} |")
    return "\n".join([*lines, ""])


def _refers_to(column: sa.Column[t.Any]) -> tuple[str, str] | None:
    for key in column.foreign_keys:
        return key.column.table.name, key.column.name
    declared = column.info.get("refers_to")
    return tuple(declared.split(".")) if declared else None


def _type(column: sa.Column[t.Any]) -> str:
    return str(column.type.__visit_name__).lower()


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
