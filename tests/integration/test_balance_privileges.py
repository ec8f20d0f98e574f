# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One token with the role of docs/proxmox.md is enough for all that the playbooks do, and each privilege that it lacks is named, or not needed."""

from __future__ import annotations

import pytest

from support.cluster_plays import fails
from support.sandbox_states import SITE_MOVES, SITE_TOKEN, site_role
from tools import demo_cluster

ROLE = site_role()
OBSERVING = {"Datastore.Audit": "/storage", "Pool.Audit": "/pool", "Sys.Audit": "/", "VM.Audit": "/vms"}
RESIZING = {
    "VM.Config.CPU": "/vms/104",
    "VM.Config.Disk": "/vms/101",
    "VM.Config.Memory": "/vms/101",
    "VM.Config.Options": "/vms/101",
    "Datastore.AllocateSpace": "/storage/ceph",
}
TOKEN = SITE_TOKEN["api_token_id"]


@pytest.fixture
def without(plays):
    """Take privileges of the role away."""

    def take(*names):
        with plays.sandbox.world.lock:
            plays.sandbox.world.access.roles["ForesightSite"] = frozenset(ROLE) - set(names)

    return take


def test_these_are_all():
    assert sorted(ROLE) == sorted([*OBSERVING, *RESIZING, "VM.Migrate"]) == sorted(demo_cluster.ROLE)


@pytest.mark.parametrize("privilege", OBSERVING)
def test_without_the_right_to_see_all_nothing_is_planned(plays, without, privilege):
    without(privilege)
    fails(plays.run("site", foresight_apply=True), f"{TOKEN} lacks {privilege} on {OBSERVING[privilege]}")
    assert (plays.made_a_plan(), plays.begun()) == (False, {})


def test_without_the_right_to_move_nothing_is_moved(plays, plan, without):
    without("VM.Migrate")
    fails(plays.apply(plan), f"{TOKEN} lacks VM.Migrate on /vms/102, VM.Migrate on /vms/203, VM.Migrate on /vms/202")
    assert plays.begun() == {}
    assert plays.statuses() == dict.fromkeys(SITE_MOVES, "failed")


@pytest.mark.parametrize("privilege", RESIZING)
def test_without_a_right_to_resize_the_others_are_resized(plays, resizes, without, privilege):
    without(privilege)
    fails(plays.apply(resizes), f"{TOKEN} lacks {privilege} on {RESIZING[privilege]}")
    lacking = {guest for guest, (_status, message) in plays.told().items() if f"lacks {privilege}" in message}
    assert {guest for guest, status in plays.statuses().items() if status == "failed"} == lacking
    assert {guest for guest, status in plays.statuses().items() if status == "changed"} == set(plays.statuses()) - lacking


def test_balancing_needs_no_right_to_resize(plays, without):
    without(*RESIZING)
    assert plays.site().changed == 1
    assert {guest: plays.places()[guest][0] for guest in SITE_MOVES} == SITE_MOVES


def test_the_role_is_enough_for_all_of_it(plays, resizes):
    """Guests are resized, then moved from where they are; nothing is left to do."""
    assert plays.apply_well(resizes).changed == 1
    assert plays.site().changed == 1
    assert plays.site().changed == 0
