"""What one host's own variables forbid holds for that host, although the gate is opened once, with the variables of the first host."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from support.playbooks import Playbooks

GIB = 1 << 30
HOSTS = ("first", "second", "third")


def grown(host: str) -> dict[str, object]:
    return {
        "kind": "lv_resize",
        "host": host,
        "target": f"lv:{host}/vg-of-nobody/data",
        "expect": {"uuid": f"uuid-{host}", "size": GIB},
        "from": {"size": GIB},
        "to": {"size": 2 * GIB},
        "reason": "floor",
    }


@pytest.mark.parametrize(
    "own",
    [
        {"foresight_apply": False},
        {"foresight_stop": True},
        {"foresight_exclude": ["lv:*"]},
        {"foresight_require_approval": True},
        {"volumes_exclude": ["vg-of-nobody/data"]},
    ],
    ids=lambda own: next(iter(own)),
)
def test_a_hosts_own_no_wins(tmp_path: Path, own: dict[str, object]) -> None:
    """Two hosts may be changed, the third forbids it in its own variables: lv_resize runs on two."""
    inventory, store = tmp_path / "hosts.yml", tmp_path / "store.db"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {"first": {"foresight_apply": True}, "second": {"foresight_apply": True}, "third": {"foresight_apply": True, **own}}
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": here}}))
    with open_store(str(store)):
        pass
    made = plan(store=str(store), now=int(time.time()), inventory=HOSTS, hosts=HOSTS, actions=[grown(host) for host in HOSTS])
    Playbooks(inventory, store).run("apply", check=False, foresight_plan=made["plan"]["id"])
    with sqlite3.connect(store) as connection:
        assert {host for (host,) in connection.execute("SELECT host FROM outcome")} == {"first", "second"}
