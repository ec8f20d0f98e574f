# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user allows."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Margin


class Options(t.NamedTuple):
    """Permissions of one task; nothing is allowed by default. ``margin``: what stays free above what a shrunk file system uses."""

    allow_fsck: bool = False
    allow_mount: bool = False
    allow_shrink: bool = False
    allow_unmount: bool = False
    named_exactly: bool = False
    margin: Margin = Margin(percent=10.0)
