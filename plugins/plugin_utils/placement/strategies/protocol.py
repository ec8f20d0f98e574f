# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every strategy is: a function that moves items of a state, in place, towards balance.

What it is asked for stands in two places: which resources count, how much, and how far apart nodes may be, in the problem of the state; what
it may spend for it, in the terms. What is in breach of a rule has been moved before (`Search.settle`).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import np

if t.TYPE_CHECKING:
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Bools
    from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.state import State


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """free: [m] items that may be moved for balance; max_moves, max_bytes: by how many guests and bytes the moves of the state may grow, None =
    by any; seed: of what a strategy leaves to chance."""

    free: Bools
    max_moves: int | None = None
    max_bytes: float | None = None
    seed: int = 0

    def random(self) -> np.random.Generator:
        """Return a generator that begins anew with the seed."""
        return np.random.default_rng(self.seed)


class Strategy(t.Protocol):
    """Moves only items that are free, only where they fit, within the terms; a state in which nothing was moved, whose spread is
    within the target and in which nothing is in breach is left as it is.

    The same state and terms give the same moves.
    """

    def __call__(self, state: State, terms: Terms) -> None:
        """Change the state by `State.move`."""
