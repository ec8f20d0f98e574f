# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import axis_unit, change_text, from_now, moment, some


def test_times_are_utc_and_say_so():
    assert (moment(1_763_700_000), moment(None)) == ("2025-11-21 04:40 UTC", "–")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "now"), (59, "now"), (95, "in 1m 35s"), (1772, "in 30m"), (-3600, "1h ago"), (90000, "in 1d 1h")]
)
def test_how_far_a_time_is_away(seconds, text):
    assert from_now(1000 + seconds, 1000) == text


@pytest.mark.parametrize(
    ("values", "unit"),
    [([], ("B", 1)), ([None], ("B", 1)), ([1023, None], ("B", 1)), ([5, 2**20], ("MiB", 2**20)), ([2**70], ("PiB", 2**50))],
)
def test_the_unit_of_an_axis(values, unit):
    assert axis_unit(values) == unit


def test_long_lists_are_cut():
    assert some(["a", "b", "c"], 2) == "a, b and 1 more"
    assert some(["a"]) == "a"


GIB, MIB = 2**30, 2**20


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ({"kind": "lv_resize", "from": {"size": 8 * GIB}, "to": {"size": 12 * GIB}}, "8 GiB → 12 GiB"),
        (
            {"kind": "lv_resize", "from": {"size": 8 * GIB, "metadata_size": 8 * MIB}, "to": {"size": 12 * GIB, "metadata_size": 16 * MIB}},
            "8 GiB → 12 GiB, metadata 8 MiB → 16 MiB",
        ),
        (
            {"kind": "lv_resize", "from": {"size": 8 * GIB, "metadata_size": 8 * MIB}, "to": {"size": 8 * GIB, "metadata_size": 16 * MIB}},
            "metadata 8 MiB → 16 MiB",
        ),
        (
            {"kind": "lv_resize", "from": {"size": 8 * GIB, "metadata_size": 8 * MIB}, "to": {"size": 12 * GIB, "metadata_size": 8 * MIB}},
            "8 GiB → 12 GiB",
        ),
        ({"kind": "vg_extend", "bytes": 4 * GIB}, "add 4 GiB to the VG"),
        ({"kind": "vg_extend", "bytes": 4 * GIB, "to": "/dev/sdc"}, "add /dev/sdc to the VG"),
        ({"kind": "lv_move", "from": "vg0", "to": "vg1"}, "move from vg0 to vg1"),
    ],
)
def test_changes_in_words(action, text):
    assert change_text(action) == text
