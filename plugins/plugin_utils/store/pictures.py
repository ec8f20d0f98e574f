# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of clusters that belong to plans; bytes in, bytes out."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.store.connection import Session
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable


class PictureRow(t.NamedTuple):
    """One cluster of a plan, the inventory host through which it is changed, and its picture."""

    cluster: str
    host: str
    picture: bytes


class Pictures(Session):
    """Reading and writing of the pictures of plans. They end with their plan, and earlier where nobody looks at it any more."""

    def save_pictures(self, plan_id: str, rows: Iterable[PictureRow]) -> None:
        """Store pictures of a plan; one of the same cluster is replaced.

        :raises StoreError: when the plan is not in the store.
        """
        names = ("plan_id", *PictureRow._fields)
        values = [dict(zip(names, (plan_id, *row), strict=True)) for row in rows]
        if not values:
            return
        with self.transaction() as connection:
            connection.execute(self.upsert(tables().plan_picture, ("plan_id", "cluster"), names), values)

    def load_pictures(self, plan_id: str) -> dict[str, PictureRow]:
        """Return the pictures of a plan by the name of the cluster."""
        table = tables().plan_picture
        query = sa.select(*(table.c[name] for name in PictureRow._fields)).where(table.c.plan_id == plan_id).order_by(table.c.cluster)
        with self.reading() as connection:
            return {row.cluster: PictureRow(*row) for row in connection.execute(query)}

    def remove_pictures(self, plan_ids: Collection[str]) -> int:
        """Remove the pictures of these plans; return how many there were."""
        if not plan_ids:
            return 0
        table = tables().plan_picture
        with self.transaction() as connection:
            return connection.execute(sa.delete(table).where(self.among(table.c.plan_id, plan_ids))).rowcount
