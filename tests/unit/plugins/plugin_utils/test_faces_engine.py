# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest
from ansible.errors import AnsibleActionFail, AnsibleLookupError

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine, faces
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from engine_functions import PID, gone


class Plugin:
    """Stands for a lookup or an action that takes no arguments."""

    def set_options(self, **_options: t.Any) -> None:
        pass

    def get_options(self) -> dict[str, t.Any]:
        return {}

    def validate_argument_spec(self, **_constraints: t.Any) -> tuple[None, dict[str, t.Any]]:
        return None, {}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("face", ["lookup", "verb"])
def test_a_plugin_leaves_no_workers(face: str, fails: bool) -> None:
    seen: list[int] = []

    def workflow() -> dict[str, t.Any]:
        for _call in range(2):
            seen.extend(engine.run(eval, [PID], engine=engine.Engine(workers=1)))
        if fails:
            raise ForesightError("as asked")
        return {}

    plugin: t.Any = Plugin()
    try:
        if face == "lookup":
            faces.run_lookup(plugin, run=workflow, variables={}, options={})
        else:
            faces.run_verb(plugin, spec={}, run=workflow, per_host=True)
    except (AnsibleLookupError, AnsibleActionFail):
        assert fails
    assert seen[0] == seen[1]
    gone(seen)
