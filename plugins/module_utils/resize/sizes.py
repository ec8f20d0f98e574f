# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes as people write and read them: binary units only, as LVM means them."""

from __future__ import annotations

import math
import re
import typing as t

_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
_POWER = {unit[0]: power for power, unit in enumerate(_UNITS)}
_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*(?:([BKMGTPE])(iB)?)?", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")
_RESERVE = re.compile(r"([0-9]+(?:\.[0-9]+)?(?=\s*%)|[0-9]+)\s*(%|extents?)")


def parse_size(text: str) -> int:
    """Bytes of a size such as V(42949672960), V(40 GiB), V(40G) or V(1.5T).

    Raises ValueError for anything else, for V(40 GB) too: it means 40·10⁹ to some and 40·2³⁰ to others.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found or (found.group(4) and found.group(3).upper() == "B"):
        raise ValueError(
            f"{text!r} is not a size; write bytes, or a number with KiB, MiB, GiB, TiB or PiB (or K, M, G, T, P), such as 40 GiB"
        )
    whole, fraction, unit = found.group(1), found.group(2) or "", (found.group(3) or "B").upper()
    scaled = int(whole + fraction) * 1024 ** _POWER[unit]
    # Rounded up: nobody shall get less than asked for.
    return -(-scaled // 10 ** len(fraction))


class Reserve(t.NamedTuple):
    """What a volume group keeps free: a number of extents, an amount of bytes or a share of all its extents."""

    extents: int = 0
    size: int = 0
    percent: float = 0.0

    def in_extents(self, all_extents: int, extent_bytes: int) -> int:
        """Whole extents of a group of that many extents; rounded up."""
        return self.extents + -(-self.size // extent_bytes) + math.ceil(all_extents * self.percent / 100 - 1e-9)


def parse_reserve(text: str) -> Reserve:
    """Read V(5%), V(20 extents), or an amount such as V(10 GiB).

    Raises ValueError for anything else.
    """
    found = _RESERVE.fullmatch(text.strip())
    if found is None:
        return Reserve(size=parse_size(text))
    if found.group(2) != "%":
        return Reserve(extents=int(found.group(1)))
    percent = float(found.group(1))
    if percent > 100:
        raise ValueError(f"{text!r} is more than all of the volume group; write 0% to 100%")
    return Reserve(percent=percent)


class Margin(t.NamedTuple):
    """What a shrunk file system keeps above what it uses: an amount of bytes or a share of them."""

    size: int = 0
    percent: float = 0.0

    def in_bytes(self, used: int) -> int:
        """Bytes of it for so many bytes in use; rounded up."""
        return self.size + math.ceil(used * self.percent / 100 - 1e-9)


def parse_margin(text: str) -> Margin:
    """Read V(10%), or an amount such as V(1 GiB).

    Raises ValueError for anything else.
    """
    if not text.strip().endswith("%"):
        return Margin(size=parse_size(text))
    found = _PERCENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a margin; write a share such as 10%, or an amount such as 1 GiB")
    return Margin(percent=float(found.group(1)))


def human(size: int) -> str:
    """A size in the largest unit that it fills, with two decimals at most."""
    power = 0
    while power < len(_UNITS) - 1 and size >= 1024 ** (power + 1):
        power += 1
    number = f"{size / 1024**power:.2f}".rstrip("0").rstrip(".") if power else str(size)
    return f"{number} {_UNITS[power]}"
