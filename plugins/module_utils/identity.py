# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machine a facts document comes from, and since when it runs."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


def document_header(schema: str, files: TargetFiles, now: int) -> dict[str, t.Any]:
    """The keys that every facts document begins with; ``now`` is the target's clock in UTC seconds."""
    return {
        "schema": schema,
        "observed_at": int(now),
        "machine_id": machine_id(files),
        "boot_id": boot_id(files),
    }


def machine_id(files: TargetFiles) -> str | None:
    """The id of the installation (machine-id(5)); None where none was ever written."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        text = (files.text(path) or "").strip()
        if len(text) == 32:
            return text
    return None


def boot_id(files: TargetFiles) -> str | None:
    """The id of this boot: counters of two documents may be subtracted only where it is the same."""
    text = (files.text("/proc/sys/kernel/random/boot_id") or "").strip()
    return text or None
