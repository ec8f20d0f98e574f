# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pressure stall information (PSI): how long tasks waited for CPU, memory and disks."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles

RESOURCES = ("cpu", "memory", "io")


def read_pressure(files: TargetFiles, pattern: str) -> dict[str, t.Any] | None:
    """Pressure by resource, from files named by ``pattern`` with the resource for its C({}).

    Averages are percentages as the kernel writes them, totals are seconds. None where the kernel has no PSI, or it is switched off.
    """
    found = {resource: parse_pressure(files.text(pattern.format(resource))) for resource in RESOURCES}
    present = {resource: values for resource, values in found.items() if values}
    return present or None


def parse_pressure(text: str | None) -> dict[str, dict[str, float]]:
    """The lines C(some) and C(full) of one pressure file; C(full) is missing for the CPU on kernels before 5.13."""
    lines: dict[str, dict[str, float]] = {}
    for line in (text or "").splitlines():
        kind, *fields = line.split()
        values = dict(field.split("=", 1) for field in fields)
        lines[kind] = {
            "avg10": float(values["avg10"]),
            "avg60": float(values["avg60"]),
            "avg300": float(values["avg300"]),
            "total_seconds": int(values["total"]) / 1e6,
        }
    return lines
