# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.report_files import figure_name

NAMES = st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1), min_size=3, max_size=3).map(
    "/".join
)


def test_plain_names_stay_readable():
    assert figure_name("web1.example/vg0/data") == "volume-web1.example_vg0_data.png"


@given(NAMES, NAMES)
def test_any_name_is_a_file_name_and_two_volumes_never_share_one(one, other):
    assert re.fullmatch(r"volume-[A-Za-z0-9._-]{1,170}\.png", figure_name(one))
    assert (figure_name(one) == figure_name(other)) == (one == other)


def test_names_that_look_alike_without_their_odd_letters():
    assert len({figure_name(name) for name in ("a/b_c/d", "a_b/c/d", "a/b/c_d", "a/b c/d", "a/bäc/d", "a/b/c/d", "x" * 300 + "/a/b")}) == 7
