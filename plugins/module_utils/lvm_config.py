# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What LVM's configuration makes dmeventd do with thin pools and snapshots that fill up (lvm.conf(5), lvmthin(7))."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands, MissingTool

# dmeventd knows this as its own way; anything else is a program of the administrator's.
USUAL_COMMAND = "lvm lvextend --use-policies"
_SETTING = re.compile(r"^\s*([a-z_]+)=(.*?)\s*$", re.MULTILINE)


def read_settings(commands: Commands, profile: str | None) -> dict[str, str]:
    """The settings of the sections C(activation) and C(dmeventd) as they hold for volumes with this metadata profile.

    No root is needed. Without an answer, as for a profile that is gone, nothing is known: an empty mapping.
    """
    chosen = ["--metadataprofile", profile] if profile else []
    try:
        # Sections, not single settings: an older LVM fails on one that it does not know.
        result = commands.run(["lvm", "dumpconfig", "--type", "full", *chosen, "activation", "dmeventd"], check=False)
    except MissingTool:
        return {}
    return dict(_SETTING.findall(result.out)) if result.rc == 0 else {}


def tell_settings(entry: dict[str, t.Any], settings: dict[str, str]) -> None:
    """Write into an entry of C(lvs) with C(autoextend) what the settings say: fractions, and the command where it is not the usual one."""
    kind = "thin_pool" if entry["role"] == "pool" else "snapshot"
    command = settings.get("thin_command", "").strip('"') if kind == "thin_pool" else ""
    entry["autoextend"].update(
        monitoring=None if "monitoring" not in settings else settings["monitoring"] != "0",
        threshold=_percentage(settings.get(f"{kind}_autoextend_threshold")),
        step=_percentage(settings.get(f"{kind}_autoextend_percent")),
        command=command if command not in ("", USUAL_COMMAND) else None,
    )


def _percentage(text: str | None) -> float | None:
    return int(text) / 100 if text is not None and text.isdecimal() else None
