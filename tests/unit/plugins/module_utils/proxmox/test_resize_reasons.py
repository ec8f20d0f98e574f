"""Every reason for which a guest is not resized stands in docs/proxmox.md, and nothing else does."""

from __future__ import annotations

import ast
import pathlib
import re

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import guest_resize, refusals

HERE = pathlib.Path(guest_resize.__file__).parent
FILES = ("admission.py", "guest_on_node.py", "guest_resize.py", "refusals.py", "resize_checks.py")
MANUAL = pathlib.Path(__file__).parents[5] / "docs" / "proxmox.md"


def reasons_in_code():
    found = {refusals.PRECONDITION_CHANGED}
    for name in FILES:
        for node in ast.walk(ast.parse((HERE / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Refused" and isinstance(node.args[0], ast.Constant):
                found.add(node.args[0].value)
    return found


def test_reasons_are_documented():
    table = MANUAL.read_text(encoding="utf-8").partition("### Why not")[2].partition("## ")[0]
    documented = {reason for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for reason in re.findall(r"`(\w+)`", row)}
    assert documented == reasons_in_code()
