# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept free on a node, as the options C(reserve) and C(reserves) tell it."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure


def read_reserve(node: str, told: t.Any) -> t.Dict[str, float]:
    """Cores and bytes of O(reserve), or of one node of O(reserves).

    :raises Failure: for anything that makes no sense, naming the option.
    """
    option = f"O(reserves.{node})" if node else "O(reserve)"
    found: t.Dict[str, float] = {}
    try:
        for key, value in told.items():
            if key not in ("cpu", "memory"):
                raise ValueError(key)
            if value is not None:
                found[key] = float(value)
        if not all(0 <= value < float("inf") for value in found.values()):
            raise ValueError("range")
    except (AttributeError, TypeError, ValueError):
        raise Failure(
            failures.PARAMETERS, f"{option} is {told!r}", "Needed are cpu (cores) and memory (bytes), not below 0", sent=False
        ) from None
    return found
