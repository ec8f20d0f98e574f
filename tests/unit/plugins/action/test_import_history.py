# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action in a play that contacts nobody."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store

ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")


@pytest.fixture
def play(tmp_path):
    def play(*options, **arguments):
        (tmp_path / "hosts.ini").write_text("nobody ansible_host=192.0.2.1\n")
        task = {
            "foresight.capacity.import_history": {"store": str(tmp_path / "store.db"), **arguments},
            "run_once": True,
            "register": "imported",
        }
        shown = {"ansible.builtin.debug": {"var": "imported.summary"}, "run_once": True}
        (tmp_path / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": [task, shown]}]))
        command = [str(ANSIBLE_PLAYBOOK), "-i", "hosts.ini", "play.yml", *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return play


def test_a_table_in_check_mode_and_for_true(play, tmp_path):
    (tmp_path / "usage.csv").write_text("Zeit;Rechner;CPU\n21.11.2025 05:40;web1;1,5\n21.11.2025 05:50;web1;x\n")
    arguments = {
        "path": "usage.csv", "time_column": "Zeit", "time_format": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin", "decimal": ",",
        "entity": "host:{Rechner}", "columns": {"CPU": {"metric": "cpu_cores"}},
    }  # fmt: skip
    code, output = play("--check", **arguments)
    assert code == 0, output
    assert "1 samples of 1 entities would be written; 1 rows could not be read" in output
    assert not (tmp_path / "store.db").exists()
    code, output = play(**arguments)
    assert code == 0, output
    assert "1 samples of 1 entities written" in output
    assert "line 3 has the value 'x', which is no number" in output
    with open_store(str(tmp_path / "store.db")) as notebook:
        (series,) = notebook.find_series()
        assert notebook.last_samples([series.id])[1].tolist() == [1.5]
        assert notebook.last_samples([series.id])[0].tolist() == [1_763_700_000]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "path"),
        ({"path": "missing.csv", "time_column": "t"}, "There is no file missing.csv"),
        ({"path": "usage.csv"}, "O(time_column)"),
        ({"path": "usage.csv", "time_column": "t", "columns": {"a": "used_bytes"}, "metrics": {"a": "used_bytes"}}, "mutually exclusive"),
        ({"path": "usage.csv", "time_column": "when", "entity": "host:a", "columns": {"a": "used_bytes"}}, "its columns are 't', 'a'"),
    ],
)
def test_what_is_refused(play, tmp_path, arguments, message):
    (tmp_path / "usage.csv").write_text("t,a\n1763700000,1\n")
    code, output = play(**arguments)
    assert code == 2
    assert message in output
    assert "Traceback" not in output
