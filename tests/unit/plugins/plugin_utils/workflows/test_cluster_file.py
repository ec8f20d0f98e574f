# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files as a stranger might write them: each is read, or refused with its name, before it eats time or memory."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import cluster_file
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster_file import read_file

LEVELS = range(1, 30)
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}, *a{level - 1}]\n" for level in LEVELS)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(f"a{level}: &a{level} {{<<: [*a{level - 1}, *a{level - 1}]}}\n" for level in LEVELS)


@pytest.fixture
def wrote(tmp_path: Path):
    """Return a function that writes a file and returns its path."""

    def write(name: str, content: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("no.json", "{'a': 1", r"no\.json is no JSON: .* in line 1\. Needed is a cluster document as JSON or YAML \(O\(file\)\)\."),
        ("digits.json", "9" * 5000, r"is no JSON: Exceeds the limit"),
        ("deep.json", "[" * 100_000, r"deep\.json is nested too deeply\. Needed"),
        ("no.yml", "a: [1\nb: 2", r"neither JSON nor YAML: .* in line 2"),
        ("deep.yml", "[" * 100_000, r"deep\.yml is nested more than 100 deep in line 1\. Needed"),
        ("deeper.yml", "- " * 101 + "a", r"is nested more than 100 deep"),
        ("laughs.yml", LAUGHS, r"laughs\.yml stands for more than 10,000,000 values\. Needed"),
        ("merges.yml", MERGES, r"merges\.yml stands for more than 10,000,000 values\. Needed"),
        ("self.yml", "a: &a [*a]", r"names \*a in line 1, which is not complete there"),
        ("none.yml", "a: 1\nb: *c", r"names \*c in line 2"),
        ("python.yml", "a: !!python/object/apply:os.system [id]", r"could not determine a constructor"),
        ("date.yml", "a: 2026-13-45", r"is no YAML that means something: month must be in 1\.\.12\. Needed"),
        ("time.yml", "a: !!timestamp x", r"is no YAML that means something"),
        ("flag.yml", "a: !!bool x", r"is no YAML that means something"),
        ("binary.yml", "a: !!binary aGk=", r"binary\.yml holds what no document can: bytes has .*mappings of them\. Needed .*O\(file\)"),
        ("two.yml", "a: 1\n---\nb: 2", r"neither JSON nor YAML: but found another document in line 2"),
        ("cut.gz", b"\x1f\x8bxx", r"Cannot read a cluster from .*cut\.gz"),
        (
            "short.json.gz",
            gzip.compress(b"{}" * 99, mtime=0)[:-9],
            r"Cannot read a cluster from .*short\.json\.gz: it is cut off or damaged",
        ),
        ("no.bin", b"\xff\xfe\x00", r"it is no UTF-8 text"),
    ],
)
def test_what_cannot_be_read_is_told(wrote, name, content, told) -> None:
    with pytest.raises(InputError, match=told):
        read_file(wrote(name, content))


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("windows.json", "\ufeff{}", {}),
        (
            "anchors.yml",
            "x: &x {cpu: 1}\nnodes: [{<<: *x, name: a}, *x]",
            {"x": {"cpu": 1}, "nodes": [{"cpu": 1, "name": "a"}, {"cpu": 1}]},
        ),
        ("dates.yml", "2026-01-02: 2026-01-02", {"2026-01-02": "2026-01-02"}),
        ("plain", "a: 1", {"a": 1}),
        ("plain.gz", gzip.compress(b'{"a": 1}', mtime=0), {"a": 1}),
        ("empty.json.gz", gzip.compress(b"null", mtime=0), None),
    ],
)
def test_what_can_be_read_is(wrote, name, content, found) -> None:
    assert read_file(wrote(name, content)) == found


def test_no_more_is_read_than_any_cluster_has(wrote, monkeypatch) -> None:
    monkeypatch.setattr(cluster_file, "MOST_JSON", 2**20)
    with pytest.raises(InputError, match=r"bomb\.json\.gz holds more than 1 MiB unpacked, which no cluster has\. Needed"):
        read_file(wrote("bomb.json.gz", gzip.compress(b" " * 2**24, mtime=0)))
    with pytest.raises(InputError, match=r"/dev/zero holds more than 1 MiB, which no cluster has\. Needed"):
        read_file("/dev/zero")


def test_large_files_are_to_be_json(wrote, monkeypatch) -> None:
    monkeypatch.setattr(cluster_file, "MOST_YAML", 100)
    assert read_file(wrote("large.json", " " * 200 + "{}")) == {}
    with pytest.raises(InputError, match=r"large\.yml is no JSON, and with more than 0 MiB too large for YAML\. Needed"):
        read_file(wrote("large.yml", " " * 200 + "a: 1"))
