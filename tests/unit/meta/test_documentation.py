# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-doc tells is complete, and examples, those of docs/ too, use nothing that is not there."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from support.examples import Tasks

ROOT = pathlib.Path(__file__).parents[3]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
# Actions are documented by modules of the same name.
KINDS = {"module": "modules", "lookup": "lookup", "filter": "filter"}
NAMES = [
    (kind, f"foresight.capacity.{path.stem}")
    for kind, folder in KINDS.items()
    for path in sorted((ROOT / "plugins" / folder).glob("[a-z]*.py"))
]
TYPES = {"str", "int", "float", "bool", "list", "dict", "path", "raw"}


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """What ansible-doc tells of everything in the collection, fragments merged."""
    command = [sys.executable, "-m", "ansible.cli.doc", "--metadata-dump", "foresight.capacity"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told: dict[str, Any] = json.loads(done.stdout)["all"]
    return told


def untold(entries: Mapping[str, Any], inner: str, path: str) -> Iterator[str]:
    """Options or return values, and those inside of them, that lack a description or a type."""
    for name, entry in entries.items():
        here = f"{path}.{name}"
        said = entry.get("description") or [""]
        if not all(str(line).strip() for line in ([said] if isinstance(said, str) else said)):
            yield f"{here}: description"
        if entry.get("type") not in TYPES:
            yield f"{here}: type"
        if entry.get("type") == "list" and entry.get("elements") not in TYPES:
            yield f"{here}: elements"
        yield from untold(entry.get(inner) or {}, inner, here)


def test_there_is_documentation_of_every_plugin(known: dict[str, Any]) -> None:
    assert {(kind, name) for kind in KINDS for name in known[kind]} == set(NAMES)
    assert {path.stem for path in (ROOT / "plugins" / "action").glob("[a-z]*.py")} <= {name.rpartition(".")[2] for name in known["module"]}


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_every_option_and_return_value_is_told(known: dict[str, Any], kind: str, name: str) -> None:
    told = known[kind][name]
    about = told["doc"]
    assert [key for key in ("short_description", "description", "version_added", "author") if not about.get(key)] == []
    assert list(untold(about.get("options") or {}, "suboptions", name)) == []
    returned = told["return"]
    assert returned
    assert list(untold(returned, "contains", name)) == []
    if kind == "module":
        assert [key for key, value in returned.items() if not value.get("returned")] == []


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_examples_use_what_there_is(known: dict[str, Any], kind: str, name: str) -> None:
    text = known[kind][name]["examples"]
    tasks = yaml.safe_load(text)
    assert name in text
    assert all(task.get("name") for task in tasks)
    assert Tasks(known).wrong(tasks) == []


def tasks_in(block: Any) -> Iterator[dict[str, Any]]:
    """The tasks of a block of a page, which may be tasks, plays, or neither."""
    for entry in block if isinstance(block, list) else ():
        if isinstance(entry, dict) and "hosts" in entry:
            for part in ("pre_tasks", "tasks", "post_tasks"):
                yield from entry.get(part) or ()
        elif isinstance(entry, dict) and any(str(key).startswith(("foresight.", "ansible.builtin.")) for key in entry):
            yield entry


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tasks_of_the_pages_use_what_there_is(known: dict[str, Any], page: pathlib.Path) -> None:
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    ours = [yaml.safe_load(block) for block in blocks if re.search(r"^ *foresight\.capacity\.\w+:", block, re.MULTILINE)]
    assert Tasks(known).wrong([task for block in ours for task in tasks_in(block)]) == []


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        ({"foresight.capacity.plan_gates": {}}, "There is no module foresight.capacity.plan_gates"),
        ({"proxmox_facts": {}}, "no module by its full name"),
        ({"foresight.capacity.proxmox_facts": {"node": ["pve1"]}}, "has no option node"),
        ({"foresight.capacity.proxmox_facts": {"reserve": {"cores": 2}}}, "reserve has no option cores"),
        ({"foresight.capacity.lv_resize": {"vg": "vg0", "size": "1 GiB"}}, "lacks lv"),
        ({"foresight.capacity.lxc_facts": {}, "whne": "true"}, "no module by its full name"),
        ({"foresight.capacity.import_history": {"timeframes": ["decade"]}}, "timeframes is 'decade'"),
        ({"ansible.builtin.debug": {"msg": "{{ lookup('foresight.capacity.cluster', hozt='a') }}"}}, "has no option hozt"),
        ({"ansible.builtin.debug": {}, "when": "query('foresight.capacity.nothing')"}, "There is no lookup"),
        ({"ansible.builtin.debug": {"msg": "{{ a | foresight.capacity.cluster_balance({'gaol': 1}) }}"}}, "_policy has no option gaol"),
        ({"ansible.builtin.debug": {"msg": "{{ a | foresight.capacity.cluster_balance(p) }}"}, "vars": {"p": {"sed": 1}}}, "no option sed"),
        ({"ansible.builtin.debug": {"msg": "{{ a | foresight.capacity.migration_waves(b, {}, 3) }}"}}, "takes 3 values, given are 4"),
    ],
)
def test_what_is_wrong_is_found(known: dict[str, Any], task: dict[str, Any], problem: str) -> None:
    found = Tasks(known).wrong([{"name": "Do it", **task}])
    assert any(problem in one for one in found), found
