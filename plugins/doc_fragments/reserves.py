# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What is kept free on nodes of a cluster (the spec is reserve_arguments in module_utils/proxmox/reserves.py)."""

    DOCUMENTATION = r"""
options:
  reserve:
    description: What is kept free on each node.
    type: dict
    default: {}
    suboptions:
      cpu:
        description: Cores.
        type: float
        default: 0
      memory:
        description: Bytes.
        type: int
        default: 0
  reserves:
    description: The same for single nodes, by name; what is not told is as in O(reserve).
    type: dict
    default: {}
"""
