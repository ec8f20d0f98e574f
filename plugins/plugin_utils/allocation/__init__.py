# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the free extents of each VG are shared among the volumes that will need them. Documents in, documents out; growth only."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.allocator import allocate

__all__ = ["allocate"]
