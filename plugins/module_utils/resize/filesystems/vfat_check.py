# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fsck.vfat (dosfstools 4) finds: its exit status is 1 for a missing label as for a destroyed file system, so its words are read."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Step

_GOOD = (0, 1)  # nothing found; found, and set right
_SUMMARY = re.compile(r".*: \d+ files, (\d+)/(\d+) clusters")
# What is no fault at all: the label is copied after each resize, and a backup sector that was not kept up is "mostly harmless".
_HARMLESS = re.compile(
    r"fsck\.fat \d.*"
    r"|There is no label in boot sector, but there is volume label .* stored in root directory"
    r"|Auto-copying volume label from root directory to boot sector\."
    r"|There are differences between boot sector and its backup\."
    r"|This is mostly harmless\. Differences: \(offset:original/backup\)"
    r"|(\d+:[0-9a-f]{2}/[0-9a-f]{2}(, )?)+"
    r"|Not automatically fixing this\."
    r"|Free cluster summary uninitialized \(should be \d+\)"
    r"|Leaving filesystem unchanged\."
    r"|Automatically removing dirty bit\."
    r"|Auto-correcting\."
)
# What fsck.vfat -a sets right without touching a file.
_FAULTS = re.compile(r"Dirty bit is set\..*|Free cluster summary wrong \(.*\)")


class Verdict(t.NamedTuple):
    """``faults`` can be set right without touching a file, ``damage`` is everything else."""

    free_clusters: int
    faults: list[str]
    damage: list[str]


def check(host: Host, device: str) -> Verdict:
    """A full check that changes nothing."""
    done = host.reading.run(["fsck.vfat", "-n", device], check=False)
    lines = [line.strip() for line in [*done.out.splitlines(), *done.err.splitlines()] if line.strip()]
    summary = next((found for found in map(_SUMMARY.fullmatch, lines) if found), None)
    unknown = [line for line in lines if not (_SUMMARY.fullmatch(line) or _HARMLESS.fullmatch(line) or _FAULTS.fullmatch(line))]
    if done.rc not in _GOOD or summary is None:
        said = f", saying {unknown[0]!r}" if unknown else ""
        return Verdict(0, [], [f"fsck.vfat -n ended with status {done.rc}{said}"])
    used, clusters = int(summary.group(1)), int(summary.group(2))
    found = [line.rstrip(".") for line in unknown] if done.rc else []
    return Verdict(clusters - used, [line for line in lines if _FAULTS.fullmatch(line)], found)


def repair(device: str) -> Step:
    """The step that sets right what can be set right without asking."""
    return Step("check_filesystem", "fsck_failed", ["fsck.vfat", "-a", device], _GOOD)
