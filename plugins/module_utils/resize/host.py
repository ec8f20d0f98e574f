# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a resize needs of the machine it runs on."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed, Commands, MissingTool
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, unreadable
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

_SEGMENT_FIELDS = ("lv_uuid", "lv_name", "lv_attr", "lv_size", "origin", "segtype", "stripes", "data_copies", "seg_start_pe")


class Host:
    """The target: ``reading`` commands, ``changing`` commands, its ``files``, and the document C(foresight_lvm) as it is now."""

    def __init__(
        self, reading: Commands, changing: Commands, read_lvm: t.Callable[[], dict[str, t.Any]], files: TargetFiles | None = None
    ) -> None:
        self.reading = reading
        self.changing = changing
        self.read_lvm = read_lvm
        self.files = files or TargetFiles()

    def segments(self, vg: str) -> list[dict[str, str]]:
        """One row of strings per segment of every volume of the group, hidden ones included; sizes in bytes."""
        options = ["--options", ",".join(_SEGMENT_FIELDS)]
        command = ["lvm", "lvs", "--all", "--reportformat", "json", "--units", "b", "--nosuffix", *options, vg]
        try:
            answer = self.reading.run(command).out
            rows = [row for report in json.loads(answer)["report"] for row in report["lv"]]
            # A compact report (lvm.conf) leaves out a column that is empty for every volume.
            return [{field: row.get(field, "") for field in _SEGMENT_FIELDS} for row in rows]
        except (CommandFailed, ValueError, KeyError, TypeError, AttributeError) as failed:
            raise unreadable(f"the volumes of {vg}", failed) from failed

    def require(self, tool: str) -> None:
        """Refuse when a tool is missing, before anything has been changed."""
        if self.reading.find(tool) is None:
            raise missing(MissingTool(tool))

    def read_bytes(self, device: str, offset: int, count: int) -> bytes:
        """So many bytes of a device. Raises Refused (C(not_readable)) when they cannot be read."""
        try:
            with open(self.files.path(device), "rb", buffering=0) as stream:
                stream.seek(offset)
                found = stream.read(count)
        except OSError as failed:
            raise unreadable(device, failed) from failed
        if len(found) < count:
            raise Refused("not_readable", f"Cannot read {device}: it ends before byte {offset + count}.")
        return found

    def carries(self, device: str, mountpoint: str) -> bool:
        """Whether the file system that one sees at this mount point is the one on this device, and no other mounted over it."""
        try:
            return os.stat(mountpoint).st_dev == os.stat(device).st_rdev
        except OSError:
            # A name whose bytes are no UTF-8 cannot be told here; a mount that does not answer carries nothing for us.
            return False

    def is_read_only(self, mountpoint: str) -> bool:
        """Whether nothing can be changed through this mount point, even where the file system is writable at another one."""
        try:
            return bool(os.statvfs(mountpoint).f_flag & os.ST_RDONLY)
        except OSError:
            return True


def missing(error: MissingTool) -> Refused:
    """The refusal for a tool that is not there."""
    return Refused(
        "missing_tool",
        f"{error.tool} was not found: install the package {error.package}, or name its directory in O(search_path). Nothing was changed.",
    )
