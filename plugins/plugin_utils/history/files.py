# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text files, packed or not, read as streams with their position known."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import typing as t
import zlib

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

_PACKERS: tuple[tuple[bytes, t.Callable[..., t.Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"BZh", bz2.open),
)


class TextFile:
    """An open text file; the fraction of it that was read is known also where it is packed."""

    def __init__(self, path: str, lines: t.TextIO, raw: t.BinaryIO, size: int) -> None:
        self.path = path
        self.lines = lines
        self._raw = raw
        self._size = size

    def fraction(self) -> float:
        """Return which part of the file was read, 0..1."""
        return min(1.0, self._raw.tell() / self._size) if self._size else 1.0


@contextlib.contextmanager
def open_text(path: str, *, encoding: str = "utf-8-sig") -> t.Iterator[TextFile]:
    """Open a text file, unpacking gzip, xz and bzip2 (recognised by their first bytes, not by the name).

    :raises InputError: if it is missing, empty, damaged, or holds bytes that are no text in this encoding.
    """
    try:
        size = os.path.getsize(path)
        raw: t.BinaryIO = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror} (O(path)).") from error
    with raw:
        if os.path.isfile(path) and size == 0:
            raise InputError(f"{path} is empty; needed is a file with at least one row (O(path)).")
        try:
            with _decoded(_unpacked(raw), encoding) as lines:
                yield TextFile(path, lines, raw, size)
        except UnicodeDecodeError as error:
            seen = bytes(error.object)[int(error.start) :].hex(" ")[:11]
            raise InputError(
                f"{path} holds bytes that are no {error.encoding} text ({seen}); "
                "name its encoding, such as latin-1 or cp1252 (O(encoding))."
            ) from error
        except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, OSError) as error:
            raise InputError(f"{path} is damaged or cut off: {error} (O(path)).") from error


def _decoded(raw: t.BinaryIO, encoding: str) -> t.TextIO:
    try:
        return io.TextIOWrapper(raw, encoding=encoding, newline="")
    except LookupError as error:
        raise InputError(f"Unknown encoding {encoding!r} (O(encoding)).") from error


def _unpacked(raw: t.BinaryIO) -> t.BinaryIO:
    start = raw.read(6)
    raw.seek(0)
    for magic, opener in _PACKERS:
        if start.startswith(magic):
            return t.cast(t.BinaryIO, opener(raw))
    return raw
