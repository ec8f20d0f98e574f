# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.approve import approve


def state(store, plan):
    with open_store(store) as opened:
        row = opened.load_plan(plan)
    return row.state, row.approved_by, row.approved_at


def test_who_and_when_are_kept(store, gates):
    plan = gates.make(store)["plan"]["id"]
    result = approve(store=store, now=gates.NOW + 5, plan=plan, approved_by="alice")
    assert state(store, plan) == ("approved", "alice", gates.NOW + 5)
    assert result["written"] == {"approvals": 1}
    assert result["summary"][-1] == f"Plan {plan[:12]} is approved by alice since 2025-11-21 04:40:05 UTC, until 2025-11-21 05:40:00 UTC."


def test_approving_again_changes_nothing(store, gates):
    plan = gates.make(store)["plan"]["id"]
    approve(store=store, now=gates.NOW + 5, plan=plan, approved_by="alice")
    result = approve(store=store, now=gates.NOW + 9, plan=plan, approved_by="bob")
    assert (result["approved_by"], result["written"]) == ("alice", {"approvals": 0})
    assert state(store, plan) == ("approved", "alice", gates.NOW + 5)


def test_check_mode_notes_nothing(store, gates):
    plan = gates.make(store)["plan"]["id"]
    result = approve(store=store, now=gates.NOW + 5, plan=plan, approved_by="alice", check=True)
    assert result["summary"][-1].startswith("Check mode: not noted.")
    assert state(store, plan) == ("proposed", None, None)


def test_what_cannot_be_approved(store, gates):
    old = gates.make(store)["plan"]["id"]
    checked = gates.make(store, check=True)["plan"]["id"]
    gates.make(store, gates.volume(), gates.volume("web2", to=13 * gates.GIB))
    for plan, now, message in ((old, 5, "is superseded"), (old, 3600, "expired at"), (checked, 5, "check mode")):
        with pytest.raises(PlanError, match=message):
            approve(store=store, now=gates.NOW + now, plan=plan, approved_by="alice")
    with pytest.raises(PlanError, match=r"O\(approved_by\)"):
        approve(store=store, now=gates.NOW, plan=old, approved_by=" ")
