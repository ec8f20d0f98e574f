from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils import target_files
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles, integer, printable


def test_what_is_missing_reads_as_nothing(tmp_path):
    files = TargetFiles(str(tmp_path))
    assert (files.text("/a"), files.lines("/a"), files.names("/a"), files.link("/a")) == (None, [], [], None)
    assert not files.exists("/a")
    assert not files.is_directory("/a")
    assert not files.is_closed("/a")


def test_paths_stay_below_the_root(tree):
    files = tree({"/etc/x": "1\n2\n"})
    assert files.lines("/etc/x") == ["1", "2"]
    assert files.names("/etc") == ["x"]


def test_bytes_that_are_no_utf8_survive(tmp_path):
    (tmp_path / "x").write_bytes(b"a\xff")
    assert os.fsencode(TargetFiles(str(tmp_path)).text("/x")) == b"a\xff"


CLOSED = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("target_files", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.stdout.write(repr([module.TargetFiles().is_closed(path) for path in sys.argv[2:]]))
"""


def test_closed_directory(tmp_path_factory):
    source = tmp_path_factory.mktemp("open")
    closed = source / "closed"
    closed.mkdir(mode=0o700)
    if os.geteuid() != 0:
        closed.chmod(0)
    for directory in (source, *list(source.parents)[:-1]):
        if directory.stat().st_uid == os.geteuid():
            directory.chmod(directory.stat().st_mode | 0o011)
    done = subprocess.run(
        [sys.executable, "-S", "-c", CLOSED, target_files.__file__, str(closed), "/"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[True, False]", done.stderr


@pytest.mark.parametrize(("text", "value"), [("12\n", 12), ("-1", -1), ("max\n", None), ("", None), (None, None)])
def test_whole_numbers(text, value):
    assert integer(text) == value


def test_printable():
    assert printable("/mnt/\udcff") == "/mnt/\ufffd"
