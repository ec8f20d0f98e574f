from __future__ import annotations

import json
import os
import pathlib
import types

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_report import read_lvm
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"


class Playback:
    """Answers a recorded host gave (tests/unit/fixtures/lvm/recordings): its commands, files and file systems."""

    def __init__(self, recording, root):
        self.commands = recording["commands"]
        self.usage = recording["usage"]
        self.now = recording["now"]
        self.asked = []
        self.tools = {os.path.basename(entry["command"][0]) for entry in self.commands}
        self.files = write_tree(root, recording["files"])

    def run_command(self, args, environ_update, **_options):
        assert environ_update["LC_ALL"] == "C"
        asked = [os.path.basename(args[0]), *args[1:]]
        self.asked.append(asked)
        # One program may have been asked several things; a report whose columns were fewer when it was recorded is still the report.
        alike = [entry for entry in self.commands if entry["command"][:2] == asked[:2]]
        for entry in sorted(alike, key=lambda entry: entry["command"] != asked):
            return entry["rc"], entry["out"], entry["err"]
        return 127, "", f"{asked[0]}: not recorded"

    def statvfs(self, path):
        if path not in self.usage:
            raise FileNotFoundError(path)
        return types.SimpleNamespace(**self.usage[path])

    def reader(self):
        """Commands that find the recorded tools, whatever this machine has."""
        commands = Commands(self.run_command)
        commands.find = lambda tool: f"/usr/sbin/{os.path.basename(tool)}" if os.path.basename(tool) in self.tools else None
        return commands

    def document(self, **options):
        return read_lvm(self.reader(), self.now, self.statvfs, files=self.files, **{"root": True, **options})


def write_tree(root, files):
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return TargetFiles(str(root))


@pytest.fixture
def recording(tmp_path):
    def load(name):
        text = (FIXTURES / "lvm" / "recordings" / f"{name}.json").read_text(encoding="utf-8")
        return Playback(json.loads(text), tmp_path)

    return load


@pytest.fixture
def tree(tmp_path):
    """Lay out files of a target below a temporary root."""
    return lambda files: write_tree(tmp_path, files)


@pytest.fixture
def fixtures():
    return FIXTURES
