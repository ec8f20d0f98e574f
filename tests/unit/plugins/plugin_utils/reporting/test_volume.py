# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.volume import PARTIAL, runway_text


def test_earliest_and_likely_are_counted_from_the_forecast_and_told_from_now(samples):
    volume = samples.view(now=samples.NOW + 600)
    assert (volume.earliest, volume.likely) == (samples.NOW + 3600, samples.NOW + 7200)
    assert volume.at_risk
    assert runway_text(volume, samples.NOW + 600) == "earliest in 50m, likely in 1h 50m"
    assert runway_text(volume, samples.NOW + 5400) == "earliest 30m ago, likely in 30m"


def test_what_is_not_in_sight_is_no_risk(samples):
    volume = samples.view(known=samples.forecast(None, None))
    assert not volume.at_risk
    assert runway_text(volume, samples.NOW) == "not within 6h"
    assert runway_text(samples.view(known=samples.forecast(3600.0, None)), samples.NOW) == "earliest in 1h, likely not within 6h"


def test_nearly_full_is_a_risk_without_any_forecast(samples):
    volume = samples.view(known={}, used=11.5)
    assert (volume.status, volume.at_risk, runway_text(volume, samples.NOW)) == ("none", True, "unknown")
    assert volume.note == "not forecast yet; it comes with the next plan"


def test_a_forecast_whose_horizon_is_over_says_nothing_anymore(samples):
    volume = samples.view(now=samples.NOW + 21601)
    assert (volume.status, volume.earliest, volume.at_risk) == ("over", None, False)
    assert "looked 6h ahead" in volume.note
    assert samples.view(now=samples.NOW + 21600).status == "ok"


def test_invalid_forecasts_are_no_dates_but_stale_ones_still_warn(samples):
    assert samples.view(known=samples.forecast(status="invalid")).earliest is None
    assert samples.view(known=samples.forecast(status="stale")).earliest == samples.NOW + 3600


def test_the_most_urgent_comes_first_then_the_fullest(samples):
    late, soon = samples.view("late", known=samples.forecast(9000.0, None)), samples.view("soon", known=samples.forecast(60.0, None))
    full, calm = samples.view("full", known={}, used=11), samples.view("calm", known={}, used=2)
    assert sorted([calm, late, full, soon], key=lambda one: one.urgency) == [soon, late, full, calm]


def test_pools_and_snapshots_show_their_fill(samples):
    pool = samples.view("pool", known={}, used=None, role="pool", data_fraction=0.5, metadata_fraction=0.25)
    assert (pool.what, pool.fraction, pool.note) == ("thin pool", 0.5, "not forecast yet; it comes with the next plan")
    snapshot = samples.view("snap", known={}, used=None, role="snapshot", snapshot_fraction=0.95)
    assert (snapshot.what, round(snapshot.fraction, 2), snapshot.at_risk) == ("snapshot", 0.95, True)


def test_why_there_is_no_forecast(samples):
    assert samples.view("raw", known={}, used=None).note == "no file system that tells how full it is"
    gone = {"type": "ext4", "size": 10, "used": None, "mountpoints": [], "reason": "not_mounted"}
    assert samples.view("away", known={}, fs=gone).note == "its use is unknown: not mounted"


def test_a_part_of_the_growth_helps_if_it_lasts_for_the_horizon(samples):
    volume = samples.view()
    volume.verdict_kind, volume.planned_size = PARTIAL, 13 * samples.GIB
    assert volume.holds_after == int(12 * samples.GIB * 0.98) + samples.GIB
    assert volume.needs_somebody, "12.85 GiB are forecast"
    volume.planned_size = 14 * samples.GIB
    assert not volume.needs_somebody
    volume.planned_size, volume.recorded = None, True
    assert not volume.needs_somebody, "nobody can do anything on a recorded host"


def test_a_pool_that_cannot_be_filled_is_not_at_risk(samples):
    pool = samples.view("pool", used=None, role="pool", data_fraction=0.95)
    assert (pool.at_risk, pool.earliest is not None) == (True, True)
    pool.fillable = False
    assert (pool.at_risk, pool.earliest, runway_text(pool, samples.NOW)) == (False, None, "never: what draws on it cannot fill it")


def test_a_mounted_snapshot_is_as_full_as_itself(samples):
    snapshot = samples.view("snap", known={}, used=1, role="snapshot", snapshot_fraction=0.75)
    assert (snapshot.what, snapshot.fraction) == ("snapshot", 0.75)
