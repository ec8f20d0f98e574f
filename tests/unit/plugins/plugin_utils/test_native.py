# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible, to_native


def test_what_goes_out_has_null_where_there_is_no_number() -> None:
    assert to_native({"a": [math.nan, math.inf, np.float32(1.5)], "b": np.array([1.0, np.nan])}) == {
        "a": [None, None, 1.5],
        "b": [1.0, None],
    }


def test_what_comes_in_keeps_what_is_no_number_for_its_reader_to_refuse() -> None:
    told = from_ansible({"max_bytes": math.nan, "more": [{"gpu": -math.inf}]})
    assert math.isnan(told["max_bytes"])
    assert told["more"] == [{"gpu": -math.inf}]


def test_dates_of_yaml_come_in_as_texts() -> None:
    assert from_ansible({datetime.date(2026, 1, 2): datetime.datetime(2026, 1, 2, 3, 4, 5)}) == {"2026-01-02": "2026-01-02T03:04:05"}


@pytest.mark.parametrize("value", [b"x", 1j, {"a": [b"x"]}, {(1, 2): 3}])
def test_what_no_document_can_hold_is_told(value: object) -> None:
    with pytest.raises(InputError, match="needed are texts, numbers, true, false, null, lists and mappings of them"):
        from_ansible(value)


def test_what_is_nested_without_end_is_told() -> None:
    deep: list[object] = []
    deep.append(deep)
    with pytest.raises(InputError, match="nested too deeply"):
        from_ansible(deep)
