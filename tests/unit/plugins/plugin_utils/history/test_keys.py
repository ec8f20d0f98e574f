# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.keys import parse_key


@pytest.mark.parametrize(
    ("key", "kind", "host"),
    [
        ("host:web1", "host", "web1"),
        ("host:fe80::1", "host", "fe80::1"),
        ("lv:web1/vg0/data", "lv", "web1"),
        ("vg:web1/vg0", "vg", "web1"),
        ("node:prod/pve1", "node", None),
        ("guest:prod/lxc/101", "guest", None),
        ("guest:box/lxc/web", "guest", None),
        ("storage:prod/pve1/local-lvm", "storage", None),
        ("storage:prod/ceph", "storage", None),
        ("kpi:shop/p99", "kpi", None),
    ],
)
def test_keys(key, kind, host):
    parsed = parse_key(key)
    assert (parsed.text, parsed.kind, parsed.host) == (key, kind, host)
    if kind == "lv":
        assert parsed.blank_attributes()["vg"] == "vg0"
        assert parsed.blank_attributes()["fs"] is None
    if kind == "storage":
        assert parsed.blank_attributes()["shared"] is (key == "storage:prod/ceph")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "web1",
        "lv:web1/data",
        "lv:web1//data",
        "host:a/b",
        "host:a b",
        "guest:prod/101",
        "guest:prod/docker/1",
        "disk:a/b",
        "storage:prod",
        "storage:a/b/c/d",
    ],
)
def test_what_is_no_key(key):
    with pytest.raises(InputError, match="no entity key"):
        parse_key(key)
