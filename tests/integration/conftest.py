"""Playbooks as a user runs them, on this machine and on hosts that exist only in a recording."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.playbooks import Playbooks


@pytest.fixture
def local(tmp_path: Path) -> Playbooks:
    """Two names for this machine, one host that nobody answers for, and a store of the test's own."""
    inventory = tmp_path / "hosts.yml"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    away = {"ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o ConnectTimeout=2"}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"one": here, "two": here, "away": away}}}))
    return Playbooks(inventory, tmp_path / "store.db")
