# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choice of entities by glob over their keys or by JMESPath over their attributes.

One expression is a glob (`lv:web1/vg0/*`, or `web1/vg0/*` without the kind) unless it holds one of the characters that
only a query has: then it is a JMESPath expression over `{key, kind, host, **attributes}` that chooses what it is true for.
A leading `!` excludes.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import re
import typing as t
from collections.abc import Callable, Iterable, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import jmespath

T = t.TypeVar("T")
_QUERY = re.compile(r"[=<>&|('`\s]")
_GLOB = re.compile(r"[*?\[]")
_SET = re.compile(r"\[[^\]]*\]")


def select(
    items: Sequence[T],
    expressions: Sequence[str],
    *,
    key: Callable[[T], str] | None = None,
    attributes: Callable[[T], Mapping[str, t.Any]] | None = None,
) -> list[T]:
    """Return the items that any expression chooses and none excludes, in their order.

    Expressions that only exclude leave all the others. No expression chooses nothing.

    :param key: gives an item's entity key; by default its attribute or item `key`.
    :param attributes: gives what JMESPath sees of it; by default its attribute or item `attributes` with key, kind and host added.
    :raises InputError: for an expression that is no valid JMESPath.
    """
    if not expressions:
        return []
    key_of, attributes_of = key or _key, attributes or _attributes
    excluding = [text[1:].strip() for text in expressions if text.startswith("!")]
    choosing = [text for text in expressions if not text.startswith("!")] or ["*"]
    return [
        item
        for item in items
        if any(_one(text, key_of(item), item, attributes_of) for text in choosing)
        and not any(_one(text, key_of(item), item, attributes_of) for text in excluding)
    ]


def matches(expression: str, key: str, attributes: Mapping[str, t.Any]) -> bool:
    """Return whether one expression chooses the entity of this key; a leading `!` turns the answer round.

    :raises InputError: for an expression that is no valid JMESPath.
    """
    if expression.startswith("!"):
        return not matches(expression[1:].strip(), key, attributes)
    return _one(expression, key, key, lambda _item: attributes)


def is_query(expression: str) -> bool:
    """Return whether the expression is read as JMESPath, not as a glob."""
    return _QUERY.search(expression) is not None


def is_exact(expression: str, key: str) -> bool:
    """Return whether the expression names this entity and could name no other: its key, with or without the kind."""
    return not _QUERY.search(expression) and not _GLOB.search(expression) and expression in _names(key)


def describe(attributes: Mapping[str, t.Any], *, key: str, kind: str, host: str | None) -> dict[str, t.Any]:
    """Return the document that JMESPath sees of an entity."""
    return {**attributes, "key": key, "kind": kind, "host": host}


def near(expressions: Iterable[str], keys: Iterable[str], limit: int = 5) -> list[str]:
    """Return the keys that look most like the expressions, best first, for a message about what was not found."""
    by_name = {name: key for key in keys for name in _names(key)}
    found: dict[str, None] = {}
    for text in expressions:
        plain = _GLOB.sub("", text.lstrip("!"))
        for name in difflib.get_close_matches(plain, by_name, n=limit, cutoff=0.5):
            found.setdefault(by_name[name])
    return list(found)[:limit]


def _one(text: str, key: str, item: T, attributes_of: Callable[[T], Mapping[str, t.Any]]) -> bool:
    if not _QUERY.search(text):
        return any(fnmatch.fnmatchcase(name, text) for name in _names(key))
    try:
        return bool(_compiled(text).search({"key": key, "kind": key.partition(":")[0], **attributes_of(item)}))
    except jmespath.exceptions.JMESPathError as error:
        raise InputError(
            f"The entity expression {text!r} fails on {key}: {_first_line(error)}. Compare a field that may be null with `||`."
        ) from error


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> t.Any:
    try:
        return jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as error:
        raise InputError(
            f"The entity expression {text!r} is no valid JMESPath: {_first_line(error)}. Needed is a glob such as lv:web1/vg0/* "
            "or a query such as host == 'web1' && fs.type == 'xfs'."
        ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".:")


def _names(key: str) -> tuple[str, ...]:
    kind, colon, rest = key.partition(":")
    return (key, rest) if colon else (kind,)


def _key(item: t.Any) -> str:
    return str(item["key"] if isinstance(item, Mapping) else item.key)


def _attributes(item: t.Any) -> Mapping[str, t.Any]:
    if isinstance(item, Mapping):
        return {**item.get("attributes", {}), **{name: item.get(name) for name in ("key", "kind", "host")}}
    return describe(item.attributes, key=item.key, kind=item.kind, host=item.host)


def check_exclude(exclude: t.Sequence[str]) -> None:
    """Refuse exclude expressions that would mean the opposite or nothing.

    :raises InputError: for an empty expression, one that begins with `!`, or several globs in one text.
    """
    for text in exclude:
        # no name holds a comma: several globs in one text would match nothing
        if not text.strip() or text.startswith("!") or ("," in _SET.sub("", text) and not is_query(text)):
            raise InputError(
                f"The exclude expression {text!r} excludes nothing; needed is a list of globs such as lv:web1/vg0/* or JMESPath queries (O(exclude))."
            )
