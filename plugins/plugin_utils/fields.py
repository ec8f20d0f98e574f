# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Typed reading of one document's fields, with errors that name the document, what was seen and what is needed."""

from __future__ import annotations

import difflib
import math
import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError

# More than any machine has of anything; sums and squares of it are still numbers.
LARGEST = 1e24
# The end of the year 9999 in UTC seconds. What is later was told in milliseconds.
LAST_MOMENT = 253_402_300_799


class Fields:
    """Reads the fields of one mapping.

    :param document: the mapping; anything else is refused.
    :param name: what the messages call it, such as `Volume lv:web1/vg0/data`.
    :param option: where the user wrote it, such as `volumes[]`.
    :raises InputError: from every method, for a field that is missing, has the wrong type or lies outside its limits.
    """

    def __init__(self, document: t.Any, name: str, option: str) -> None:
        if not isinstance(document, Mapping):
            raise InputError(f"{name} is {_seen(document)}; needed is a mapping (O({option})).")
        self.document = document
        self.name = name
        self.option = option

    def only(self, known: Collection[str]) -> None:
        """Refuse fields that are not known, naming the nearest known one."""
        for key in self.document:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.6)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}."
                raise InputError(f"{self.name} has the unknown key {str(key)!r}; {hint} (O({self.option}))")

    def has(self, key: str) -> bool:
        """Return whether the field is there and not null."""
        return self.document.get(key) is not None

    def text(self, key: str) -> str:
        """Return a required text that is not empty."""
        value = self._required(key)
        if not isinstance(value, str) or not value:
            raise self.wrong(key, value, "a text")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where there is none."""
        return self.text(key) if self.has(key) else None

    def flag(self, key: str, default: bool) -> bool:
        """Return a true or false."""
        value = self.document.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true or false")
        return value

    def number(self, key: str, default: float | None = None, *, above: float | None = None, most: float = LARGEST) -> float:
        """Return a number from 0 to `most`, or greater than `above`; required where there is no default."""
        value = self.document.get(key, default) if default is not None else self._required(key)
        if value is None:
            value = default
        least = f"above {above:g}" if above is not None else "of 0 or more"
        # That nothing may be larger than everything need only be told to who tries.
        bounded = most < LARGEST or (isinstance(value, int) and value > most) or (isinstance(value, float) and most < value < math.inf)
        needed = f"a number {least}{f' and at most {most:g}' if bounded else ''}"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            raise self.wrong(key, value, needed)
        if above is not None and value <= above:
            raise self.wrong(key, value, needed)
        return value

    def moment(self, key: str) -> float:
        """Return a required time in UTC seconds."""
        value = self._required(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LAST_MOMENT:
            raise self.wrong(key, value, "a time in UTC seconds since 1970, such as 1763700000")
        return value

    def optional_moment(self, key: str) -> float | None:
        """Return a time in UTC seconds, or None where there is none."""
        return self.moment(key) if self.has(key) else None

    def count(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """Return a whole number of at least `least`; required where there is no default."""
        value = self.document.get(key)
        if value is None:
            value = self._required(key) if default is None else default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.wrong(key, value, f"a whole number of {least} or more")
        return value

    def optional_count(self, key: str) -> int | None:
        """Return a whole number of 0 or more, or None where there is none."""
        return self.count(key) if self.has(key) else None

    def optional_number(self, key: str) -> float | None:
        """Return a finite number of 0 or more, or None where there is none."""
        return self.number(key) if self.has(key) else None

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """Return one of the choices."""
        value = self.document.get(key)
        if value is None:
            return default
        if value not in choices:
            raise self.wrong(key, value, f"one of {', '.join(choices)}")
        return str(value)

    def items(self, key: str) -> list[t.Any]:
        """Return a list; an absent one is empty."""
        value = self.document.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, value, "a list")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a list of texts; an absent one is empty."""
        found = self.items(key)
        for value in found:
            if not isinstance(value, str):
                raise self.wrong(key, value, "a list of texts")
        return found

    def inner(self, key: str) -> Fields | None:
        """Return the reader of a mapping inside this one, or None where there is none."""
        if not self.has(key):
            return None
        return Fields(self.document[key], f"{key} of {self.name}", f"{self.option}.{key}")

    def wrong(self, key: str, value: t.Any, needed: str) -> InputError:
        """Return the error of a field with a wrong value."""
        return InputError(f"{self.name}: {key} is {_seen(value)}; needed is {needed} (O({self.option}.{key})).")

    def _required(self, key: str) -> t.Any:
        value = self.document.get(key)
        if value is None:
            raise InputError(f"{self.name} has no {key} (O({self.option}.{key})).")
        return value


def _seen(value: t.Any) -> str:
    return "missing" if value is None else f"{value!r:.60} ({type(value).__name__})"
