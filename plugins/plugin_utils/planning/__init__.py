# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans: documents in, documents out. No store, no files, no clock."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.build import DEFAULT_EXPIRY, build_plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import summary_lines
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.identity import action_id, inventory_digest, plan_id
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.render import load_yaml, render_yaml
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.validate import validate_plan

__all__ = [
    "DEFAULT_EXPIRY",
    "action_id",
    "build_plan",
    "inventory_digest",
    "load_yaml",
    "plan_id",
    "render_yaml",
    "summary_lines",
    "validate_plan",
]
