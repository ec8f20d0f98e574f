# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils import engine, engine_worker

PROGRAM = """
import runpy, sys
sys.path[:0] = {path!r}
runpy.run_path({worker!r}, {{"PARENT": {parent}, "ROOT": {root!r}}}, "foresight_worker")
import ansible_collections.foresight.capacity.plugins.plugin_utils.errors as errors
print(errors.__file__)
"""


def run(path: list[str], parent: str = "__import__('os').getppid()") -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(path=path, worker=engine_worker.__file__, root=engine.collections_root(), parent=parent)
    return subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("regular", [True, False])
def test_the_collection_is_found_beside_another_package_of_that_name(tmp_path: pathlib.Path, regular: bool) -> None:
    other = tmp_path / "ansible_collections"
    other.mkdir()
    if regular:
        (other / "__init__.py").touch()
    done = run([str(tmp_path)])
    assert done.stdout.startswith(engine.collections_root()), done.stderr


def test_a_worker_whose_parent_is_gone_leaves() -> None:
    program = PROGRAM.format(path=[], worker=engine_worker.__file__, root=engine.collections_root(), parent=1 << 30) + "input()"
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as worker:
        assert worker.wait(120) == 1
