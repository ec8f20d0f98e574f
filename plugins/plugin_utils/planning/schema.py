# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON Schema checks compiled to closures: a plan of 10,000 actions is checked in well under a second (jsonschema needs seven).

The keywords of plan.schema.json and no others; an unknown keyword is an error when the schema is compiled, so none is ever
ignored. Stricter than JSON Schema in one point: 1.0 is not an integer; and uniqueItems looks at texts only. The tests compare it with jsonschema.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError

Schema = t.Mapping[str, t.Any]


class Failure(t.NamedTuple):
    """The first thing that is wrong: where (keys and indexes from the root) and what."""

    path: tuple[str | int, ...]
    message: str

    def below(self, key: str | int) -> Failure:
        """Return the same failure, seen from one level further up."""
        return Failure((key, *self.path), self.message)

    def __str__(self) -> str:
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")
        return f"{where or 'the document'}: {self.message}"


Check = t.Callable[[t.Any], "Failure | None"]

_TYPES: dict[str, t.Callable[[t.Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description"})


class Compiler:
    """Turns one schema document into a check function."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._references: dict[str, Check] = {}
        self._makers: dict[str, t.Callable[[t.Any, Schema], Check]] = {
            "$ref": self._ref,
            "type": _type,
            "const": lambda value, _schema: _enum([value], _schema),
            "enum": _enum,
            "pattern": _pattern,
            "minLength": _min_length,
            "maxLength": _max_length,
            "minimum": _minimum,
            "maximum": _maximum,
            "uniqueItems": _unique,
            "minProperties": _min_properties,
            "required": _required,
            "items": self._items,
            "properties": self._properties,
            "additionalProperties": self._additional,
            "propertyNames": self._names,
            "anyOf": self._any_of,
            "allOf": lambda schemas, _schema: _all([self.compile(schema) for schema in schemas]),
            "if": self._if,
        }

    def compile(self, schema: Schema) -> Check:
        """Return a function that tells the first failure of a value, or None.

        :raises PlanError: for a keyword that is not implemented here.
        """
        checks = []
        for keyword, value in schema.items():
            if keyword in _ANNOTATIONS or keyword == "then":
                continue
            if keyword not in self._makers:
                raise PlanError(f"The plan schema uses the keyword {keyword!r}, which is not implemented.")
            checks.append(self._makers[keyword](value, schema))
        return checks[0] if len(checks) == 1 else _all(checks)

    def _ref(self, reference: str, _schema: Schema) -> Check:
        if reference not in self._references:
            node: t.Any = self._root
            for part in reference.removeprefix("#/").split("/"):
                node = node[part]
            self._references[reference] = self.compile(node)
        return self._references[reference]

    def _items(self, schema: Schema, _parent: Schema) -> Check:
        inner = self.compile(schema)

        def check(value: t.Any) -> Failure | None:
            if isinstance(value, list):
                for index, item in enumerate(value):
                    failure = inner(item)
                    if failure is not None:
                        return failure.below(index)
            return None

        return check

    def _properties(self, schemas: t.Mapping[str, Schema], _parent: Schema) -> Check:
        inner = [(name, self.compile(schema)) for name, schema in schemas.items()]

        def check(value: t.Any) -> Failure | None:
            if isinstance(value, dict):
                for name, one in inner:
                    if name in value:
                        failure = one(value[name])
                        if failure is not None:
                            return failure.below(name)
            return None

        return check

    def _additional(self, schema: Schema | bool, parent: Schema) -> Check:
        known = frozenset(parent.get("properties", ()))
        inner = None if isinstance(schema, bool) else self.compile(schema)

        def check(value: t.Any) -> Failure | None:
            if not isinstance(value, dict):
                return None
            for name, item in value.items():
                if name in known:
                    continue
                if inner is None:
                    return Failure((), f"unknown key {name!r}; known are {', '.join(sorted(known))}")
                failure = inner(item)
                if failure is not None:
                    return failure.below(name)
            return None

        return (lambda _value: None) if schema is True else check

    def _names(self, schema: Schema, _parent: Schema) -> Check:
        inner = self.compile(schema)

        def check(value: t.Any) -> Failure | None:
            if isinstance(value, dict):
                for name in value:
                    failure = inner(name)
                    if failure is not None:
                        return Failure((), f"key {name!r}: {failure.message}")
            return None

        return check

    def _any_of(self, schemas: t.Sequence[Schema], _parent: Schema) -> Check:
        inner = [self.compile(schema) for schema in schemas]

        def check(value: t.Any) -> Failure | None:
            failures = []
            for one in inner:
                failure = one(value)
                if failure is None:
                    return None
                failures.append(failure.message)
            return Failure((), "; or ".join(failures))

        return check

    def _if(self, condition: Schema, parent: Schema) -> Check:
        applies, then = self.compile(condition), self.compile(parent["then"])
        return lambda value: then(value) if applies(value) is None else None


def _all(checks: t.Sequence[Check]) -> Check:
    def check(value: t.Any) -> Failure | None:
        for one in checks:
            failure = one(value)
            if failure is not None:
                return failure
        return None

    return check


def _fails(when: t.Callable[[t.Any], bool], message: t.Callable[[t.Any], str]) -> Check:
    return lambda value: Failure((), message(value)) if when(value) else None


def _type(names: str | list[str], _schema: Schema) -> Check:
    wanted = [names] if isinstance(names, str) else names
    tests = [_TYPES[name] for name in wanted]
    return _fails(
        lambda value: not any(test(value) for test in tests), lambda value: f"{_shown(value)} is not of the type {' or '.join(wanted)}"
    )


def _enum(choices: list[t.Any], _schema: Schema) -> Check:
    allowed = {(type(choice), choice) for choice in choices}
    return _fails(
        lambda value: isinstance(value, (list, dict)) or (type(value), value) not in allowed,
        lambda value: f"{_shown(value)} is not {' or '.join(repr(choice) for choice in choices)}",
    )


def _pattern(pattern: str, _schema: Schema) -> Check:
    # "$" of JSON Schema is the very end; Python's would let a line feed follow
    search = re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern).search
    return _fails(lambda value: isinstance(value, str) and search(value) is None, lambda value: f"{_shown(value)} does not match {pattern}")


def _min_length(length: int, _schema: Schema) -> Check:
    return _fails(lambda value: isinstance(value, str) and len(value) < length, lambda _value: "must not be empty")


def _max_length(length: int, _schema: Schema) -> Check:
    return _fails(lambda value: isinstance(value, str) and len(value) > length, lambda _value: f"is longer than {length} characters")


def _minimum(limit: float, _schema: Schema) -> Check:
    return _fails(lambda value: _TYPES["number"](value) and value < limit, lambda value: f"{value} is less than {limit}")


def _maximum(limit: float, _schema: Schema) -> Check:
    return _fails(lambda value: _TYPES["number"](value) and value > limit, lambda value: f"{value} is more than {limit}")


def _unique(_wanted: bool, _schema: Schema) -> Check:
    return _fails(_repeats, lambda _value: "holds the same text twice")


def _repeats(value: t.Any) -> bool:
    texts = [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
    return len(set(texts)) < len(texts)


def _min_properties(number: int, _schema: Schema) -> Check:
    return _fails(lambda value: isinstance(value, dict) and len(value) < number, lambda _value: "must not be empty")


def _required(names: t.Sequence[str], _schema: Schema) -> Check:
    def check(value: t.Any) -> Failure | None:
        if isinstance(value, dict):
            for name in names:
                if name not in value:
                    return Failure((), f"the key {name!r} is missing")
        return None

    return check


def _shown(value: t.Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
