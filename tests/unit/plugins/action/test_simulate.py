# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action takes is what its documentation and the role say; playing it is tests/integration/test_simulate.py."""

from __future__ import annotations

import inspect
import pathlib
import typing as t

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.action import simulate as action
from ansible_collections.foresight.capacity.plugins.modules import simulate as documented
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate import simulate
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.simulate_cluster import PRESETS

ROOT = pathlib.Path(__file__).resolve().parents[4]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """What the action hands to run_verb."""
    found: dict[str, t.Any] = {}
    monkeypatch.setattr(action, "run_verb", lambda _action, **what: found.update(what) or {})
    monkeypatch.setattr(action.Verb, "run", lambda *_arguments: {})
    object.__new__(action.ActionModule).run(None, {})
    return found


def test_the_options_are_those_of_the_documentation(called: dict[str, t.Any]) -> None:
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    assert set(called["spec"]) == set(options)
    for name, spec in called["spec"].items():
        keys = ("type", "elements", "default", "required")
        assert {key: options[name].get(key) for key in keys} == {key: spec.get(key) for key in keys}, name
    assert all(f"V({name})" in options["preset"]["description"][0] for name in PRESETS)


def test_the_workflow_takes_them_all(called: dict[str, t.Any]) -> None:
    added = called["more"]({})
    assert set(called["spec"]) | set(added) == set(inspect.signature(simulate).parameters)
    assert callable(added["progress"])
    assert called["run"] is simulate


def test_the_role_has_a_variable_for_each_option_but_the_document_itself(called: dict[str, t.Any]) -> None:
    options = yaml.safe_load((ROOT / "roles/simulate/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((ROOT / "roles/simulate/defaults/main.yml").read_text())
    assert {f"simulate_{name}" for name in called["spec"]} - {"simulate_cluster"} == set(options) == set(defaults)
    for name, default in defaults.items():
        assert options[name].get("default") == default, name
        assert options[name]["type"] == called["spec"][name.removeprefix("simulate_")]["type"]
    task = yaml.safe_load((ROOT / "roles/simulate/tasks/main.yml").read_text())[0]["foresight.capacity.simulate"]
    assert {f"simulate_{name}" for name in task} == set(defaults)


def test_the_documentation_names_what_comes_back(tmp_path: pathlib.Path) -> None:
    returned = yaml.safe_load(documented.RETURN)
    answer = simulate(preset="small", path=str(tmp_path))
    assert set(returned) == set(answer)
    assert set(returned["written"]["contains"]) == set(answer["written"])
    assert set(returned["simulation"]["contains"]) == set(answer["simulation"])
    told = set(returned["simulation"]["contains"]["strategies"]["contains"])
    assert told - {"failed"} == set(answer["simulation"]["strategies"][0])
