# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import open_text
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import (
    RecordingReader,
    is_recording,
    newest_documents,
    write_recording,
)


@pytest.mark.parametrize("name", ["lab.jsonl", "lab.jsonl.gz"])
def test_what_was_written_is_read(tmp_path, documents, name):
    path = str(tmp_path / name)
    facts = {"foresight_lvm": documents.lvm(), "foresight_node": documents.node(), "ansible_hostname": "left out"}
    write_recording(path, [("lab1", facts), ("lab2", {"foresight_lvm": documents.lvm(documents.NOW + 5)})], note="two hosts")
    assert is_recording(path)
    with open_text(path) as file:
        reader = RecordingReader(file)
        lines = list(reader.lines())
    assert reader.header == {"schema": "foresight.recording/1", "note": "two hosts"}
    assert [(line.host, line.observed_at) for line in lines] == [("lab1", documents.NOW), ("lab2", documents.NOW + 5)]
    assert lines[0].facts == {"foresight_node": documents.node(), "foresight_lvm": documents.lvm()}


def test_the_newest_documents_of_each_host(tmp_path, documents):
    path = str(tmp_path / "lab.jsonl")
    at = documents.NOW
    lines = [
        ("lab1", {"foresight_lvm": documents.lvm(at + 10), "foresight_node": documents.node(at + 9)}),
        ("lab1", {"foresight_lvm": documents.lvm(at)}),
        ("lab2", {"foresight_lvm": documents.lvm(at + 3)}),
    ]
    write_recording(path, lines)
    _header, newest, times = newest_documents(path)
    assert newest["lab1"]["foresight_lvm"]["observed_at"] == at + 10
    assert newest["lab1"]["foresight_node"]["observed_at"] == at + 9
    assert times == {"lab1": at + 10, "lab2": at + 3}


def test_bad_lines_are_counted(tmp_path, documents):
    path = tmp_path / "lab.jsonl"
    good = json.dumps({"host": "lab1", "facts": {"foresight_lvm": documents.lvm()}})
    bad = [
        "{",
        "5",
        '{"host": 1, "facts": {}}',
        '{"host": "a", "facts": {}}',
        '{"host": "a", "facts": {"foresight_lvm": {}}}',
        good.replace("lab1", "lab 1"),
        good.replace("lab1", "\\ud800"),
        good.replace("lab1", "\\u0000"),
        "[" * 100_000,
    ]
    path.write_text("\n".join(['{"schema": "foresight.recording/1"}', good, *bad, ""]))
    with open_text(str(path)) as file:
        reader = RecordingReader(file)
        assert len(list(reader.lines())) == 1
    assert reader.bad_rows == len(bad)
    assert reader.bad[0].startswith("line 3 ")
    with open_text(str(path)) as file, pytest.raises(InputError, match="more than 2 lines"):
        list(RecordingReader(file, max_bad_lines=2).lines())


@pytest.mark.parametrize("text", ["{}\n", "time,host\n", '{"schema": "foresight.recording/2"}\n', '{"schema": "foresight.recording/1"}\n'])
def test_what_is_no_recording(tmp_path, text):
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(InputError, match=r"foresight\.recording/1|no facts document"):
        newest_documents(str(path))
