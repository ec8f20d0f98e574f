# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logging to console and file, with levels, under five categories."""

from __future__ import annotations

import logging
import re
import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

CATEGORIES = ("store", "lvm", "guests", "ansible", "main")
LEVELS = ("debug", "info", "warning", "error")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def logger(category: str) -> logging.Logger:
    """Return the logger of one category: store, lvm, guests, ansible or main."""
    if category not in CATEGORIES:
        raise InputError(f"Unknown log category {category!r}; needed is one of {', '.join(CATEGORIES)}.")
    return logging.getLogger(f"foresight.{category}")


class _OneLine(logging.Formatter):
    """Escapes control characters: what a host says can neither forge a line nor move the cursor of a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return _CONTROL.sub(lambda found: repr(found.group())[1:-1], super().format(record))


class _ConsoleHandler(logging.Handler):
    def __init__(self, write: t.Callable[[int, str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(record.levelno, self.format(record))


def configure(*, level: str, path: str | None, console: t.Callable[[int, str], None] | None) -> None:
    """Send the records of all categories to the console and, if a path is given, to that file (appended, UTC times).

    :param console: called with the numeric level and the formatted line.
    :raises InputError: for an unknown level or a file that cannot be written.
    """
    if level not in LEVELS:
        raise InputError(f"Unknown log level {level!r}; needed is one of {', '.join(LEVELS)} (O(log_level)).")
    root = logging.getLogger("foresight")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level.upper())
    root.propagate = False
    if console is not None:
        handler = _ConsoleHandler(console)
        handler.setFormatter(_OneLine("%(name)s %(levelname)s %(message)s"))
        root.addHandler(handler)
    if path is not None:
        try:
            file_handler = logging.FileHandler(path, encoding="utf-8")
        except OSError as error:
            raise InputError(f"Cannot write the log file {path}: {error.strerror} (O(log_file)).") from error
        formatter = _OneLine("%(asctime)sZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        file_handler.setFormatter(formatter)
        root.addHandler(file_handler)
