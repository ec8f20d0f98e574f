# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.verdicts import Progress, action_row, place_plan, refused_row

NO_SPACE = {"entity": "lv:web1/vg0/data", "reason": "no_space", "message": "Cannot grow it."}


def placed(samples, plan, state="proposed", progress=None, **more):
    volume = samples.view(**more)
    place_plan([volume], plan, state, progress)
    return volume.verdict_kind, volume.verdict, volume.reason


def test_without_a_plan(samples):
    assert placed(samples, None) == ("quiet", "no plan yet", "")
    assert placed(samples, None, known=samples.forecast(None, None)) == ("quiet", "nothing to do", "")


def test_a_plan_that_does_not_name_the_volume(samples):
    assert placed(samples, samples.plan())[1] == "the plan has nothing for it"
    assert placed(samples, samples.plan(scope={"hosts": ["db1"]}))[1] == "its host is not in this plan"


def test_planned_refused_proposed(samples):
    assert placed(samples, samples.plan(actions=[samples.action()])) == ("planned", "grows: 12 GiB → 16 GiB", "")
    assert placed(samples, samples.plan(refused=[NO_SPACE])) == ("refused", "refused: no_space", "Cannot grow it.")
    kind, verdict, reason = placed(samples, samples.plan(proposals=[samples.action()]))
    assert (kind, verdict) == ("proposed", "not managed; it would take 12 GiB → 16 GiB")
    assert "volumes_manage" in reason


def test_a_growth_that_is_only_a_part_says_what_it_lacks(samples):
    answer = placed(samples, samples.plan(actions=[samples.action()], refused=[NO_SPACE]))
    assert answer == ("partial", "grows in part: 12 GiB → 16 GiB", "Cannot grow it.")


def test_a_volume_that_makes_room_for_others(samples):
    less = samples.action(after=10, message="Makes room for lv:web1/vg0/db.")
    assert placed(samples, samples.plan(actions=[less])) == ("planned", "makes room: 12 GiB → 10 GiB", "")
    applied = placed(samples, samples.plan(actions=[less]), "applied", {"id-data": Progress("applied", "")})
    assert applied[:2] == ("done", "shrunk: 12 GiB → 10 GiB")
    proposed = placed(samples, samples.plan(proposals=[less]))
    assert proposed == ("proposed", "could make room: 12 GiB → 10 GiB", "Makes room for lv:web1/vg0/db.")


def test_recorded_hosts_and_plans_that_are_never_applied(samples):
    one = samples.plan(actions=[samples.action()])
    kind, verdict, reason = placed(samples, one, recorded={"shifted_by": 5})
    assert (kind, verdict) == ("untouched", "planned, never applied: 12 GiB → 16 GiB")
    assert "recorded_host" in reason
    assert placed(samples, one, progress={"id-data": Progress("refused", "it is recorded")}, recorded={"shifted_by": 5})[0] == "untouched"
    assert placed(samples, one, "expired") == ("quiet", "not done: 12 GiB → 16 GiB", "its plan is expired; it is never applied.")
    assert "check mode" in placed(samples, {**one, "check": True})[2]


@pytest.mark.parametrize(
    ("state", "kind", "word"),
    [
        ("applied", "done", "grown"),
        ("failed", "failed", "failed"),
        ("refused", "refused", "refused when applied"),
        ("unknown", "failed", "cut off, outcome unknown"),
        ("pending", "planned", "grows"),
    ],
)
def test_progress_of_an_action(samples, state, kind, word):
    answer = placed(samples, samples.plan(actions=[samples.action()]), "partly_applied", {"id-data": Progress(state, "")})
    assert answer[:2] == (kind, f"{word}: 12 GiB → 16 GiB")


def test_rows_of_the_tables(samples):
    assert action_row(samples.action(), Progress("refused", "why")) == {
        "target": "web1/vg0/data", "change": "12 GiB → 16 GiB", "reason": "It will be full.", "state": "refused", "message": "why",
    }  # fmt: skip
    assert action_row(samples.action(), None, "not applied")["state"] == "not applied"
    assert action_row({"kind": "guest_migrate", "from": {"node": "pve1"}, "to": {"node": "pve2"}})["change"] == "pve1 → pve2"
    extend = {"kind": "vg_extend", "target": "vg:web1/vg0", "vg": "vg0", "bytes": 2**31, "reason": "no_space"}
    assert action_row(extend)["change"] == "add 2 GiB to the VG"
    assert refused_row({"entity": "lv:a/b/c", "reason": "excluded", "seen": 1, "needed": 2, "option": "x"}) == {
        "target": "a/b/c", "code": "excluded", "reason": "excluded; seen: 1; needed: 2; option: x",
    }  # fmt: skip
