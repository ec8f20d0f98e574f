# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading files of the target: what is missing or closed to us reads as nothing, never as an error."""

from __future__ import annotations

import os


class TargetFiles:
    """Files below ``root``; everything is asked for by its absolute path on the target."""

    def __init__(self, root: str = "/") -> None:
        self._root = root

    def path(self, path: str) -> str:
        """Where a file of the target lies for us."""
        return os.path.join(self._root, path.lstrip("/"))

    def text(self, path: str) -> str | None:
        """Content of a file; None when it is missing, closed to us, or its reading fails (a kernel file without its feature)."""
        try:
            with open(self.path(path), "rb") as stream:
                return stream.read().decode("utf-8", "surrogateescape")
        except OSError:
            return None

    def lines(self, path: str) -> list[str]:
        """Lines of a file, none when it cannot be read."""
        # Only a line feed ends a line in kernel files: a mount point may hold what splitlines() takes for an end as well.
        text = (self.text(path) or "").rstrip("\n")
        return text.split("\n") if text else []

    def names(self, path: str) -> list[str]:
        """Sorted names in a directory, none when it cannot be read."""
        try:
            return sorted(os.listdir(self.path(path)))
        except OSError:
            return []

    def link(self, path: str) -> str | None:
        """Where a symbolic link points to."""
        try:
            return os.readlink(self.path(path))
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether there is something at this path that we may see."""
        return os.path.exists(self.path(path))

    def is_directory(self, path: str) -> bool:
        """Whether there is a directory at this path that we may see."""
        return os.path.isdir(self.path(path))

    def is_closed(self, path: str) -> bool:
        """Whether a directory exists but we may not look into it."""
        return self.is_directory(path) and not os.access(self.path(path), os.R_OK | os.X_OK)


def integer(text: str | None) -> int | None:
    """A whole number as kernel files write it; None for anything else (C(max), nothing)."""
    try:
        return int((text or "").strip())
    except ValueError:
        return None


def printable(text: str) -> str:
    """A name as it can be shown and sent: bytes that are no UTF-8 become a replacement character."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
