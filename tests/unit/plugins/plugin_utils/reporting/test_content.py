# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress, place_plan


def test_the_headline_counts_who_is_helped_and_who_is_not(samples):
    volumes = [samples.view("data"), samples.view("done"), samples.view("left"), samples.view("calm", known=samples.forecast(None, None))]
    plan = samples.plan(actions=[samples.action("data"), samples.action("done")])
    place_plan(volumes, plan, "partly_applied", {"id-done": Progress("applied", "")})
    content = samples.content(volumes)
    assert (
        content.headline
        == "3 volumes are nearly full or may be full within 6h; 1 of them the plan grows; 1 of them was grown; 1 needs you."
    )
    assert [volume.name.rpartition("/")[2] for volume in content.shown_first] == ["data", "done", "left"]
    assert [volume.name.rpartition("/")[2] for volume in content.quiet] == ["calm"]


def test_recorded_hosts_are_told_apart(samples):
    volume = samples.view(recorded={"shifted_by": 5})
    place_plan([volume], samples.plan(actions=[samples.action()]), "proposed")
    told = "1 volume is nearly full or may be full within 6h; all on recorded hosts, which are never changed."
    assert samples.content([volume]).headline == told
    told = "2 volumes are nearly full or may be full within 6h; 1 is on recorded hosts, which are never changed; 1 needs you."
    assert samples.content([volume, samples.view("live")]).headline == told


def test_headlines_of_quiet_days(samples):
    assert samples.content().headline == "No logical volume and no cluster was observed on these hosts yet."
    assert samples.content([samples.view(known={}, used=1)]).headline == "No volume has a forecast yet."
    calm = samples.view(known=samples.forecast(None, None), used=1)
    assert samples.content([calm]).headline == "The 1 volume with a forecast does not fill up within 6h."
    assert samples.content([calm, calm]).headline == "None of the 2 volumes with a forecast fills up within 6h."
