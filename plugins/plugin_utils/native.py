# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conversion at the border to Ansible: built-in types out, plain containers in."""

from __future__ import annotations

import dataclasses
import math
import typing as t
from collections.abc import Mapping, Sequence, Set


def to_native(value: t.Any) -> t.Any:
    """Return value with numpy scalars and arrays, dataclasses and tuples turned into built-in types.

    ansible-core refuses anything else in results. NaN and infinities become null (JSON has no word for them).

    :raises TypeError: for an object that has no built-in counterpart.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(key): to_native(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_native(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return to_native(value._asdict())
    if isinstance(value, Set):
        return sorted(to_native(item) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [to_native(item) for item in value]
    if hasattr(value, "tolist"):
        return to_native(value.tolist())
    raise TypeError(f"{type(value).__name__} has no built-in counterpart: {value!r:.80}")


def from_ansible(value: t.Any) -> t.Any:
    """Return a plain copy of a value that came from Ansible (its tagged containers cannot be pickled)."""
    return to_native(value)


def _key(key: t.Any) -> t.Any:
    return str(key) if isinstance(key, str) else to_native(key)
