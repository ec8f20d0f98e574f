from __future__ import annotations

import json
import pathlib
import re
import shlex

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_query import (
    COLUMNS,
    NoReport,
    fetch_report,
    local_system_id,
    lvm_version,
    report_arguments,
)

REPORT = json.dumps({"report": []})


def commands_with(*tools, rc=0, out="", err=""):
    commands = Commands(lambda args, **_options: (rc, out, err))
    commands.find = lambda tool: tool if tool.rsplit("/", 1)[-1] in tools else None
    return commands


def test_columns_are_real_columns(fixtures):
    """lvm2 2.03.16 knows each of them: they are in its default report or in ours."""
    known = set()
    for name in ("lvm/fullreport.default.json", "lvm/recordings/every_kind.json"):
        known.update(re.findall(r'\\?"([a-z_0-9]+)\\?":', (fixtures / name).read_text(encoding="utf-8")))
    assert set(",".join(COLUMNS.values()).split(",")) <= known


def test_sizes_are_bytes_and_hidden_and_foreign_groups_are_asked_for():
    arguments = report_arguments()
    assert arguments[:9] == ["fullreport", "--units", "b", "--nosuffix", "--reportformat", "json", "-a", "--foreign", "--shared"]


def test_sudoers_line_in_the_documentation_is_the_command_that_is_run():
    text = (pathlib.Path(__file__).parents[4] / "docs" / "observing.md").read_text(encoding="utf-8")
    line = re.search(r"NOPASSWD: (/usr/sbin/lvm fullreport .+)$", text, re.MULTILINE).group(1)
    assert shlex.split(line) == ["/usr/sbin/lvm", *report_arguments()]


@pytest.mark.parametrize(
    ("tools", "root", "sudo", "reason"),
    [((), True, False, "not_installed"), (("lvm",), False, False, "needs_root"), (("lvm",), False, True, "needs_root")],
)
def test_who_may_not_ask(tools, root, sudo, reason):
    with pytest.raises(NoReport) as error:
        fetch_report(commands_with(*tools, out=REPORT), root, sudo)
    assert error.value.reason == reason


def test_root_needs_no_sudo():
    assert fetch_report(commands_with("lvm", out=REPORT), root=True, sudo=True).groups == []


def test_failure_of_lvm_under_sudo_is_not_blamed_on_sudo():
    with pytest.raises(NoReport) as error:
        fetch_report(commands_with("lvm", "sudo", rc=5, err="  /dev/mapper/control: open failed\n"), root=False, sudo=True)
    assert error.value.reason == "failed"
    assert "open failed" in error.value.message


@pytest.mark.parametrize(("out", "system_id"), [("  system ID: web1\n", "web1"), ("  system ID: \n", None), ("", None)])
def test_system_id(out, system_id):
    assert local_system_id(commands_with("lvm", out=out)) == system_id


def test_version(fixtures):
    text = (fixtures / "lvm" / "version.txt").read_text(encoding="utf-8")
    assert lvm_version(commands_with("lvm", out=text)) == "2.03.16(2) (2022-05-18)"
    assert lvm_version(commands_with("lvm", out="")) is None
