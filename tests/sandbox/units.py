"""Sizes: of disks as the configuration writes them, and as migration logs write them."""

from __future__ import annotations

import re

_FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)(?:iB)?")


def parse_size(text: str) -> int:
    """Bytes of ``8G``; 0 where the text is no size."""
    match = _SIZE.fullmatch(text)
    return int(float(match[1]) * _FACTORS[match[2]]) if match else 0


def format_size(size: int) -> str:
    """A disk's size in the largest unit that divides it evenly."""
    for unit in "TGMK":
        if size and size % _FACTORS[unit] == 0:
            return f"{size // _FACTORS[unit]}{unit}"
    return str(size)


def render_bytes(size: float) -> str:
    """A size as the migration log writes it: one decimal, base 1024."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            return f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} PiB"


def duration(seconds: float) -> str:
    """HH:MM:SS of whole seconds."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
