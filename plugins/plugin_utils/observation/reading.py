# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes values out of a facts document, whatever is in it: never raises, tells what was wrong."""

from __future__ import annotations

import math
import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    DUPLICATE,
    IMPOSSIBLE,
    INVALID_NAME,
    MISSING,
    NAN,
    NEGATIVE,
    WRONG_TYPE,
    Issue,
    ObservedSample,
)

LARGEST = 2**63 - 1

_NAME = re.compile(r"[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}\Z")
_HOST = re.compile(r"[^\s/\x00-\x1f\x7f]{1,253}\Z")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}\Z")
_UUID = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_NOTHING: Mapping[str, t.Any] = {}


def check_number(value: t.Any, *, upper: float | None = None) -> tuple[float | int | None, str | None]:
    """Return (value, problem): a finite number from 0 to upper has no problem; a problem's value is None where it is no finite number.

    None is "not known" and no problem. Booleans and texts are not numbers.
    """
    if value is None:
        return None, None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None, WRONG_TYPE
    if isinstance(value, float):
        value = float(value)
        if math.isnan(value):
            return None, NAN
    else:
        value = int(value)
    if not -LARGEST <= value <= LARGEST:
        return None, IMPOSSIBLE
    if value < 0:
        return value, NEGATIVE
    if upper is not None and value > upper:
        return value, IMPOSSIBLE
    return value, None


def clean_text(value: t.Any) -> str | None:
    """Return a text that every database takes (no NUL, no lone surrogates), or None if the value is no text."""
    if not isinstance(value, str):
        return None
    if value.isascii() and "\0" not in value:
        return str(value)
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def is_name(value: t.Any) -> bool:
    """Tell whether the value may be a part of an entity key (names as of lvm(8); no slash, no white space)."""
    return isinstance(value, str) and _NAME.match(value) is not None


def is_word(value: t.Any) -> bool:
    """Tell whether the value may be the type of a file system or of segments: one word of printable ASCII."""
    return isinstance(value, str) and _WORD.match(value) is not None


def is_host(value: t.Any) -> bool:
    """Tell whether the value may be the first part of an entity key (host names and addresses; no slash, no white space)."""
    return isinstance(value, str) and _HOST.match(value) is not None and clean_text(value) == value


def is_uuid(value: t.Any) -> bool:
    """Tell whether the value may be an LVM UUID."""
    return isinstance(value, str) and _UUID.match(value) is not None


def show(value: t.Any) -> str:
    """Return the value as it may stand in a message: short, on one line."""
    text = (
        clean_text(value)
        if isinstance(value, str)
        else repr(value)
        if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**60)
        else f"a {type(value).__name__}"
    )
    text = repr(text) if isinstance(value, str) else str(text)
    return text if len(text) <= 60 else text[:57] + "..."


