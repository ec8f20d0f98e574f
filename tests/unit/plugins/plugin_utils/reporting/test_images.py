# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io

import matplotlib.image
import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.groups import GroupView, Part
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.images import (
    GROUPS_DRAWN,
    SOFTWARE,
    groups_png,
    origin_text,
    volume_png,
)


def shape(data):
    assert data.startswith(b"\x89PNG")
    height, width, _colours = matplotlib.image.imread(io.BytesIO(data), format="png").shape
    return height, width


def test_a_volume_with_everything(samples):
    volume = samples.view("da$ta$", synthetic=True)
    volume.planned_size, volume.verdict = 16 * samples.GIB, "grows: 12 GiB → 16 GiB"
    data = volume_png(volume, samples.NOW)
    assert shape(data) == (484, 990)
    assert SOFTWARE.encode() in data[:512]


def test_a_volume_with_only_a_history_and_holes_in_it(samples):
    volume = samples.view(known={})
    volume.history = volume.history._replace(used=[None, *volume.history.used[1:]], limit=[None] * 24)
    assert shape(volume_png(volume, samples.NOW)) == (484, 990)
    with pytest.raises(ValueError, match="no history"):
        volume_png(samples.view(history=False), samples.NOW)


def test_a_horizon_that_is_over_is_still_drawn(samples):
    assert shape(volume_png(samples.view(now=samples.NOW + 10**6), samples.NOW + 10**6)) == (484, 990)


def test_the_figure_of_the_groups_grows_with_them_up_to_a_limit():
    groups = [GroupView(f"vg:h{number}/vg0", 100, [Part("a", 40, 10), Part("other", 1, 0)], 59, ["shared with b"]) for number in range(200)]
    assert shape(groups_png(groups[:1])) == (239, 990)
    assert shape(groups_png(groups)) == shape(groups_png(groups[:GROUPS_DRAWN]))


@pytest.mark.parametrize(
    ("recorded", "told"),
    [(None, ""), ({"shifted_by": 0}, " (recorded)"), ({"shifted_by": 3600, "source": "lab.jsonl.gz"}, " (recorded, moved to now)")],
)
def test_only_a_recording_whose_times_were_shifted_is_called_moved(samples, recorded, told):
    assert origin_text(samples.view(recorded=recorded)) == told
