# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documents to allocate with, and the verifier that shares no code with the allocator."""

from __future__ import annotations

import pytest

from support.allocations import GIB, MIB, NOW
from unit.verifiers import allocation


@pytest.fixture(scope="session")
def violations():
    """Return the verifier's function."""
    return allocation.violations


@pytest.fixture(scope="session")
def volume():
    """Return a maker of volume documents: 8 GiB of ext4, 6 GiB used, managed, 8 GiB of demand."""

    def make(name="data", host="web1", vg="vg0", **fields):
        document = {
            "entity": f"lv:{host}/{vg}/{name}",
            "host": host,
            "vg": vg,
            "lv": name,
            "uuid": f"uuid-{host}-{vg}-{name}",
            "size_bytes": 8 * GIB,
            "fs": {"type": "ext4", "size": 8 * GIB - 160 * MIB, "used": 6 * GIB, "avail": 8 * GIB - 160 * MIB - 6 * GIB - 400 * MIB},
            "managed": True,
            "mounted": True,
            "demand_bytes": 8 * GIB,
            "demand_status": "ok",
            "history_mean_bytes": 5 * GIB,
            "observed_at": NOW - 60,
            "forecast": {"quantile": 0.9, "value": 8 * GIB, "method": "theta"},
        }
        return {**document, **fields}

    return make


@pytest.fixture(scope="session")
def group():
    """Return a maker of VG documents: 4 MiB extents, 10,000 free, 500 kept."""

    def make(host="web1", vg="vg0", **fields):
        document = {
            "entity": f"vg:{host}/{vg}",
            "host": host,
            "vg": vg,
            "uuid": f"uuid-{host}-{vg}",
            "extent_bytes": 4 * MIB,
            "extents_free": 10_000,
            "reserve_extents": 500,
        }
        return {**document, **fields}

    return make


@pytest.fixture(scope="session")
def spare(volume):
    """Return a maker of volumes that could give: 40 GiB of btrfs, 8 GiB used and never more than 10 within two weeks, everything allowed."""

    def make(name="spare", **fields):
        document = {
            "size_bytes": 40 * GIB,
            "fs": {"type": "btrfs", "size": 40 * GIB, "used": 8 * GIB, "avail": 32 * GIB},
            "demand_bytes": 8 * GIB,
            "history_mean_bytes": 8 * GIB,
            "allow_shrink": True,
            "past_peak_bytes": 10 * GIB,
            "past_seconds": 14 * 86400,
        }
        return volume(name, **{**document, **fields})

    return make