class Part:
    """One mapping of a document, read on behalf of one entity.

    :param data: what the document holds there; anything that is not a mapping is read as empty and told.
    :param entity: key of the entity, for the issues.
    :param issues: where problems are appended.
    :param prefix: the path of this part inside the document, for the issues.
    """

    __slots__ = ("_prefix", "data", "entity", "issues")

    def __init__(self, data: t.Any, entity: str, issues: list[Issue], prefix: str = "") -> None:
        self.data: Mapping[str, t.Any] = data if isinstance(data, Mapping) else _NOTHING
        self.entity = entity
        self.issues = issues
        self._prefix = prefix
        if data is not None and not isinstance(data, Mapping):
            self.tell(prefix.rstrip(".") or "document", WRONG_TYPE, f"is {show(data)}; needed is a mapping")

    def tell(self, field: str, kind: str, message: str) -> None:
        """Note a problem; message goes on after the entity and the field."""
        name = field if field.startswith(self._prefix) else self._prefix + field
        self.issues.append(Issue(self.entity, name, kind, f"{self.entity}: {name} {message}"))

    def inner(self, name: str) -> Part:
        """Return the mapping below a field; one that is absent or null reads as empty."""
        return Part(self.data.get(name), self.entity, self.issues, f"{self._prefix}{name}.")

    def measured(self, name: str, *, upper: float | None = None) -> tuple[float | int | None, str | None]:
        """Return (value, flag) of a number from 0 to upper; what is no number at all has no value and no flag, but is told."""
        raw = self.data.get(name)
        if raw is None:
            return None, None
        value, problem = check_number(raw, upper=upper)
        if problem is None:
            return value, None
        needed = "a number" if problem in (WRONG_TYPE, NAN) else f"0 to {upper:.15g}" if upper is not None else "0 or more"
        self.tell(name, problem, f"is {show(raw)}; needed is {needed}; kept out of models")
        return value, None if problem == WRONG_TYPE else problem

    def number(self, name: str, *, upper: float | None = None) -> float | int | None:
        """Return a valid number or None."""
        value, flag = self.measured(name, upper=upper)
        return None if flag else value

    def integer(self, name: str, *, upper: float | None = None) -> int | None:
        """Return a valid whole number or None."""
        value = self.number(name, upper=upper)
        return None if value is None else int(value)

    def text(self, name: str) -> str | None:
        """Return a text or None."""
        value = self.data.get(name)
        if value is None:
            return None
        text = clean_text(value)
        if text is None:
            self.tell(name, WRONG_TYPE, f"is {show(value)}; needed is a text")
        return text

    def name(self, name: str) -> str | None:
        """Return a text that can be a part of an entity key, or None (told)."""
        value = self.data.get(name)
        if is_name(value):
            return str(value)
        self.tell(name, MISSING if value is None else INVALID_NAME, f"is {show(value)}; needed is a name without slashes or blanks")
        return None

    def word(self, name: str) -> str | None:
        """Return a short word such as the type of a file system, or None (told where it is anything else): it gets into plans and messages."""
        value = self.data.get(name)
        if value is None or is_word(value):
            return None if value is None else str(value)
        self.tell(name, INVALID_NAME, f"is {show(value)}; needed is one short word")
        return None

    def uuid(self, name: str) -> str | None:
        """Return an LVM UUID or None (told)."""
        value = self.data.get(name)
        if is_uuid(value):
            return str(value)
        self.tell(name, MISSING if value is None else INVALID_NAME, f"is {show(value)}; needed is an LVM UUID")
        return None

    def truth(self, name: str) -> bool | None:
        """Return a truth value or None."""
        value = self.data.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.tell(name, WRONG_TYPE, f"is {show(value)}; needed is true or false")
        return None

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; anything else in it is left out and told."""
        return [text for text in (clean_text(item) for item in self.items(name)) if text is not None]

    def items(self, name: str) -> Sequence[t.Any]:
        """Return a list; absent, null or wrong (told) is an empty one."""
        value = self.data.get(name)
        if value is None:
            return ()
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
            return value
        self.tell(name, WRONG_TYPE, f"is {show(value)}; needed is a list")
        return ()


class Samples:
    """Collects the samples of one document: one time, and one flag for all where the clock jumped."""

    __slots__ = ("_clock", "_seen", "_time", "rows")

    def __init__(self, time: int, clock: str | None) -> None:
        self.rows: list[ObservedSample] = []
        self._time = time
        self._clock = clock
        self._seen: set[tuple[str, str]] = set()

    def add(self, identity: str, metric: str, measured: tuple[float | int | None, str | None]) -> None:
        """Add what was measured; nothing measured (no value, no flag) adds nothing, and a second value of one series is dropped."""
        value, flag = measured
        if (value is None and flag is None) or (identity, metric) in self._seen:
            return
        self._seen.add((identity, metric))
        self.rows.append(ObservedSample(identity, metric, self._time, None if value is None else float(value), flag or self._clock))


def tell_duplicate(part: Part, key: str) -> None:
    """Note that a document lists one entity twice; the first one counts."""
    part.tell("uuid" if key.startswith(("lv:", "vg:")) else "id", DUPLICATE, f"is listed twice ({key}); the first one counts")
