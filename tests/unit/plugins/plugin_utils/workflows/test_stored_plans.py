# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.stored_plans import find_plan


@pytest.fixture
def made(store, gates, tmp_path):
    return gates.make(store, path=str(tmp_path / "plan.yml"))


def found(store, plan):
    with open_store(store) as opened:
        return find_plan(opened, str(plan))


def test_by_id_and_by_file(store, made):
    assert found(store, made["plan"]["id"]).document == found(store, made["plan"]["path"]).document == made["document"]


def test_other_comments_and_layout_are_no_edit(store, made, tmp_path):
    text = (tmp_path / "plan.yml").read_text()
    (tmp_path / "plan.yml").write_text("# reviewed by alice\n" + text.replace("    kind: lv_resize", "    kind:   'lv_resize'  # fine"))
    assert found(store, tmp_path / "plan.yml").id == made["plan"]["id"]


@pytest.mark.parametrize("key", ["created_at", "expires_at"])
def test_edited_dates_are_refused(store, made, tmp_path, key):
    text = (tmp_path / "plan.yml").read_text()
    (tmp_path / "plan.yml").write_text(text.replace(f"{key}: {made['document'][key]}", f"{key}: {made['document'][key] + 50}"))
    with pytest.raises(PlanError, match=f"says {key} .* the file was edited, or the same plan was made again since"):
        found(store, tmp_path / "plan.yml")


def test_an_edited_action_is_refused_with_how_to_do_it_right(store, made, gates, tmp_path):
    text = (tmp_path / "plan.yml").read_text()
    (tmp_path / "plan.yml").write_text(text.replace(f"to: {{size: {12 * gates.GIB}}}", f"to: {{size: {15 * gates.GIB}}}"))
    with pytest.raises(PlanError, match=r"has the id .*; needed is|was changed after it was made"):
        found(store, tmp_path / "plan.yml")


def test_an_edited_reason_is_refused_with_how_to_do_it_right(store, made, tmp_path):
    text = (tmp_path / "plan.yml").read_text()
    (tmp_path / "plan.yml").write_text(text.replace("reason: forecast", "reason: floor"))
    with pytest.raises(PlanError, match=r"plan\.yml was changed after it was made.*change the policy.*plan again.*foresight_exclude"):
        found(store, tmp_path / "plan.yml")


def test_an_edited_id_is_refused(store, made, tmp_path):
    text = (tmp_path / "plan.yml").read_text()
    (tmp_path / "plan.yml").write_text(text.replace(made["plan"]["id"], "f" * 64))
    with pytest.raises(PlanError, match="was changed after it was made"):
        found(store, tmp_path / "plan.yml")


def test_a_plan_of_another_store_is_told(made, gates, tmp_path):
    other = str(tmp_path / "other.db")
    gates.observe(other)
    with pytest.raises(
        PlanError, match=r"does not hold it; needed is the store in which the plan was made \(O\(store\), foresight_store\)"
    ):
        found(other, tmp_path / "plan.yml")
    with pytest.raises(PlanError, match=f"holds no plan {made['plan']['id']}"):
        found(other, made["plan"]["id"])


@pytest.mark.parametrize(
    ("name", "message"), [("none.yml", "No such file or directory. Needed is a plan file, or an id"), ("latest", "No such file")]
)
def test_there_is_no_latest_plan(store, made, tmp_path, name, message):
    with pytest.raises(PlanError, match=message):
        found(store, tmp_path / name)


def test_a_binary_file_is_no_plan(store, tmp_path):
    (tmp_path / "plan.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PlanError, match="it is no UTF-8 text"):
        found(store, tmp_path / "plan.yml")
