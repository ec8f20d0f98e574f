# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`greedy_loose`: no node far from the mean."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.band import into_band

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Terms

WIDTH = 2.0


def greedy_loose(state: State, terms: Terms) -> None:
    """Bring all nodes within twice the target spread of the mean, so that they may remain four times the target apart.

    Its habits, and what goes wrong with them: it moves few guests, for it is content early; the target is not reached, and large guests first
    leave the gaps that only small ones would fill.
    """
    into_band(state, terms, WIDTH)
