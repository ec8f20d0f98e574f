# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A volume without a file system that we know: only the volume grows, and only when it was named exactly."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume


class NoFileSystem:
    """Stands for what is on the volume; it has no size and no goal."""

    size: int | None = None

    def __init__(self, _host: Host, volume: Volume, options: Options) -> None:
        self._volume = volume
        self._options = options
        self.places = volume.mountpoints

    def goal(self, volume_size: int) -> int | None:
        return None

    def growth(self, volume_size: int) -> Procedure:
        if not self._options.named_exactly:
            raise Refused(
                "unknown_filesystem",
                f"{self._seen()}: such a volume is grown only when it was named exactly (O(named_exactly)), and never shrunk.",
            )
        return Procedure()

    def shrinkage(self, volume_size: int) -> Procedure:
        raise Refused(
            "shrink_not_supported", f"{self._seen()}: such a volume is never made smaller, for nobody can tell what would be lost."
        )

    def trouble(self) -> str | None:
        return None

    def _seen(self) -> str:
        seen = (self._volume.lv["filesystem"] or {}).get("type")
        return f"{self._volume.name} has {f'a signature of type {seen}' if seen else 'no file system'}"
