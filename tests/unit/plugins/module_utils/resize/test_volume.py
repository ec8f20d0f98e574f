# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Layout


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
