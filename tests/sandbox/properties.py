"""Property strings: ``key=value,key=value``, with a default key and aliases."""

from __future__ import annotations

from typing import Any

_TRUTH = {"1": "1", "on": "1", "yes": "1", "true": "1", "0": "0", "off": "0", "no": "0", "false": "0"}


class PropertyError(Exception):
    """A property string that cannot be read, or whose parts do not fit (``errors``)."""

    def __init__(self, text: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.errors = errors

    @classmethod
    def of_parts(cls, name: str, errors: dict[str, str]) -> PropertyError:
        """The parts named with the option they belong to."""
        lines = "\n".join(f"{name}.{part}: {text}" for part, text in sorted(errors.items()))
        return cls(f"format error\n{lines}", errors)


def parse_properties(form: dict[str, Any], text: str) -> dict[str, str]:
    """The parts of a property string under their own names.

    :raises PropertyError: unknown, repeated or missing keys
    """
    default = next((key for key, description in form.items() if description.get("default_key")), None)
    parts: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        if not equals:
            if default is None:
                raise PropertyError("value without key, but schema does not define a default key")
            if default in parts:
                raise PropertyError(f"duplicate key in comma-separated list property: {default}")
            parts[default] = _TRUTH.get(part.lower(), part) if form[default].get("type") == "boolean" else part
            continue
        if not key or not value:
            raise PropertyError("missing key in comma-separated list property")
        if key in parts:
            raise PropertyError(f"duplicate key in comma-separated list property: {key}")
        _place(form, parts, key, value)
    return parts


def _place(form: dict[str, Any], parts: dict[str, str], key: str, value: str) -> None:
    description = form.get(key)
    if description is not None and "alias" in description:
        holder = description.get("keyAlias")
        if holder:
            if holder in parts:
                raise PropertyError(f"key alias '{holder}' is already defined")
            parts[holder] = key
        key = description["alias"]
        description = form.get(key)
        if key in parts:
            raise PropertyError(f"key '{key}' is already defined (via alias)")
    if description is None:
        raise PropertyError(f"invalid key in comma-separated list property: {key}")
    parts[key] = _TRUTH.get(value.lower(), value) if description.get("type") == "boolean" else value


def split_properties(text: str, default: str | None = None) -> dict[str, str]:
    """The parts of a property string that was verified before; a part without a key goes to ``default``."""
    parts = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if equals:
            parts[key] = value
        elif default is not None and part:
            parts[default] = part
    return parts


def join_properties(parts: dict[str, str], default: str | None = None) -> str:
    """The property string of parts; the default key comes first and without its name."""
    texts = [parts[default]] if default in parts and default is not None else []
    return ",".join(texts + [f"{key}={value}" for key, value in parts.items() if key != default])
