# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""docs/safety.md names only what there is: every rule, the files that enforce it, the tests that hold it."""

from __future__ import annotations

import ast
import functools
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "safety.md").read_text(encoding="utf-8")
RULES = range(1, 14)
PROPERTY = re.compile(r"`(test_\w+)`((?: [PVL])*)")


@functools.cache
def sections():
    """Return the text of each rule."""
    parts = re.split(r"^### Rule (\d+): .*$", PAGE.split("\n## What nobody")[0], flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


@functools.cache
def known():
    """Return the files in which each test is, and those that hypothesis drives."""
    found, driven = {}, set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, set()).add(path.relative_to(ROOT / "tests").parts[0])
                names = {ast.unparse(decorator.func) for decorator in node.decorator_list if isinstance(decorator, ast.Call)}
                if "given" in names:
                    driven.add(node.name)
    return found, driven


def test_every_rule_is_there_once_and_in_order():
    assert list(sections()) == list(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_names_what_enforces_it_and_tests_that_exist(rule):
    text = sections()[rule]
    found, driven = known()
    assert re.search(r"^- Planner: `", text, re.MULTILINE)
    assert re.search(r"^- Executor: ", text, re.MULTILINE)
    named = PROPERTY.findall(text.split("- Tests: ")[1])
    assert named
    for name, marks in named:
        assert name in found, name
        assert ("P" in marks) == (name in driven), f"{name}: P means a property test"
        assert ("L" in marks) <= ("lab" in found[name]), f"{name}: L means a test in the lab"


@pytest.mark.parametrize("rule", [1, 2, 4, 5, 6, 7, 8, 9, 12, 13])
def test_the_rules_that_apply_have_a_property_test(rule):
    assert any("P" in marks for _name, marks in PROPERTY.findall(sections()[rule]))


def test_every_file_exists():
    named = re.findall(r"`((?:plugins|playbooks|roles)/[\w./]+)`", PAGE) + re.findall(r"\]\(\.\./([\w./]+)\)", PAGE)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
