# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from driver import HostOf, data_volume, machine_with

from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Layout, read_volume


# Stripes and copies as lvs of LVM 2.03.16 shows them.
@pytest.mark.parametrize(
    ("layout", "data_stripes", "physical"),
    [
        (Layout("linear", 1, 1), 1, 12),
        (Layout("striped", 3, 1), 3, 12),
        (Layout("raid0", 2, 1), 2, 12),
        (Layout("raid1", 2, 2), 1, 24),
        (Layout("raid1", 3, 3), 1, 36),
        (Layout("mirror", 2, 1), 1, 24),
        (Layout("raid10", 4, 2), 2, 24),
        (Layout("raid5_ls", 4, 2), 3, 16),
        (Layout("raid6_zr", 5, 3), 3, 20),
        (Layout("thin", 0, 1), 1, 0),
    ],
)
def test_layout(layout, data_stripes, physical):
    assert (layout.data_stripes, layout.physical(12)) == (data_stripes, physical)


def rows_of(machine):
    return json.loads(machine.tools["lvs"](machine, [])[1])["report"][0]["lv"]


def test_columns_that_a_compact_report_leaves_out_are_empty():
    machine = machine_with(data_volume(100, segment="raid1", stripes=2, copies=2))
    rows = [{key: value for key, value in row.items() if key != "origin"} for row in rows_of(machine)]
    machine.tools = {**machine.tools, "lvs": lambda _host, _args: (0, json.dumps({"report": [{"lv": rows}]}), "")}
    assert read_volume(HostOf(machine), "vg0", "data").layout == Layout("raid1", 2, 2)


@pytest.mark.parametrize("rows", [[], [{}], ["x"], [{"lv_uuid": "uuid-data", "segtype": "raid1", "seg_start_pe": "x"}]])
def test_layout_that_lvm_does_not_tell_is_not_guessed(rows):
    machine = machine_with(data_volume(100, segment="raid1", stripes=2, copies=2))
    machine.tools = {**machine.tools, "lvs": lambda _host, _args: (0, json.dumps({"report": [{"lv": rows}]}), "")}
    with pytest.raises(Refused, match="Cannot read") as refused:
        read_volume(HostOf(machine), "vg0", "data")
    assert refused.value.reason == "not_readable"
