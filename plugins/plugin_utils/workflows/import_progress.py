# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress of long imports, one line every few seconds."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.history.files import TextFile
from ansible_collections.foresight.capacity.plugins.plugin_utils.logs import logger

_SECONDS = 5.0


class Progress:
    """Tells how far an import is: to the caller's function, and to the log.

    :param tell: called with one line; None: nobody looks on.
    """

    def __init__(self, tell: t.Callable[[str], None] | None) -> None:
        self._tell = tell
        self._begun = self._told = time.monotonic()

    def file(self, action: str, file: TextFile, rows: int) -> None:
        """Note how many rows of a file are done; a line is told only every few seconds."""
        self.note(lambda seconds: f"{action} {file.path}: {file.fraction():.0%}, {rows:,} rows, {rows / seconds:,.0f} rows/s")

    def note(self, line: t.Callable[[float], str]) -> None:
        """Tell a line, made of the seconds since the begin, unless the one before is only seconds old."""
        now = time.monotonic()
        if now - self._told < _SECONDS:
            return
        self._told = now
        text = line(now - self._begun)
        logger("store").info("%s", text)
        if self._tell is not None:
            self._tell(text)
