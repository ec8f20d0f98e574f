# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.schema import Compiler
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.validate import SCHEMA_FILE

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
CHECK = Compiler(SCHEMA).compile(SCHEMA)


def test_the_schema_is_a_valid_json_schema(verifier):
    verifier.VALIDATOR.check_schema(SCHEMA)


@given(data=st.data())
@settings(deadline=None, max_examples=150)
def test_it_judges_as_jsonschema_does(samples, verifier, data):
    document = build_plan(**data.draw(samples.plan_inputs()))
    for _change in range(data.draw(st.integers(0, 2))):
        document = samples.changed(document, data.draw(st.sampled_from(samples.places(document))), data.draw)
    assert (CHECK(document) is None) == verifier.VALIDATOR.is_valid(document)


@pytest.mark.parametrize("value", [None, [], "x", 1, 1.5, True])
def test_a_plan_is_a_map(value):
    assert str(CHECK(value)).startswith("the document: ")


def test_stricter_than_json_schema_where_files_are_edited_by_hand(samples):
    document = build_plan(**samples.inputs(samples.volume()))
    assert str(CHECK({**document, "created_at": 1.0})) == "created_at: 1.0 is not of the type integer"
    assert "does not match" in str(CHECK({**document, "policy_digest": document["policy_digest"] + "\n"}))


def test_a_keyword_that_is_not_implemented_is_never_ignored():
    with pytest.raises(PlanError, match="multipleOf"):
        Compiler({}).compile({"type": "integer", "multipleOf": 2})
