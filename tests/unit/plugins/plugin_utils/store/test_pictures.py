# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import StoreError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import PictureRow
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.schema import tables
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import sa

DAY = 86400
EVERY_BYTE = bytes(range(256))


def keep(store, plan_id, *pictures, made=100):
    store.save_plan({"id": plan_id, "created_at": made, "expires_at": made + 3600, "check": False})
    store.save_pictures(plan_id, pictures)


def test_pictures_come_back_byte_by_byte_and_the_newest_counts(store):
    keep(store, "one", PictureRow("prod", "prod-api", b"old"), PictureRow("lab", "lab-api", b""))
    store.save_pictures("one", [PictureRow("prod", "other-api", EVERY_BYTE)])
    assert store.load_pictures("one") == {"prod": PictureRow("prod", "other-api", EVERY_BYTE), "lab": PictureRow("lab", "lab-api", b"")}
    assert store.load_pictures("two") == {}


def test_a_picture_of_no_plan_is_refused(store):
    with pytest.raises(StoreError, match="refers to something that is not in the store"):
        store.save_pictures("nobody", [PictureRow("prod", "prod-api", b"x")])


def test_pictures_go_when_asked_and_with_their_plan(store):
    for plan_id in ("one", "two", "three"):
        keep(store, plan_id, PictureRow("prod", "prod-api", b"x"), PictureRow("lab", "lab-api", b"x"))
    assert (store.remove_pictures([]), store.remove_pictures(["one", "nobody"])) == (0, 2)
    with store.transaction() as connection:
        connection.execute(sa.delete(tables().plan).where(tables().plan.c.id == "two"))
    assert [len(store.load_pictures(plan_id)) for plan_id in ("one", "two", "three")] == [0, 0, 2]
    assert store.load_plan("one") is not None


def test_pictures_are_kept_as_long_as_forecasts(store):
    for plan_id, made in (("old", 0), ("edge", DAY), ("new", 2 * DAY)):
        keep(store, plan_id, PictureRow("prod", "prod-api", b"x"), made=made)
    ages = {"raw_seconds": 9 * DAY, "hourly_seconds": 9 * DAY}
    assert store.apply_retention(3 * DAY, **ages)["pictures"] == 0, "for ever"
    assert store.apply_retention(3 * DAY, **ages, forecast_seconds=2 * DAY)["pictures"] == 1
    assert [len(store.load_pictures(plan_id)) for plan_id in ("old", "edge", "new")] == [0, 1, 1]
    assert store.load_plan("old") is not None
