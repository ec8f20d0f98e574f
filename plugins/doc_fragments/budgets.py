# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The budgets of a plan and of a run (the spec is OPTIONS in plugin_utils/planning/budgets.py)."""

    DOCUMENTATION = r"""
options:
  budgets:
    type: dict
    suboptions:
      actions:
        description: How many actions.
        type: int
      bytes:
        description: Bytes moved by migrations plus bytes newly given to volumes and to disks of guests, over the whole plan.
        type: int
      growth_bytes:
        description: Growth of one volume, or of the disks of one guest together, in one action, in bytes.
        type: int
      growth_fraction:
        description: Growth of one volume, or of one disk of a guest, in one action, as a fraction of its size.
        type: float
      failures:
        description: How many hosts may fail. With one more no further host gets actions.
        type: int
"""
