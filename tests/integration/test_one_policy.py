"""What holds for a whole plan must be the same on all its hosts: the value of the first host is never taken for the others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from support.playbooks import CHECKOUT, Playbooks

ROLE = CHECKOUT / "roles" / "volumes"
# What each host has of its own, what says where things are, and what only apply reads.
OWN = {"volumes_manage", "volumes_exclude", "volumes_reserve", "volumes_store", "volumes_search_path", "volumes_actions"}


def planned(tmp_path: Path, *hosts: dict[str, Any]) -> str:
    """What a plan of these hosts says that has an empty store to plan from, so it ends after its hosts were compared."""
    inventory, store = tmp_path / "hosts.yml", tmp_path / "store.db"
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    named = dict(zip(("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"), hosts, strict=False))
    inventory.write_text(yaml.safe_dump({"all": {"hosts": named, "vars": here}}, sort_keys=False))
    with open_store(str(store)):
        pass
    run = Playbooks(inventory, store).run("plan", check=False)
    assert run.returncode != 0
    return " ".join(run.output.replace('\\"', '"').split())


@pytest.mark.parametrize(
    ("name", "common", "other"),
    [
        ("volumes_allow_shrink", False, True),
        ("volumes_headroom", 0.1, 0.25),
        ("volumes_floor", {"free_fraction": 0.1}, {"free_fraction": 0.2}),
        ("volumes_quiet_hours", [], [{"from": "01:00", "to": "03:30"}]),
        ("volumes_horizon", "6h", "12h"),
    ],
)
def test_hosts_that_differ_are_refused_with_both_values(tmp_path: Path, name: str, common: Any, other: Any) -> None:
    said = planned(tmp_path, {name: common}, {name: common}, {name: other})
    assert f"{name} is {json.dumps(common)} on first, but not on third ({json.dumps(other)}). One plan is made" in said
    assert "--limit" in said
    assert "The store holds" not in said


def test_every_difference_is_told_also_of_hosts_that_have_only_the_default(tmp_path: Path) -> None:
    said = planned(tmp_path, {"volumes_headroom": 0.3, "volumes_quantile": 0.95}, {"volumes_quantile": 0.95}, {}, {"volumes_headroom": 0.3})
    assert "volumes_quantile is 0.95 on first, but not on third (0.9), fourth (0.9); " in said
    assert "volumes_headroom is 0.3 on first, but not on second (0.1), third (0.1). One plan is made" in said


def test_many_hosts_are_counted(tmp_path: Path) -> None:
    said = planned(tmp_path, {}, *[{"volumes_headroom": number} for number in range(1, 8)])
    assert (
        "volumes_headroom is 0.1 on first, but not on second (1), third (2), fourth (3), fifth (4), sixth (5) and 2 more. One plan" in said
    )


def test_what_is_a_hosts_own_may_differ(tmp_path: Path) -> None:
    floor = {"free_fraction": 0.1, "step_fraction": 0.2}
    first = {"volumes_floor": floor, "volumes_manage": [{"match": "vg0/*"}], "volumes_reserve": "10%", "volumes_exclude": ["vg0/x"]}
    said = planned(tmp_path, first, {"volumes_floor": dict(reversed(floor.items())), "volumes_search_path": ["/opt/sbin"]})
    assert "The store holds nothing of first, second" in said


def test_nothing_that_holds_for_the_whole_plan_is_left_out() -> None:
    defaults, tasks = (yaml.safe_load((ROLE / path).read_text()) for path in ("defaults/main.yml", "tasks/plan.yml"))
    (task,) = (task for task in tasks if "volumes_own_terms" in task.get("ansible.builtin.set_fact", {}))
    terms = task["ansible.builtin.set_fact"]["volumes_own_terms"]
    assert set(terms) == set(defaults) - OWN
    assert all(value == f"{{{{ {name} }}}}" for name, value in terms.items())
    assert "run_once" not in task
