# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How well a forecast did once the future is known."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.forecasting.past import Floats

MIN_VALUES, MAX_OUTSIDE, MAX_LOSS_RATIO = 4, 0.5, 2.0


def scored_badly(actual: Floats, quantiles: Floats, levels: Floats, *, unit: float, expected: float) -> bool:
    """Return whether a forecast was clearly worse than its backtest promised, so that its model should be chosen anew.

    It was, when more than half of at least four known values lie outside its outermost quantiles, and its loss is more than twice
    the expected one.

    :param actual: [h] what came, NaN = not known.
    :param quantiles: [q, h] what was said.
    :param levels: [q] ascending.
    :param unit: size of the series' usual change; `expected` is in this unit (mean of 2 × pinball loss over levels and steps).
    """
    known = ~np.isnan(actual)
    if np.count_nonzero(known) < MIN_VALUES:
        return False
    values, said, level = actual[known], quantiles[:, known], levels[:, None]
    outside = float(((values < said[0]) | (values > said[-1])).mean())
    wrong = values - said
    loss = float((2.0 * np.maximum(level * wrong, (level - 1.0) * wrong)).mean())
    return outside > MAX_OUTSIDE and loss > MAX_LOSS_RATIO * expected * unit


def usual_change(values: Floats) -> float:
    """Return the mean absolute change of a series [T] from one known value to the next, 0 for less than two."""
    known = values[~np.isnan(values)]
    return float(np.abs(np.diff(known)).mean()) if len(known) > 1 else 0.0
