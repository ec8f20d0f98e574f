"""The formats of parameters: a text is refused with the sentence that the real server has for it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

VOLUME_ID = re.compile(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:.+")


class FormatError(Exception):
    """The text of a refusal, without the words ``invalid format``."""


class Formats:
    """Checks values against named formats; ``facts`` are those of schema.json."""

    def __init__(self, facts: dict[str, dict[str, str]]) -> None:
        self._facts = facts
        self._patterns = {name: re.compile(fact["pattern"]) for name, fact in facts.items() if "pattern" in fact}

    def check(self, name: str, value: str) -> None:
        """Raise FormatError where ``value`` does not fit; a format nobody knows accepts everything."""
        if name in self._facts or name in _CHECKS:
            self._one(name, value)
        elif name.endswith("-opt"):
            if value:
                self.check(name[: -len("-opt")], value)
        elif name.endswith("-list"):
            for element in split_list(value):
                self.check(name[: -len("-list")], element)

    def _one(self, name: str, value: str) -> None:
        fact = self._facts.get(name, {})
        pattern = self._patterns.get(name)
        if pattern is not None:
            if not pattern.fullmatch(value):
                raise FormatError(self._text(name, fact, value))
            return
        test = _CHECKS.get(name)
        if test is not None and not test(value):
            text = fact.get("error") or _TEXTS[name]
            raise FormatError(text.replace("{value}", value))

    def _text(self, name: str, fact: dict[str, str], value: str) -> str:
        if "short" in fact and len(value) < 2:
            return fact["short"].replace("{value}", value)
        element = next((x for x in split_list(value) if not self._patterns[name].fullmatch(x)), value)
        return fact["error"].replace("{value}", value).replace("{element}", element)


def split_list(value: str) -> list[str]:
    """The elements of a list as the real server splits it: at commas, semicolons, blanks and NULs."""
    return [x for x in re.split(r"[,;\s\0]+", value) if x]


def _address(kind: Callable[[str], Any]) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        try:
            kind(value)
        except ValueError:
            return False
        return True

    return test


def _cidr(value: str) -> bool:
    return "/" in value and _address(lambda text: ipaddress.ip_network(text, strict=False))(value)


def _ipv4_config(value: str) -> bool:
    return value in ("dhcp", "manual") or (_cidr(value) and "." in value)


def _ipv6_config(value: str) -> bool:
    return value in ("auto", "dhcp", "manual") or (_cidr(value) and ":" in value)


def _volume(value: str) -> bool:
    return bool(VOLUME_ID.fullmatch(value))


def _volume_or_path(value: str) -> bool:
    return value in ("none", "cdrom", "cloudinit") or value.startswith("/") or _volume(value)


_CHECKS: dict[str, Callable[[str], bool]] = {
    "CIDR": _cidr,
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "pve-ipv4-config": _ipv4_config,
    "pve-ipv6-config": _ipv6_config,
    "pve-volume-id": _volume,
    "pve-volume-id-or-qm-path": _volume_or_path,
    "pve-volume-id-or-absolute-path": lambda value: value.startswith("/") or _volume(value),
    "pve-qm-bootdev": lambda value: bool(re.fullmatch(r"(ide|sata|scsi|virtio|net|usb|hostpci)\d+|efidisk0", value)),
    "pve-priv": lambda value: bool(re.fullmatch(r"[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)+", value)),
}
_TEXTS = {
    "pve-qm-bootdev": "invalid boot device '{value}'",
    "pve-ipv4-config": "value does not look like a valid ipv4 network configuration",
    "pve-ipv6-config": "value does not look like a valid ipv6 network configuration",
    "pve-volume-id": "unable to parse volume ID '{value}'",
    "pve-volume-id-or-qm-path": "unable to parse volume ID '{value}'",
    "pve-volume-id-or-absolute-path": "unable to parse volume ID '{value}'",
}
