# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Conversion at the border to Ansible: built-in types out, plain containers in."""

from __future__ import annotations

import dataclasses
import datetime
import math
import typing as t
from collections.abc import Callable, Mapping, Sequence, Set

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError


def to_native(value: t.Any) -> t.Any:
    """Return value with numpy scalars and arrays, dataclasses and tuples turned into built-in types.

    ansible-core refuses anything else in results. NaN and infinities become null (JSON has no word for them).

    :raises TypeError: for an object that has no built-in counterpart.
    """
    return _plain(value, _told)


def from_ansible(value: t.Any) -> t.Any:
    """Return a plain copy of a value that came from Ansible (its tagged containers cannot be pickled).

    NaN and infinities stay what they are, for the reader of the field to refuse: as null they would be an option that was not given. YAML's dates
    become texts.

    :raises InputError: for what no document can hold, such as bytes.
    """
    try:
        return _plain(value, float)
    except TypeError as error:
        raise InputError(f"{error}; needed are texts, numbers, true, false, null, lists and mappings of them.") from error
    except RecursionError as error:
        raise InputError(
            "A value is nested too deeply to be read; needed are lists and mappings as the documentation shows them."
        ) from error


def _plain(value: t.Any, number: Callable[[float], float | None]) -> t.Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return {_plain(key, number): _plain(item, number) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name), number) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _plain(value._asdict(), number)
    if isinstance(value, Set):
        return sorted(_plain(item, number) for item in value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_plain(item, number) for item in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), number)
    raise TypeError(f"{type(value).__name__} has no built-in counterpart: {value!r:.80}")


def _told(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
