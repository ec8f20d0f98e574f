# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store: an SQL database with series, forecasts, models, plans, outcomes, runs and leases. Rows in, arrays out."""

from __future__ import annotations

import os
import pathlib

from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import failures, filesystem, upgrade
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.documents import Documents
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.entities import Entities, Entity, EntityRow, SeriesInfo
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.history import History, OutcomeRow, RunRow
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.leases import Holder, Lease, LeaseHeld, LeaseLost, Leases
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.location import Location, resolve
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.newest import SampleEnds
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.pictures import PictureRow, Pictures
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.plans import ActionRow, PlanRow, Plans
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.reading import SampleReading
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.retention import Retention
from ansible_collections.foresight.capacity.plugins.plugin_utils.store.writing import Flag, SampleWriting

__all__ = [
    "ActionRow",
    "Entity",
    "EntityRow",
    "Flag",
    "Holder",
    "Lease",
    "LeaseHeld",
    "LeaseLost",
    "OutcomeRow",
    "PictureRow",
    "PlanRow",
    "RunRow",
    "SeriesInfo",
    "Store",
    "open_store",
]


class Store(Entities, SampleWriting, SampleReading, SampleEnds, Retention, Documents, Plans, Pictures, History, Leases):
    """An open store. Use it as a context manager; several threads may share it, processes open their own.

    ``warnings`` are sentences for the user, such as a store on a file system that ends with its container.
    """

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self.warnings: list[str] = []

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def open_store(location: str | None = None, *, create: bool = True) -> Store:
    """Open the store, create it where there is none, upgrade an older one (with a backup beside it).

    :param location: a path, sqlite:///… or postgresql://… without a password; None: FORESIGHT_STORE, else the XDG data directory.
    :param create: False refuses a store that does not exist yet.
    :raises StoreError: for everything that keeps it from working; nothing is changed then.
    """
    place = resolve(location)
    store = Store(place)
    if place.path is not None:
        _make_directory(store, place.path, create)
        store.warnings.extend(filesystem.warnings(place.path))
        for warning in store.warnings:
            logger("store").debug("%s", warning)
    try:
        upgrade.prepare(store, create=create)
    except BaseException:
        store.close()
        raise
    return store


def _make_directory(store: Store, path: str, create: bool) -> None:
    file = pathlib.Path(path)
    with failures.told_of_files(store.location):
        if not create and not file.exists():
            raise upgrade.nothing_recorded(store)
        # others on this machine have no business in it (XDG Base Directory Specification)
        os.makedirs(file.parent, mode=0o700, exist_ok=True)
        if create and not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
