# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import build_plan, load_yaml, render_yaml, validate_plan

NASTY = [
    "yes", "No", "on", "null", "~", "", "0x1f", "1e3", "1_000", "12:30:00", "2026-11-21", "- x", "# x", "a: b", "a #b", "'", '"', "\\", "\\n",
    "{a}", "[b]", "&a", "*a", "!tag", "%x", "@x", "`x", "|", ">", "?", "=", "<<", " lead", "trail ", "a\nb", "a\r\nb", "\t", "\x00", "\x7f",
    "\x85", "\u2028", "\u2029", "\ufeff", "\ufffe", "😀", "ä", "---", "...", "lv:web1/vg0/data", "inf", ".nan", "a:",
]  # fmt: skip


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_it_loads_back_to_the_very_same_document(samples, data):
    document = build_plan(
        **data.draw(
            samples.plan_inputs(names=st.one_of(samples.words, st.sampled_from(NASTY).filter(lambda name: name and "/" not in name)))
        )
    )
    text = render_yaml(document)
    loaded = load_yaml(text, source="plan.yml")
    assert loaded == document
    assert list(loaded) == list(document)
    assert yaml.load(text, Loader=yaml.SafeLoader) == document


@pytest.mark.parametrize("text", NASTY)
def test_nasty_texts_as_values_and_keys_and_in_comments(samples, text):
    document = build_plan(
        **samples.inputs(
            samples.volume(message=text),
            before={text or "k": {text or "k": [text, {"x": text}]}},
            proposals=[{"kind": "vg_extend", "message": text}],
        )
    )
    rendered = render_yaml(document)
    assert load_yaml(rendered, source="plan.yml") == document
    comments = [line for line in rendered.split("\n") if line.lstrip().startswith("#")]
    assert len(comments) == 10  # no text can open a line of its own


@pytest.mark.parametrize("number", [0, -0.0, 1e22, 1e-7, 1.5, 10**30, -3, 0.1, 5e-324, 1e16])
def test_numbers_keep_value_and_type(samples, number):
    document = build_plan(**samples.inputs(samples.volume(), after={"x": number}))
    back = load_yaml(render_yaml(document), source="plan.yml")["after"]["x"]
    assert (back, type(back)) == (number, type(number))
    validate_plan(load_yaml(render_yaml(document), source="plan.yml"))


def test_a_reviewer_can_read_it(samples):
    action = samples.volume(
        reason="floor",
        message="4 % free",
        forecast={"quantile": 0.9, "value": 11.5 * samples.GIB, "method": "theta", "runway_seconds": 7200},
    )
    document = build_plan(
        **samples.inputs(
            action,
            samples.volume(name="grown", to=10 * samples.GIB, reason="finish"),
            refused=[{"entity": "lv:web1/vg0/x", "reason": "no_space", "message": "Cannot grow lv:web1/vg0/x."}],
            proposals=[{"kind": "vg_extend", "target": "vg:web1/vg0", "bytes": 5 * samples.GIB, "reason": "no_space"}],
        )
    )
    lines = [line.strip() for line in render_yaml(document).splitlines() if line.lstrip().startswith("#")]
    assert (
        lines[0]
        == f"# Plan {document['id'][:12]}: 2 actions on 1 host, growing 2 GiB; 1 refused, 1 proposal; expires 2025-11-21 05:40:00 UTC"
    )
    assert (
        f"# Apply it: ansible-playbook -i INVENTORY foresight.capacity.apply -e foresight_apply=true -e foresight_plan={document['id']}"
        in lines
    )
    assert "# 1. web1: grow vg0/data 10 GiB → 12 GiB (+2 GiB), floor: 4 % free; forecast 11.5 GiB (q0.9, theta), full in 2h" in lines
    assert "# 2. web1: finish growing vg0/grown to 10 GiB, finish" in lines
    assert "# 1. lv:web1/vg0/x: no_space: Cannot grow lv:web1/vg0/x." in lines
    assert "# 1. vg_extend vg:web1/vg0 +5 GiB, no_space" in lines


def test_a_plan_of_check_mode_says_so(samples):
    assert "never applied" in render_yaml(build_plan(**samples.inputs(samples.volume(), check=True)))


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is no YAML"), ("- 1", "holds list, not a plan"), ("", "holds NoneType"), ("!!python/object:os.system x", "is no YAML")],
)
def test_other_files_are_no_plans(text, message):
    with pytest.raises(PlanError, match=message):
        load_yaml(text, source="plan.yml")
