# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""playbooks/import.yml hands every option of import_history on: one that it forgot would be refused, or lost."""

from __future__ import annotations

import pathlib

import yaml

from ansible_collections.foresight.capacity.plugins.doc_fragments import proxmox
from ansible_collections.foresight.capacity.plugins.modules import import_history

ROOT = pathlib.Path(__file__).parents[3]
OWN_VARIABLES = {"path", "shift_to_now"}


def test_the_playbook_knows_every_option() -> None:
    (play,) = yaml.safe_load((ROOT / "playbooks" / "import.yml").read_text(encoding="utf-8"))
    check, task = play["tasks"][:2]
    connection = yaml.safe_load(proxmox.ModuleDocFragment.DOCUMENTATION)["options"]
    options = {*yaml.safe_load(import_history.DOCUMENTATION)["options"], *connection}
    assert set(check["vars"]["known"]) == options - OWN_VARIABLES
    assert set(task["foresight.capacity.import_history"]) == options | {"store"}
