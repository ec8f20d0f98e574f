# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Amounts of bytes as people write them: `40 GiB`, `512M`, `1e9`."""

from __future__ import annotations

import re

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*(?:([kmgtpe]?)(i?)(b?)|(bytes?))", re.IGNORECASE)


def parse_bytes(value: str | int | float, *, option: str | None = None) -> int:
    """Return an amount in bytes.

    As in the LVM tools a unit counts in powers of 1024 (`40G`, `40GiB`); only the decimal spelling `40GB` counts in powers of 1000.

    :param value: a number of bytes or a text.
    :param option: name of the option the value came from, for the message.
    :raises InputError: for anything else, a negative amount included.
    """
    if isinstance(value, bool):
        raise _wrong(value, option)
    if isinstance(value, (int, float)):
        return _checked(value, value, option)
    match = _TEXT.fullmatch(str(value).strip())
    if not match:
        raise _wrong(value, option)
    number, prefix, binary, letter_b, _word = match.groups()
    power = _POWERS[(prefix or "").lower()]
    base = 1000 if letter_b and not binary else 1024
    exact = int(number) if number.isdecimal() else float(number)
    return _checked(exact * base**power, value, option)


def format_bytes(count: float) -> str:
    """Return an amount of bytes with its IEC unit and at most three significant decimals: `12.5 GiB`."""
    size, unit = float(abs(count)), 0
    while size >= 1023.995 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    digits = 0 if unit == 0 or size >= 999.5 else 1 if size >= 99.95 else 2
    text = f"{size:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{'-' if count < 0 else ''}{text} {_UNITS[unit]}"


def _checked(amount: float, value: object, option: str | None) -> int:
    if not 0 <= amount < float("inf"):
        raise _wrong(value, option)
    return round(amount)


def _wrong(value: object, option: str | None) -> InputError:
    where = f" (O({option}))" if option else ""
    return InputError(f"{value!r} is not an amount of bytes; needed is a number of bytes or a text such as 512M, '40 GiB', 1.5T{where}.")
