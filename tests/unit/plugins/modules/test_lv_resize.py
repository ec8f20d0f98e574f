# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a program: options in, one JSON document out."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.reading import Request
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin, Reserve
from ansible_collections.foresight.capacity.plugins.module_utils.resize.task import parse_request

MODULE = "ansible_collections.foresight.capacity.plugins.modules.lv_resize"
PERMISSIONS = ("allow_fsck", "allow_mount", "allow_shrink", "allow_unmount", "named_exactly")
DEFAULTS = {
    "vg": "vg0",
    "lv": "data",
    "size": "1G",
    "expect": None,
    "reserve": "0",
    "freed": "0",
    "metadata_size": None,
    "margin": "10%",
    **dict.fromkeys(PERMISSIONS, False),
}


def run(**options):
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_check_mode": True, **options}})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-m", MODULE], input=arguments, capture_output=True, text=True, check=False, env=environment)
    return json.loads(done.stdout)


# What RETURN of the module promises, whatever the end.
ALWAYS = {"status", "reason", "message", "before", "after", "diff", "commands", "seconds", "stopped_at", "changed"}


def test_wrong_size_names_its_option():
    result = run(vg="vg0", lv="data", size="40 GB")
    assert set(result) >= ALWAYS
    assert (result["failed"], result["status"], result["reason"]) == (True, "refused", "wrong_option")
    assert result["msg"].startswith("O(size): '40 GB' is not a size; write bytes")


def test_group_that_is_not_there_is_refused_with_all_keys():
    result = run(vg="no-such-group", lv="data", size="1G")
    assert result["failed"]
    assert result["status"] == "refused"
    assert result["reason"] in ("not_installed", "needs_root", "not_found")
    assert result["msg"] == result["message"]
    assert set(result) >= ALWAYS


def test_request_of_a_task():
    expect = {"uuid": "u", "size": "512 MiB"}
    request = parse_request({**DEFAULTS, "expect": expect, "reserve": "7 extents", "allow_fsck": True, "margin": "1 GiB"})
    assert request == Request("vg0", "data", 2**30, "u", 2**29, Reserve(extents=7), Options(allow_fsck=True, margin=Margin(size=2**30)))
    for name in PERMISSIONS:
        assert parse_request({**DEFAULTS, name: True}).options == Options(**{name: True})
    assert parse_request(DEFAULTS).expect_size is None
    pool = parse_request({**DEFAULTS, "metadata_size": "8 MiB", "freed": "4 MiB", "expect": {"metadata_size": "4 MiB"}})
    assert (pool.metadata_size, pool.expect_metadata_size, pool.freed) == (2**23, 2**22, 2**22)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"size": "0"}, r"O\(size\)"),
        ({"expect": {"size": "x"}}, r"O\(expect.size\)"),
        ({"reserve": "-1"}, r"O\(reserve\)"),
        ({"reserve": "120%"}, r"O\(reserve\)"),
        ({"metadata_size": "0"}, r"O\(metadata_size\)"),
        ({"freed": "some"}, r"O\(freed\)"),
        ({"margin": "-5%"}, r"O\(margin\)"),
        ({"margin": "1 GB"}, r"O\(margin\)"),
    ],
)
def test_wrong_option_is_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        parse_request({**DEFAULTS, **wrong})
