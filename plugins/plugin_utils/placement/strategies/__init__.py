# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The strategies by their names."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.annealing import annealing
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.bin_pack import bin_pack
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.exact import exact
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.foresight import foresight
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.genetic import genetic
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.greedy import greedy
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.greedy_batch import greedy_batch
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.greedy_loose import greedy_loose
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.greedy_tight import greedy_tight
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.min_cost_flow import min_cost_flow
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.strategies.protocol import Strategy

STRATEGIES: dict[str, Strategy] = {
    "foresight": foresight,
    "greedy": greedy,
    "greedy_batch": greedy_batch,
    "greedy_tight": greedy_tight,
    "greedy_loose": greedy_loose,
    "bin_pack": bin_pack,
    "genetic": genetic,
    "annealing": annealing,
    "min_cost_flow": min_cost_flow,
    "exact": exact,
}
