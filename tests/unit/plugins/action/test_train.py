# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action takes is what its documentation and the role say; playing it is tests/integration/test_train.py."""

from __future__ import annotations

import inspect
import pathlib
import types
import typing as t

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.action import train as action
from ansible_collections.foresight.capacity.plugins.module_utils.arguments import engine_arguments, store_arguments
from ansible_collections.foresight.capacity.plugins.modules import train as documented
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train import TRAINERS, train
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.train_course import told

ROOT = pathlib.Path(__file__).resolve().parents[4]
SHARED = {*store_arguments(), *engine_arguments()}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> dict[str, t.Any]:
    """What the action hands to run_verb, in check mode."""
    found: dict[str, t.Any] = {}
    monkeypatch.setattr(action, "run_verb", lambda _action, **what: found.update(what) or {})
    monkeypatch.setattr(action.Verb, "run", lambda *_arguments: {})
    plugin = object.__new__(action.ActionModule)
    plugin._task = types.SimpleNamespace(check_mode=True)
    plugin.run(None, {})
    return found


def test_the_options_are_those_of_the_documentation(called: dict[str, t.Any]) -> None:
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    own = {name: spec for name, spec in called["spec"].items() if name not in SHARED}
    assert set(own) == set(options)
    for name, spec in own.items():
        said = {key: options[name].get(key) for key in ("type", "elements", "default", "choices")}
        assert said == {key: spec.get(key) for key in said}, name


def test_the_workflow_takes_them_all_and_knows_every_model(called: dict[str, t.Any]) -> None:
    taken = set(inspect.signature(train).parameters)
    added = called["more"]({})
    assert set(called["spec"]) - {"log_level", "log_file"} | set(added) == taken
    assert added["check"] is True
    assert callable(added["progress"])
    assert called["run"] is train
    assert called["spec"]["models"]["choices"] == list(TRAINERS)


def test_the_role_has_a_variable_for_each_option(called: dict[str, t.Any]) -> None:
    options = yaml.safe_load((ROOT / "roles/train/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    defaults = yaml.safe_load((ROOT / "roles/train/defaults/main.yml").read_text())
    assert (
        {f"train_{name}" for name in called["spec"]} - {"train_now", "train_log_level", "train_log_file"} == set(options) == set(defaults)
    )
    for name, default in defaults.items():
        assert options[name].get("default") == default, name
    task = yaml.safe_load((ROOT / "roles/train/tasks/main.yml").read_text())[0]["foresight.capacity.train"]
    assert {f"train_{name}" for name in task} == set(defaults)


def test_the_documentation_names_what_comes_back() -> None:
    returned = yaml.safe_load(documented.RETURN)
    assert set(returned["entities"]["contains"]) == set(told("lv:a/b/c", "used_bytes", "lstm", "skipped", "why"))
    assert {"entities", "written", "summary", "check"} == set(returned)
