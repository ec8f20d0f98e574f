"""The API's schema: which methods there are, and whether a call's parameters fit. The facts are data (schema.json), the verification is
here.

The order and the texts are those of the real server: per parameter the first failure counts (type, format, pattern, length, range,
enumeration), and all parameters are judged.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .errors import BadParameters
from .formats import FormatError, Formats
from .properties import PropertyError, parse_properties

Description = dict[str, Any]
Value = str | list[str]


class Truth(str):
    """A truth value of a JSON body: good for booleans alone."""

    __slots__ = ()


class Object(str):
    """An object of a JSON body: good for nothing."""

    __slots__ = ()


_TYPES = {
    "integer": re.compile(r"[+-]?\d+"),
    "number": re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"),
    "boolean": re.compile(r"[01]"),
}
_INDEXED = re.compile(r"([a-z]+)(\d+)")
_UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
_MISSING = "property is missing and it is not optional"
# How many of an indexed option there are; the rest have 256.
_COUNTS = {
    "ide": 4,
    "sata": 6,
    "scsi": 31,
    "virtio": 16,
    "net": 32,
    "hostpci": 16,
    "usb": 14,
    "serial": 4,
    "parallel": 3,
    "numa": 8,
    "ipconfig": 32,
    "virtiofs": 10,
}
_COUNTS["acmedomain"] = 6
# Formats that are property strings of their own.
_INLINE: dict[str, dict[str, Description]] = {
    "pve-qm-boot": {
        "legacy": {"type": "string", "optional": 1, "default_key": 1, "pattern": "[acdn]{1,4}"},
        "order": {"type": "string", "optional": 1, "format": "pve-qm-bootdev-list"},
    },
    "pve-qm-ipconfig": {
        "ip": {"type": "string", "optional": 1, "format": "pve-ipv4-config"},
        "ip6": {"type": "string", "optional": 1, "format": "pve-ipv6-config"},
        "gw": {"type": "string", "optional": 1, "format": "ipv4", "requires": "ip"},
        "gw6": {"type": "string", "optional": 1, "format": "ipv6", "requires": "ip6"},
    },
    "pve-qm-watchdog": {
        "model": {"type": "string", "optional": 1, "default_key": 1, "enum": ["i6300esb", "ib700"]},
        "action": {"type": "string", "optional": 1, "enum": ["reset", "shutdown", "poweroff", "pause", "debug", "none"]},
    },
    "pve-qm-rng": {
        "source": {"type": "string", "default_key": 1, "enum": ["/dev/urandom", "/dev/random", "/dev/hwrng"]},
        "max_bytes": {"type": "integer", "optional": 1},
        "period": {"type": "integer", "optional": 1},
    },
    "pve-qm-smbios1": {
        "uuid": {"type": "string", "optional": 1, "pattern": "[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"},
        "base64": {"type": "boolean", "optional": 1},
    }
    | {
        name: {"type": "string", "optional": 1, "pattern": r"[A-Za-z0-9+\/]+={0,2}"}
        for name in ("version", "serial", "manufacturer", "product", "sku", "family")
    },
    "pve-qm-cicustom": {
        name: {"type": "string", "optional": 1, "format": "pve-volume-id"} for name in ("meta", "network", "user", "vendor")
    },
    "proxmox-remote": {
        "host": {"type": "string"},
        "port": {"type": "integer", "optional": 1},
        "apitoken": {"type": "string"},
        "fingerprint": {"type": "string", "optional": 1, "pattern": "([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}"},
    },
    "pve-node-location": {
        "name": {"type": "string", "optional": 1, "maxLength": 128},
        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
        "longitude": {"type": "number", "minimum": -180, "maximum": 180},
    },
}


@dataclass(frozen=True)
class Method:
    """One method of one path."""

    method: str
    path: str
    parameters: dict[str, Description]
    permissions: dict[str, Any] | None
    proxied: bool
    variants: dict[str, dict[str, Description]]


class Schema:
    """All methods, found by path, and the verification of parameters."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.formats = Formats(data["formats"])
        named = data["descriptions"]
        self.methods: dict[tuple[str, str], Method] = {}
        self._tree: dict[str, Any] = {}
        for entry in data["methods"]:
            parameters = {name: named[reference] for name, reference in entry["parameters"].items()}
            variants = {kind: {n: named[r] for n, r in more.items()} for kind, more in entry.get("variants", {}).items()}
            method = Method(entry["method"], entry["path"], parameters, entry["permissions"], entry["proxyto"] == "node", variants)
            self.methods[method.method, method.path] = method
            at = self._tree
            for segment in method.path.strip("/").split("/"):
                at = at.setdefault("{}" if segment.startswith("{") else segment, {})
            at.setdefault("", {})[method.method] = method

    def find(self, method: str, path: str) -> tuple[Method, dict[str, str]] | None:
        """The method of a concrete path and the values of the path's parameters."""
        at = self._tree
        values = []
        for segment in filter(None, path.split("/")):
            if segment in at:
                at = at[segment]
            elif "{}" in at:
                at = at["{}"]
                values.append(segment)
            else:
                return None
        found: Method | None = at.get("", {}).get(method)
        if found is None:
            return None
        return found, dict(zip(re.findall(r"{([^}]+)}", found.path), values, strict=True))

    def joined(self, method: Method, given: dict[str, Value]) -> dict[str, Value]:
        """A parameter that was sent several times is one text where a list of words is wanted; elsewhere it stays a list."""
        return {name: ",".join(value) if isinstance(value, list) and _of_words(method, name) else value for name, value in given.items()}

    def verify(self, method: Method, given: dict[str, Value]) -> None:
        """Raise BadParameters with all that is wrong with a call's parameters."""
        errors: dict[str, str] = {}
        variants = {name for more in method.variants.values() for name in more}
        for name in given:
            if describe(method.parameters, name) is None and name not in variants:
                errors[name] = _UNKNOWN
        self._verify(method.parameters, given, errors)
        kind = given.get("type")
        if isinstance(kind, str) and kind in method.variants:
            inner: dict[str, str] = {}
            self._verify(method.variants[kind], given, inner)
            errors |= {f"oneOf[{kind}].{name}": text for name, text in inner.items()}
        if errors:
            raise BadParameters.of(errors)

    def _verify(self, parameters: dict[str, Description], given: dict[str, Value], errors: dict[str, str]) -> None:
        for name, value in given.items():
            description = describe(parameters, name)
            if description is None:
                continue
            needed = description.get("requires")
            if needed and needed not in given:
                errors[needed] = f"missing property required by '{name}'"
            text = self.judge(name, description, value)
            if text is not None:
                errors[name] = text
        for name, description in parameters.items():
            if name not in given and not description.get("optional") and not name.endswith("[n]"):
                errors.setdefault(name, _MISSING)

    def judge(self, name: str, description: Description, value: Value) -> str | None:
        """Why a value does not fit, or None."""
        if isinstance(value, list):
            return None if description["type"] == "array" else f"type check ('{description['type']}') failed - got ARRAY"
        if isinstance(value, Object):
            return f"type check ('{description['type']}') failed - got HASH"
        if isinstance(value, Truth) and description["type"] != "boolean":
            return f"type check ('{description['type']}') failed - got JSON::PP::Boolean"
        pattern = _TYPES.get(description["type"])
        if pattern is not None and not pattern.fullmatch(value):
            return f"type check ('{description['type']}') failed - got '{value}'"
        text = self._format(name, description, value)
        if text is not None:
            return text
        if "pattern" in description and not re.fullmatch(description["pattern"], value):
            return "value does not match the regex pattern"
        return _limits(description, value)

    def _format(self, name: str, description: Description, value: str) -> str | None:
        form = description.get("format")
        form = _INLINE.get(form, form) if isinstance(form, str) else form
        try:
            if isinstance(form, dict):
                self.properties(name, form, value)
            elif form is not None:
                self.formats.check(form, value)
        except (FormatError, PropertyError) as error:
            return f"invalid format - {error}\n"
        return None

    def properties(self, name: str, form: dict[str, Description], value: str) -> dict[str, str]:
        """The parts of a property string, verified; ``name`` is the option it belongs to."""
        parts = parse_properties(form, value)
        errors: dict[str, str] = {}
        self._verify({k: d for k, d in form.items() if "alias" not in d}, dict(parts), errors)
        if errors:
            raise PropertyError.of_parts(name, errors)
        return parts


