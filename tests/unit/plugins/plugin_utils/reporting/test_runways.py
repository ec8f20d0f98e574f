# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates of volume groups, thin pools and snapshots, and their tables."""

from __future__ import annotations

import re

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.html import render_html
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.runways import group_dates, pool_dates, snapshot_dates

GIB, DAY = 2**30, 86400
NOW = 1_763_700_000
NONE = dict.fromkeys(("0.1", "0.5", "0.9"))
NASTY = "</td><script>boom()</script>"


def runway(early=None, likely=None, late=None, horizon=30 * DAY, **more):
    return {"seconds": {"0.1": early, "0.5": likely, "0.9": late}, "horizon_seconds": horizon, **more}


def known(vg="vg0", group=None, pools=(), snapshots=(), issued_at=NOW):
    extents = {"extents": {"0.1": 10, "0.5": 512, "0.9": 900}, "spendable_extents": 256, "volumes": 3, "left_out": []}
    told = {**runway(), **extents, **(group or {})}
    return {
        "issued_at": issued_at,
        "group": {"entity": f"vg:web1/{vg}", "extent_bytes": 4 * 2**20, "runway": told},
        "pools": list(pools),
        "snapshots": list(snapshots),
    }


def pool(name="pool", used=30, size=40, virtual=160, dates=None, **more):
    return {
        "entity": f"lv:web1/vg0/{name}", "data": {"used_bytes": used * GIB, "size_bytes": size * GIB},
        "metadata": {"used_bytes": 2**22, "size_bytes": 2**26}, "overprovisioning": {"virtual_bytes": virtual * GIB, "ratio": virtual / size},
        "runway": {**(dates or runway()), "by": "data" if dates else None}, "fastest": {"entity": "lv:web1/vg0/mail", "bytes_per_day": 1.0},
        "in_charge": "nobody", "autoextend": None, **more,
    }  # fmt: skip


def snapshot(name="snap", used=2, dates=None, **more):
    return {
        "entity": f"lv:web1/vg0/{name}", "origin": "data", "used_bytes": used * GIB, "size_bytes": 4 * GIB, "overflowed": False, "can_fill": True,
        "runway": dates or runway(), "in_charge": "nobody", "autoextend": None, **more,
    }  # fmt: skip


def test_groups_that_run_out_first_come_first():
    found = group_dates([known("calm"), known("late", runway(20 * DAY, 25 * DAY)), known("soon", runway(2 * DAY, 3 * DAY, 9 * DAY))], NOW)
    assert [group.name for group in found] == ["web1/soon", "web1/late", "web1/calm"]
    soon = found[0]
    assert (soon.dates.early, soon.dates.likely, soon.dates.late) == (NOW + 2 * DAY, NOW + 3 * DAY, NOW + 9 * DAY)
    assert (soon.spendable, soon.needed, soon.note) == (GIB, 2 * GIB, "3 volumes looked at")
    assert found[2].dates.none == "not within 4w 2d"


def test_what_is_not_known_is_told():
    (group,) = group_dates([known(group={**runway(horizon=None), "extents": NONE, "volumes": 0, "left_out": ["lv:web1/vg0/raw"]})], NOW)
    assert (group.needed, group.dates.none) == (None, "its history is too short")
    assert group.note == "0 volumes looked at; taken as they are, for want of a history: raw"


def test_dates_of_a_horizon_that_has_passed_say_nothing():
    (group,) = group_dates([known(group=runway(DAY, 2 * DAY, horizon=3 * DAY), issued_at=NOW - 4 * DAY)], NOW)
    assert (group.dates.early, group.dates.none) == (None, "looked for too long ago; plan again")


@pytest.mark.parametrize(
    ("given", "at_risk"),
    [
        (pool(), False),
        (pool(dates=runway(3600, 7200)), True),
        (pool(used=38), True),
        (pool(used=38, virtual=30), False),  # its volumes cannot fill it
        (pool(metadata={"used_bytes": 61, "size_bytes": 64}), True),
    ],
)
def test_pools_at_risk(given, at_risk):
    assert pool_dates([known(pools=[given])], NOW)[0].at_risk is at_risk


@pytest.mark.parametrize(
    ("given", "at_risk"),
    [
        (snapshot(), False),
        (snapshot(overflowed=True), True),
        (snapshot(used=3.8), True),
        (snapshot(used=3.8, can_fill=False), False),
        (snapshot(dates=runway(60)), True),
    ],
)
def test_snapshots_at_risk(given, at_risk):
    assert snapshot_dates([known(snapshots=[given])], NOW)[0].at_risk is at_risk


def test_who_extends_is_told_in_words():
    told = {"monitored": True, "threshold": 0.8, "step": 0.2}
    charges = [
        {"in_charge": "foresight"},
        {"in_charge": "dmeventd", "autoextend": told},
        {"in_charge": "dmeventd", "autoextend": {"threshold": None}},
        {},
    ]
    found = pool_dates([known(pools=[pool(f"p{place}", **charge) for place, charge in enumerate(charges)])], NOW)
    assert [one.charge for one in sorted(found, key=lambda one: one.name)] == [
        "foresight.capacity",
        "dmeventd, by 20% at 80%",
        "dmeventd",
        "nobody",
    ]


def page(samples, *groups):
    dates = {"group_dates": group_dates(groups, NOW), "pool_dates": pool_dates(groups, NOW), "snapshot_dates": snapshot_dates(groups, NOW)}
    return render_html(samples.content([samples.view()], **dates), charts=0).partition("<script>")[0]


def test_the_tables_show_dates_sizes_and_who_is_in_charge(samples):
    text = page(
        samples,
        known(
            group=runway(2 * DAY, 3 * DAY, 9 * DAY),
            pools=[pool(dates=runway(3600, 7200))],
            snapshots=[snapshot(dates=runway(7200)), snapshot("gone", overflowed=True), snapshot("whole", can_fill=False)],
        ),
    )
    shown = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))
    for part in (
        "When volume groups run out", "web1/vg0 3 volumes looked at 1 GiB 2 GiB likely within 4w 2d 2025-11-23 04:40 UTC",
        "earliest in 2d, likely 2025-11-24 04:40 UTC, at the latest 2025-11-30 04:40 UTC",
        "web1/vg0/pool 75% 30 GiB of 40 GiB 6% 4 MiB of 64 MiB 160 GiB 4.0 times its size 2025-11-21 05:40 UTC",
        "its data first; mail grows fastest nobody", "web1/vg0/gone of data 50% 2 GiB of 4 GiB has overflowed", "as large as its origin: it cannot overflow",
    ):  # fmt: skip
        assert part in shown


def test_without_pools_snapshots_and_groups_there_are_no_tables(samples):
    text = page(samples)
    assert not any(heading in text for heading in ("When volume groups run out", "Thin pools", "Snapshots"))
    alone = page(samples, known())
    assert "When volume groups run out" in alone
    assert "Thin pools" not in alone


def test_names_from_outside_stay_text(samples):
    text = page(samples, known(NASTY, pools=[pool(NASTY, fastest={"entity": NASTY})], snapshots=[snapshot(NASTY, origin=NASTY)]))
    assert "<script>boom" not in text
    assert "&lt;script&gt;boom" in text
