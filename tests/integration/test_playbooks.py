"""What every user meets first: no inventory, a dead host, a second run, check mode, a play that is split."""

from __future__ import annotations

import sqlite3
import subprocess
from pathlib import Path

import pytest

from support.playbooks import ANSIBLE_PLAYBOOK, Playbooks

PLAYBOOKS = ("site", "observe", "plan", "apply", "approve", "report", "import", "train", "forget", "scheduled")


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_without_hosts_the_error_shows_how_to_pass_an_inventory(name: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.ini"
    empty.write_text("")
    done = subprocess.run(
        [str(ANSIBLE_PLAYBOOK), "-i", str(empty), f"foresight.capacity.{name}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "No host to work on" in done.stdout + done.stderr
    assert "-i INVENTORY" in done.stdout + done.stderr


def test_site_tells_of_the_dead_host_and_goes_on(local: Playbooks, tmp_path: Path) -> None:
    run = local.run("site", report_path=str(tmp_path / "report"))
    assert run.returncode == 4, "ansible's code for an unreachable host"
    assert run.recap["away"].unreachable == 1
    assert run.recap["one"].failed == run.recap["two"].failed == 0
    assert run.changed == 0
    with sqlite3.connect(local.store) as connection:
        hosts = {key for (key,) in connection.execute("SELECT key FROM entity WHERE kind = 'host'")}
    assert {"host:one", "host:two"} <= hosts
    assert "host:away" not in hosts
    assert (tmp_path / "report" / "index.html").exists()


def test_a_second_site_changes_nothing_and_neither_does_check_mode(local: Playbooks, tmp_path: Path) -> None:
    report = str(tmp_path / "report")
    first = local.run("site", "--limit", "one,two", report_path=report)
    checked = local.run("site", "--check", "--diff", "--limit", "one,two", foresight_apply=True, report_path=report)
    applied = local.run("site", "--limit", "one,two", foresight_apply=True, report_path=report)
    assert [run.returncode for run in (first, checked, applied)] == [0, 0, 0]
    assert [run.changed for run in (first, checked, applied)] == [0, 0, 0]


def test_limit_records_only_the_named_host(local: Playbooks) -> None:
    local.run("observe", "--limit", "two")
    with sqlite3.connect(local.store) as connection:
        assert [key for (key,) in connection.execute("SELECT key FROM entity WHERE kind = 'host'")] == ["host:two"]


def test_only_a_host_that_left_the_inventory_is_forgotten(local: Playbooks, tmp_path: Path) -> None:
    local.run("observe", "--limit", "one,two")
    refused = local.run("forget", check=False, foresight_forget="two")
    assert refused.returncode != 0
    assert "two is in this inventory" in refused.output
    later = Playbooks(tmp_path / "later.yml", local.store)
    later.inventory.write_text(local.inventory.read_text().replace("two:", "three:"))
    done = later.run("forget", foresight_forget="two")
    assert (done.returncode, done.changed) == (0, 0)
    with sqlite3.connect(local.store) as connection:
        known = dict(connection.execute("SELECT key, current FROM entity WHERE kind = 'host'").fetchall())
    assert known == {"host:one": 1, "host:two": 0}


def test_apply_without_foresight_apply_says_so_and_opens_no_gate(local: Playbooks) -> None:
    run = local.run("apply", "--limit", "one", foresight_plan="0" * 64)
    assert "foresight_apply is not true" in run.output
    assert run.returncode == 0


def test_apply_needs_a_plan_by_name(local: Playbooks) -> None:
    local.run("observe", "--limit", "one")
    run = local.run("apply", "--limit", "one", check=False, foresight_apply=True)
    assert run.returncode != 0
    assert "foresight_plan" in run.output


def test_scheduled_plans_after_every_second_observation(local: Playbooks) -> None:
    shown = []
    for _number in range(5):
        run = local.run("scheduled", "--limit", "one", foresight_plan_every=2)
        with sqlite3.connect(local.store) as connection:
            (plans,) = connection.execute("SELECT COUNT(*) FROM run WHERE verb = 'plan'").fetchone()
        shown.append(plans)
        assert run.returncode == 0
    assert shown == [0, 1, 1, 2, 2]


@pytest.mark.parametrize(("keyword", "value"), [("strategy", "free"), ("serial", "1")])
def test_a_split_play_is_refused_by_name(local: Playbooks, tmp_path: Path, keyword: str, value: str) -> None:
    play = tmp_path / "split.yml"
    play.write_text(
        f"- hosts: one,two\n  gather_facts: false\n  {keyword}: {value}\n  tasks:\n"
        "    - foresight.capacity.record: {store: '{{ foresight_store }}'}\n      run_once: true\n"
    )
    run = local.run(str(play), check=False)
    assert run.returncode != 0
    assert keyword in run.output
    assert "all hosts of the run at once" in run.output


def test_a_password_in_the_store_url_is_refused_and_not_shown(local: Playbooks) -> None:
    run = local.run("observe", "--limit", "one", check=False, foresight_store="postgresql://me:sesame-open@localhost/db")
    assert run.returncode != 0
    assert "FORESIGHT_STORE_PASSWORD" in run.output
    assert "sesame-open" not in run.output


def test_a_step_without_a_limit_passes_the_role(local: Playbooks) -> None:
    local.run("observe", "--limit", "one")
    assert local.run("plan", "--limit", "one", volumes_max_step_fraction=None).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("volumes_headroom", "0.2"),
        ("volumes_cool_down", "10m"),
        ("volumes_max_step_fraction", "1.5"),
        ("volumes_allow_shrink", "true"),
        ("volumes_shrink_past", "7d"),
    ],
)
def test_numbers_of_the_policy_may_be_given_on_the_command_line(local: Playbooks, name: str, value: str) -> None:
    local.run("observe", "--limit", "one")
    assert local.run("plan", "--limit", "one", "-e", f"{name}={value}").returncode == 0


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_budget_that_is_no_number_is_refused(local: Playbooks, number: str) -> None:
    local.run("observe", "--limit", "one")
    run = local.run("plan", "--limit", "one", check=False, foresight_budgets={"growth_fraction": number})
    assert run.returncode != 0
    assert f"budgets.growth_fraction is {number}" in run.output


def test_an_unknown_option_of_an_import_is_refused(local: Playbooks, tmp_path: Path) -> None:
    run = local.run("import", check=False, foresight_import=str(tmp_path), foresight_import_options={"synthetik": True})
    assert run.returncode != 0
    assert "foresight_import_options has synthetik" in run.output


def test_an_error_with_a_cause_is_told_once(local: Playbooks, tmp_path: Path) -> None:
    local.run("observe", "--limit", "one")
    run = local.run("apply", "--limit", "one", check=False, foresight_apply=True, foresight_plan=str(tmp_path / "no.yml"))
    assert run.returncode != 0
    told = [line.count("Cannot read a plan") for line in run.output.splitlines()]
    assert max(told) == 1, "Ansible appends the message of the cause"
