# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room on targets: what is free there, less what other moves of this run were promised."""

from __future__ import annotations

import threading
import typing as t

# A node's memory, or one of its storages.
Place = t.Tuple[str, str]
MEMORY = ""


class Rooms:
    """Promises of a run. Threads may share it."""

    def __init__(self) -> None:
        self._promised: t.Dict[str, t.Dict[Place, int]] = {}
        self._foretold: t.Dict[Place, int] = {}
        self._guard = threading.Lock()

    def promise(self, move: str, needs: t.Mapping[Place, int], free: t.Mapping[Place, int]) -> t.Optional[t.Tuple[Place, int, bool]]:
        """Keep room for a move; None when it has it. Else the place that lacks it, what it has, and whether others were promised some of it."""
        with self._guard:
            for place, need in needs.items():
                taken = sum(one.get(place, 0) for name, one in self._promised.items() if name != move)
                left = free[place] - taken - self._foretold.get(place, 0)
                if need > left:
                    return place, left, taken > 0
            self._promised[move] = dict(needs)
            return None

    def give_back(self, move: str) -> None:
        """The move has ended: what it took is seen on the node."""
        with self._guard:
            self._promised.pop(move, None)

    def foretell(self, taken: t.Mapping[Place, int], freed: t.Mapping[Place, int]) -> None:
        """Check mode: a move would take room, and leave some."""
        with self._guard:
            for place, amount in taken.items():
                self._foretold[place] = self._foretold.get(place, 0) + amount
            for place, amount in freed.items():
                self._foretold[place] = self._foretold.get(place, 0) - amount
