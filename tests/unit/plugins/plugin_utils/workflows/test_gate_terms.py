# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.gate_terms import kill_switch


def test_nothing_stops_without_a_kill_switch(tmp_path):
    (tmp_path / "file").touch()
    for stop_file in (None, str(tmp_path / "none"), str(tmp_path / "none" / "none"), str(tmp_path / "file" / "none")):
        assert kill_switch(False, stop_file) is None


@pytest.mark.parametrize("make", [os.mkdir, lambda path: os.symlink("/nowhere", path), lambda path: os.symlink(path, path)])
def test_whatever_bears_the_name_of_the_stop_file_stops(tmp_path, make):
    make(tmp_path / "stop")
    assert kill_switch(False, str(tmp_path / "stop")).reason == "stopped"


def test_a_stop_file_that_cannot_be_looked_for_stops(monkeypatch):
    def closed(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "lstat", closed)
    verdict = kill_switch(False, "/root/stop")
    assert "nobody can tell whether the file /root/stop exists: Permission denied" in verdict.message
