# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume without a file system that we know: only the volume grows, and only when it was named exactly."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import Options, Step
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume


class NoFileSystem:
    """Stands for what is on the volume; it has no size and no goal."""

    size: int | None = None

    def __init__(self, _host: Host, volume: Volume, options: Options) -> None:
        self._volume = volume
        self._options = options

    def goal(self, volume_size: int) -> int | None:
        return None

    def check_growth(self, volume_size: int) -> None:
        if not self._options.named_exactly:
            seen = (self._volume.lv["filesystem"] or {}).get("type")
            raise Refused(
                "unknown_filesystem",
                f"{self._volume.name} has {f'a signature of type {seen}' if seen else 'no file system'}: such a volume is grown only when it was named "
                f"exactly (O(named_exactly)), and never shrunk.",
            )

    def before_volume(self) -> list[Step]:
        return []

    def after_volume(self, volume_size: int) -> list[Step]:
        return []
