# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`greedy_tight`: every node close to the mean."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.band import into_band

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

WIDTH = 0.25


def greedy_tight(state: State, terms: Terms) -> None:
    """Bring all nodes within a quarter of the target spread of the mean, so that they are half of it apart at most.

    Its habits, and what goes wrong with them: balance beyond what was asked for costs moves that bring nothing; where guests are large beside
    the band, none of them fits between the two edges, and it stops far from the target.
    """
    into_band(state, terms, WIDTH)
