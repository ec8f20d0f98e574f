# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Metrics, their units, and the conversion of other units into them."""

from __future__ import annotations

import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import parse_bytes

BYTES = "bytes"
RATE = "bytes_per_second"
CORES = "cores"
FRACTION = "fraction"
SECONDS = "seconds"
COUNT = "count"

# What is larger is no measurement; its square, which a database needs for a mean, is no number any more.
LARGEST = 1e100

# The ending of a metric's name says its unit (DESIGN: the unit is in the name).
_SUFFIXES = (
    ("_bytes_per_second", RATE),
    ("_bytes", BYTES),
    ("_cores", CORES),
    ("_cores_limit", CORES),
    ("_fraction", FRACTION),
    ("_pressure", FRACTION),
    ("_seconds", SECONDS),
)
_COUNTS = ("inodes_used", "load_1", "pids")

_FACTORS = {
    CORES: {"cores": 1.0, "core": 1.0, "millicores": 1e-3, "percent_of_core": 1e-2},
    FRACTION: {"fraction": 1.0, "percent": 1e-2, "%": 1e-2},
    SECONDS: {
        "s": 1.0,
        "seconds": 1.0,
        "ms": 1e-3,
        "milliseconds": 1e-3,
        "us": 1e-6,
        "microseconds": 1e-6,
        "minutes": 60.0,
        "hours": 3600.0,
    },
    COUNT: {"count": 1.0, "thousands": 1e3},
}
_BITS = {"bit": 1.0, "kbit": 1e3, "Mbit": 1e6, "Gbit": 1e9}
_LISTED = {
    BYTES: "B, kB, MB, GB, TB (powers of 1000), K, KiB, MiB, GiB, TiB (powers of 1024), sectors (512 bytes)",
    RATE: "B/s, kB/s, MB/s, KiB/s, MiB/s, GiB/s, bit/s, kbit/s, Mbit/s, Gbit/s",
}


class Conversion(t.NamedTuple):
    """How the values of one column become samples: multiplied by factor, then not below 0 and not above upper."""

    metric: str
    unit: str
    factor: float
    nonnegative: bool
    upper: float


def unit_of(metric: str) -> str | None:
    """Return the unit a metric's name tells, None for a metric whose name tells none (of a KPI, say)."""
    if metric in _COUNTS:
        return COUNT
    return next((unit for suffix, unit in _SUFFIXES if metric.endswith(suffix)), None)


def conversion(metric: str, unit: str | None) -> Conversion:
    """Return how values in a unit become samples of the metric.

    :param unit: the unit of the values; None: they are in the metric's own unit.
    :raises InputError: for an unknown unit or one that does not measure the same.
    """
    wanted = unit_of(metric)
    found, factor = (wanted or COUNT, 1.0) if unit is None else _parse(unit, metric, wanted)
    if wanted is not None and found != wanted:
        raise _wrong(unit, metric, wanted)
    upper = 1.0 if found == FRACTION else 2.0**63 if wanted is not None else LARGEST
    return Conversion(metric, found, factor, wanted is not None, upper)


def _parse(unit: str, metric: str, wanted: str | None) -> tuple[str, float]:
    text = unit.strip()
    if text in (BYTES, RATE):
        return text, 1.0
    if text == "sectors":
        return BYTES, 512.0
    for name, factors in _FACTORS.items():
        if text in factors:
            return name, factors[text]
    for per_second in ("/s", "ps"):
        if text.endswith(per_second):
            amount = text[: -len(per_second)]
            if amount in _BITS:
                return RATE, _BITS[amount] / 8
            return RATE, _byte_factor(amount, unit, metric, wanted)
    return BYTES, _byte_factor(text, unit, metric, wanted)


def _byte_factor(text: str, unit: str, metric: str, wanted: str | None) -> float:
    # A small b is a bit to one and a byte to another.
    if not text or not text.isalpha() or text.endswith("b"):
        raise _wrong(unit, metric, wanted)
    try:
        return float(parse_bytes(f"1{text}"))
    except InputError:
        raise _wrong(unit, metric, wanted) from None


def _wrong(unit: str | None, metric: str, wanted: str | None) -> InputError:
    kinds = (wanted,) if wanted else (BYTES, RATE, *_FACTORS)
    needed = "; ".join(_LISTED.get(kind) or ", ".join(_FACTORS[kind]) for kind in kinds)
    return InputError(f"The unit {unit!r} does not fit the metric {metric}; needed is one of: {needed} (O(columns), O(metrics)).")
