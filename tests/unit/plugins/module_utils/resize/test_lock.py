# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.resize.lock import exclusive
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused


def test_second_holder_is_refused_and_told_of_the_first(tmp_path):
    path = str(tmp_path / "lock")
    with exclusive(path, 0), pytest.raises(Refused) as refused, exclusive(path, 0):
        pass
    assert f"held by process {os.getpid()}. Waited 0 s for it (O(lock_timeout))" in str(refused.value)
    assert refused.value.reason == "locked"
    with exclusive(path, 0):
        pass


def test_lock_waits_for_its_holder(tmp_path):
    path = str(tmp_path / "lock")
    with exclusive(path, 0) as lock:
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock,))
    # The holder has let go, its child works on.
    with pytest.raises(Refused), exclusive(path, 0):
        pass
    child.stdin.close()
    with exclusive(path, 60):
        pass
    child.wait()


def test_symbolic_link_is_not_followed(tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused, match=r"Cannot open the lock file .*symbolic link") as refused, exclusive(str(tmp_path / "lock"), 0):
        pass
    assert refused.value.reason == "lock_file"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_lock_needs_root(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(Refused) as refused, exclusive(str(tmp_path / "lock"), 0):
        pass
    assert refused.value.reason == "needs_root"