def describe(parameters: dict[str, Description], name: str) -> Description | None:
    """The description of a parameter; ``net3`` is described as ``net[n]``."""
    if name in parameters:
        return parameters[name] if not name.endswith("[n]") else None
    match = _INDEXED.fullmatch(name)
    if match is None or int(match[2]) >= _COUNTS.get(match[1], 256) or str(int(match[2])) != match[2]:
        return None
    return parameters.get(f"{match[1]}[n]")


def _of_words(method: Method, name: str) -> bool:
    description = describe(method.parameters, name) or {}
    form = description.get("format")
    return description.get("type") == "string" and isinstance(form, str) and form.endswith("-list")


def _limits(description: Description, value: str) -> str | None:
    if "maxLength" in description and len(value) > description["maxLength"]:
        return f"value may only be {description['maxLength']} characters long"
    if "minLength" in description and len(value) < description["minLength"]:
        return f"value must be at least {description['minLength']} characters long"
    if description["type"] in ("integer", "number"):
        number = float(value)
        if "minimum" in description and number < float(description["minimum"]):
            return f"value must have a minimum value of {description['minimum']}"
        if "maximum" in description and number > float(description["maximum"]):
            return f"value must have a maximum value of {description['maximum']}"
    if "enum" in description and value not in description["enum"]:
        return f"value '{value}' does not have a value in the enumeration '{', '.join(description['enum'])}'"
    return None


@cache
def load() -> Schema:
    """The schema of this package."""
    return Schema(json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8")))
