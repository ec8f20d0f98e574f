# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every reason that lv_resize can give stands in docs/lv_resize.md, and nothing else does."""

from __future__ import annotations

import ast
import pathlib
import re

from ansible_collections.foresight.capacity.plugins.module_utils.resize import flow

RESIZE = pathlib.Path(flow.__file__).parent
DOCUMENT = RESIZE.parents[2] / "docs" / "lv_resize.md"
# Reasons of the facts (lvm_query), handed on when LVM cannot be read.
OF_THE_FACTS = {"not_installed", "needs_root", "failed"}
# Place of the reason among the arguments of what takes one.
TAKES = {"Refused": 0, "StepFailed": 0, "Step": 1, "_fail": 4, "result": 3}


def reasons_in_code() -> set[str]:
    found = set()
    for path in RESIZE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in TAKES and len(node.args) > TAKES[name]:
                    found |= _texts(node.args[TAKES[name]])
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None and _names_a_reason(node):
                found |= _texts(node.value)
    roles = ast.parse((RESIZE / "checks.py").read_text())
    found |= {
        pair.elts[0].value for node in ast.walk(roles) if isinstance(node, ast.Dict) for pair in node.values if isinstance(pair, ast.Tuple)
    }
    return {reason for reason in found if re.fullmatch(r"[a-z_]+", reason)}


def _names_a_reason(node: ast.Assign | ast.AnnAssign) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [part for target in targets for part in ast.walk(target) if isinstance(part, (ast.Name, ast.Attribute))]
    return any("reason" in (part.id if isinstance(part, ast.Name) else part.attr).lower() for part in names)


def _texts(node: ast.AST) -> set[str]:
    """The texts that an argument can be: a constant, or either side of a choice."""
    if isinstance(node, ast.IfExp):
        return _texts(node.body) | _texts(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def reasons_in_document() -> set[str]:
    text = DOCUMENT.read_text().split("## Reasons")[1].split("## By hand")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `") and not line.startswith("| `reason`")]
    return {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}


def test_document_and_code_know_the_same_reasons():
    code, document = reasons_in_code() | OF_THE_FACTS, reasons_in_document()
    assert code - document == set(), "in the code, not in docs/lv_resize.md"
    assert document - code == set(), "in docs/lv_resize.md, not in the code"
