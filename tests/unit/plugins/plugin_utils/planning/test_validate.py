# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning import action_id, build_plan, plan_id, validate_plan


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_any_change_of_a_plan_is_found(samples, data):
    document = build_plan(**data.draw(samples.plan_inputs()))
    free = ("created_at", "expires_at")  # not part of the id; the gate takes them from the store
    path = data.draw(st.sampled_from([place for place in samples.places(document) if place[0] not in free]))
    other = samples.changed(document, path, data.draw)
    assume(json.dumps(other, sort_keys=True) != json.dumps(document, sort_keys=True))
    with pytest.raises(PlanError):
        validate_plan(other)


def resigned(document):
    """Return the document with ids that fit its content, as somebody would make them who knows how."""
    for action in document["actions"]:
        action["id"] = action_id(action)
    return {**document, "id": plan_id(document)}


@given(data=st.data())
@settings(deadline=None, max_examples=100)
def test_what_the_verifier_rejects_never_passes_even_with_fitting_ids(samples, verifier, data):
    document = build_plan(**data.draw(samples.plan_inputs()))
    assume(document["actions"])
    path = data.draw(st.sampled_from([place for place in samples.places(document) if place[0] in ("actions", "budgets", "scope")]))
    other = samples.changed(document, path, data.draw)
    try:
        other = resigned(copy.deepcopy(other))
    except (KeyError, TypeError, AttributeError):
        return  # no document that could be signed
    if verifier.problems(other):
        with pytest.raises(PlanError):
            validate_plan(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="foresight.plan/2"), "schema: 'foresight.plan/2' is not 'foresight.plan/1'"),
        (lambda d: d.update(extra=1), "unknown key 'extra'"),
        (lambda d: d.pop("refused"), "the key 'refused' is missing"),
        (lambda d: d["actions"][0].update(command="rm"), "actions[0]: unknown key 'command'"),
        (lambda d: d["actions"][0]["to"].update(size="20G"), "actions[0].to.size: '20G' is not of the type integer"),
        (lambda d: d["actions"][0]["to"].update(size=0), "actions[0].to.size: 0 is less than 1"),
        (lambda d: d["actions"][0].update(target="lv:web1/data"), "does not match"),
        (lambda d: d.update(expires_at=d["created_at"]), "not after it was made"),
        (lambda d: d["scope"].update(hosts=["web2"]), "is not in the plan's scope"),
        (lambda d: d["actions"][0].update(host="web2"), "a volume is changed on its own host"),
        (lambda d: d["actions"].append(dict(d["actions"][0])), "is there twice"),
        (lambda d: d["actions"].append({**d["actions"][0], "to": {"size": 1}}), "the second one for this target"),
        (lambda d: d["actions"][0].update(after=["0123456789abcdef"]), "which is no earlier action"),
        (lambda d: d["actions"][0].update(window={"not_before": 9, "not_after": 9}), "a window that ends (9) before it begins (9)"),
        (lambda d: d["budgets"].update(actions=0), "exceeds its own budget"),
        (lambda d: d["before"].update(api_password="x"), "holds the key 'api_password'"),
        (lambda d: d["actions"][0].update(message="see https://root:geheim@pve/"), "holds a URL with a password"),
    ],
)
def test_each_rule_of_a_plan(samples, change, message):
    document = build_plan(**samples.inputs(samples.volume()))
    change(document)
    with pytest.raises(PlanError) as caught:
        validate_plan(resigned(document))
    assert message in str(caught.value)


def test_no_action_stands_before_one_it_comes_after(samples):
    document = build_plan(**samples.inputs(samples.volume(name="a", after=["lv:web1/vg0/b"]), samples.volume(name="b")))
    assert [action["target"] for action in document["actions"]] == ["lv:web1/vg0/b", "lv:web1/vg0/a"]
    document["actions"].reverse()
    with pytest.raises(PlanError, match="which is no earlier action"):
        validate_plan(resigned(document))


def test_waves_of_a_host_ascend(samples):
    waves = [{"wave": number, "moves": [samples.move(f"lxc/{number}", "a", "b")]} for number in (1, 2)]
    document = build_plan(**samples.inputs(clusters=[samples.balance(*waves)]))
    document["actions"].reverse()
    with pytest.raises(PlanError, match="belongs to wave 1 but stands after wave 2"):
        validate_plan(resigned(document))


def test_an_edited_plan_is_refused_with_what_to_do_instead(samples):
    document = build_plan(**samples.inputs(samples.volume()))
    document["actions"][0]["to"]["size"] += 1
    document["actions"][0]["id"] = action_id(document["actions"][0])
    with pytest.raises(PlanError, match=r"plan\.yml was changed after it was made.*change the policy.*plan again.*O\(exclude\)"):
        validate_plan(document, source="plan.yml")


def test_a_secret_is_never_repeated_in_the_message(samples):
    document = build_plan(**samples.inputs(samples.volume(message="postgresql://u:geheim@h/db")))
    with pytest.raises(PlanError) as caught:
        validate_plan(document)
    assert "geheim" not in str(caught.value)


def test_names_that_only_look_like_secrets_pass(samples):
    document = build_plan(**samples.inputs(samples.volume(name="password"), before={"vg:web1/secret-vg": {"free_bytes": 1}}))
    validate_plan(document)
