# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories that are shipped or shown, read by ansible-inventory."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.playbooks import ANSIBLE_PLAYBOOK, CHECKOUT

# Whatever is no inventory is an error here, and only a warning without it.
STRICT = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "ANSIBLE_NOCOLOR": "1"}


def read(inventory: Path) -> dict[str, dict[str, object]]:
    """Return the variables of every host."""
    command = [str(ANSIBLE_PLAYBOOK.with_name("ansible-inventory")), "-i", str(inventory), "--list"]
    done = subprocess.run(command, cwd=inventory.parent, env=STRICT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, dict[str, object]] = json.loads(done.stdout)["_meta"]["hostvars"]
    return found


@pytest.mark.parametrize("name", ["sandbox", "example"])
def test_an_inventory_folder_holds_nothing_but_inventory(name: str) -> None:
    assert read(CHECKOUT / "inventories" / name)


def test_the_inventory_of_the_readme_manages_volumes_of_both_hosts_and_guests(tmp_path: Path) -> None:
    shown = re.search(r"## An inventory\n+```yaml\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(shown[1])
    variables = read(inventory)
    assert {host: [name for name in ("volumes_manage", "balance_manage") if named.get(name)] for host, named in variables.items()} == {
        "web1.example.com": ["volumes_manage"],
        "db1.example.com": ["volumes_manage"],
        "prod-api": ["balance_manage"],
    }
