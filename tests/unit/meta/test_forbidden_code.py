# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the shipped code never does: hide errors, unpickle, hand text to a shell, switch TLS verification off."""

from __future__ import annotations

import ast
import pathlib

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[3]
FILES = sorted((ROOT / "plugins").rglob("*.py"))
YAML = sorted(path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml"))
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal"}


def name_of(node):
    """Return a dotted name, or an empty text."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(tree):
    """Return (line, fault) of everything forbidden in one module."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [(node.lineno, f"import of {module}") for module in modules if module.partition(".")[0] in UNSAFE_MODULES]
        elif isinstance(node, ast.ExceptHandler):
            caught = [name_of(part) for part in (node.type.elts if isinstance(node.type, ast.Tuple) else [node.type])]
            if {"Exception", "BaseException", ""} & set(caught) and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
                found.append((node.lineno, "an error of any kind is caught and not raised again"))
        elif isinstance(node, ast.Call):
            name = name_of(node.func)
            if name in ("eval", "exec", "os.system", "os.popen", "joblib.load", "torch.load", "yaml.unsafe_load"):
                found.append((node.lineno, f"call of {name}"))
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            for keyword, value in (("shell", True), ("use_unsafe_shell", True), ("verify", False), ("allow_pickle", True)):
                if isinstance(given.get(keyword), ast.Constant) and given[keyword].value is value:
                    found.append((node.lineno, f"{keyword}={value}"))
    return found


def test_there_are_files():
    assert len(FILES) > 100
    assert len(YAML) > 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_plugins(path):
    assert faults(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(ROOT)))
def test_roles_and_playbooks(path):
    def look(value):
        if isinstance(value, dict):
            assert value.get("ignore_errors") is not True
            assert value.get("failed_when") is not False
            assert "ansible.builtin.shell" not in value
            for inner in value.values():
                look(inner)
        for inner in value if isinstance(value, list) else ():
            look(inner)

    look(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "code", ["try:\n  a()\nexcept Exception:\n  pass", "try:\n  a()\nexcept:\n  pass", "import pickle", "f(shell=True)", "eval('1')"]
)
def test_what_is_forbidden_is_found(code):
    assert faults(ast.parse(code))
