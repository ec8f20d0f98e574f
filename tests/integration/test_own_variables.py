"""Whose word counts in an apply: each host's own variables for that host, and in site the plan that it just made."""

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
        {"foresight_exclude": "lv:other/*,vg-of-nobody/data"},
        {"foresight_require_approval": True},
        {"volumes_exclude": ["vg-of-nobody/data"]},
    ],
    ids=lambda own: next(iter(own)),
)
def test_a_hosts_own_no_wins(tmp_path: Path, own: dict[str, object]) -> None:
    """Two hosts may be changed, the third forbids it in its own variables: lv_resize runs on two."""
    inventory, store = tmp_path / "hosts.yml", tmp_path / "store.db"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    elsewhere = {"foresight_exclude": "vg-of-nobody/x,lv:other/*"}
    hosts = {
        "first": {"foresight_apply": True},
        "second": {"foresight_apply": True, **elsewhere},
        "third": {"foresight_apply": True, **own},
    }
    inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": here}}))
    with open_store(str(store)):
        pass
    made = plan(store=str(store), now=int(time.time()), inventory=HOSTS, hosts=HOSTS, actions=[grown(host) for host in HOSTS])
    Playbooks(inventory, store).run("apply", check=False, foresight_plan=made["plan"]["id"])
    with sqlite3.connect(store) as connection:
        assert {host for (host,) in connection.execute("SELECT host FROM outcome")} == {"first", "second"}


def test_site_applies_the_plan_it_just_made_and_no_other(local: Playbooks, tmp_path: Path) -> None:
    """A foresight_plan that was left in a variables file names another plan; here one that does not even exist."""
    run = local.run("site", "--limit", "one", foresight_apply=True, foresight_plan="0" * 64, report_path=str(tmp_path / "report"))
    assert run.returncode == 0
    with sqlite3.connect(local.store) as connection:
        ((made,),) = connection.execute("SELECT id FROM plan").fetchall()
        ((opened,),) = connection.execute("SELECT json_extract(detail, '$.plan') FROM run WHERE verb = 'apply'").fetchall()
    assert opened == made


LIAR = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"facts": {"type": "dict"}})
module.exit_json(changed=False, ansible_facts=module.params["facts"])
"""


def test_a_host_cannot_allow_itself_anything_by_its_facts(local: Playbooks, tmp_path: Path) -> None:
    """Facts win over the inventory in Ansible; a host that was taken over returns what it likes."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "liar.py").write_text(LIAR)
    forged = {"volumes_manage": [{"match": "*"}], "foresight_stop": False}
    play = {"hosts": "one", "gather_facts": False, "tasks": [{"liar": {"facts": forged}}]}
    (tmp_path / "site.yml").write_text(yaml.safe_dump([play, {"import_playbook": "foresight.capacity.site"}]))
    options = {"foresight_apply": True, "report_path": str(tmp_path / "report")}
    run = local.run(str(tmp_path / "site.yml"), "--limit", "one,two", check=False, **options)
    assert run.returncode != 0
    assert "one has the facts foresight_stop, volumes_manage" in run.output
    assert "--limit '!one'" in run.output
    with sqlite3.connect(local.store) as connection:
        assert connection.execute("SELECT verb FROM run WHERE verb IN ('plan', 'apply')").fetchall() == []
