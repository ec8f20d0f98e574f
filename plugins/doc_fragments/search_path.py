# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Option of every module that runs tools on the target (the spec is search_path_arguments in module_utils/arguments.py)."""

    DOCUMENTATION = r"""
options:
  search_path:
    description:
      - Directories to search for the tools first, before E(PATH) and the usual system directories.
    type: list
    elements: path
    default: []
"""
