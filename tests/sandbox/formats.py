"""The formats of parameters: a text is refused with the sentence that the real server has for it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

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
        if name in self._facts or name in _CHECKS or name == "storage-pair":
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
        if name == "storage-pair":
            _pair(value)
            return
        test, text = _CHECKS.get(name, (None, ""))
        if test is not None and not test(value):
            raise FormatError((fact.get("error") or text).replace("{value}", value))

    def _text(self, name: str, fact: dict[str, str], value: str) -> str:
        if "short" in fact and len(value) < 2:
            return fact["short"].replace("{value}", value)
        element = next((x for x in split_list(value) if not self._patterns[name].fullmatch(x)), value)
        return fact["error"].replace("{value}", value).replace("{element}", element)


def _pair(value: str) -> None:
    try:
        storage_map(value)
    except FormatError as error:
        raise FormatError(f"{error}\n") from None


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


def _network(kind: Callable[[str], Any], longest: int) -> Callable[[str], bool]:
    """An address with a prefix of more than seven bits."""

    def test(value: str) -> bool:
        address, slash, bits = value.partition("/")
        return bool(slash) and bits.isdigit() and 7 < int(bits) <= longest and _address(kind)(address)

    return test


_cidr4, _cidr6 = _network(ipaddress.IPv4Address, 32), _network(ipaddress.IPv6Address, 128)
_ip = _address(ipaddress.ip_address)


def _name(value: str) -> bool:
    return all(re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?", part) for part in value.split("."))


def _nameserver(value: str) -> bool:
    address, percent, interface = value.partition("%")
    if percent and value.startswith("fe80:"):
        return _ip(address) and bool(re.fullmatch(r"(?i:[a-z][a-z0-9_]{1,20}([:.]\d+)?)", interface))
    return _ip(value)


def _volume(value: str) -> bool:
    return bool(VOLUME_ID.fullmatch(value))


def _cpus(value: str) -> bool:
    return all(re.fullmatch(r"\d+(-\d+)?", part) for part in value.split(","))


def _timezone(value: str) -> bool:
    return value in ("host", "UTC") or value in available_timezones()


_DRIVE = r"ide[0-3]|sata[0-5]|scsi([12]?\d|30)|virtio(\d|1[0-5])"
_MAIL_USER = r"[\w+\-~]+(\.[\w+\-~]+)*"
_MAIL = _MAIL_USER + r"@[a-zA-Z0-9\-]+(\.[a-zA-Z0-9\-]+)*"


def _like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda value: compiled.fullmatch(value) is not None


# Format → what fits, and the sentence for what does not (where schema.json has none).
_CHECKS: dict[str, tuple[Callable[[str], bool], str]] = {
    "CIDR": (lambda value: _cidr4(value) or _cidr6(value), ""),
    "ipv4": (_address(ipaddress.IPv4Address), ""),
    "ipv6": (_address(ipaddress.IPv6Address), ""),
    "address": (lambda value: _ip(value) or _name(value), "value does not look like a valid address: {value}"),
    "email": (_like(_MAIL), "value does not look like a valid email address"),
    "email-or-username": (_like(f"{_MAIL}|{_MAIL_USER}"), "value does not look like a valid email address or user name"),
    "lxc-ip-with-ll-iface": (_nameserver, "value does not look like a valid IP address"),
    "mac-prefix": (_like(r"(?i:[a-f0-9][02468ace](:[a-f0-9]{2}){0,2}:?)"), "value is not a valid unicast MAC address prefix"),
    "pve-cpuset": (_cpus, "unable to parse cpuset option"),
    "pve-ct-timezone": (_timezone, "invalid time zone '{value}'"),
    "pve-day-of-week": (_like("mon|tue|wed|thu|fri|sat|sun"), "invalid day '{value}'"),
    "pve-ipv4-config": (
        lambda value: value in ("dhcp", "manual") or _cidr4(value),
        "value does not look like a valid ipv4 network configuration",
    ),
    "pve-ipv6-config": (
        lambda value: value in ("auto", "dhcp", "manual") or _cidr6(value),
        "value does not look like a valid ipv6 network configuration",
    ),
    "pve-lxc-dev-string": (_like(r"(?!.*/\.\.?(/|$))/dev/.*"), "{value} is not a valid device path"),
    "pve-lxc-mp-string": (_like(r"(?!\.\./)(?!.*/\.\.?(/|$)).*"), "{value} contains illegal character sequences"),
    "pve-priv": (_like(r"[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)+"), ""),
    "pve-qm-bootdev": (_like(rf"{_DRIVE}|(net|usb|hostpci)\d+"), "invalid boot device '{value}'"),
    "pve-qm-bootdisk": (_like(rf"{_DRIVE}|efidisk0|tpmstate0"), "invalid boot disk '{value}'"),
    "pve-volume-id": (_volume, "unable to parse volume ID '{value}'"),
    "pve-volume-id-or-absolute-path": (lambda value: value.startswith("/") or _volume(value), "unable to parse volume ID '{value}'"),
    "pve-volume-id-or-qm-path": (
        lambda value: value in ("none", "cdrom", "cloudinit") or value.startswith("/") or _volume(value),
        "unable to parse volume ID '{value}'",
    ),
    "urlencoded": (_like(r"[-%a-zA-Z0-9_.!~*'()]*"), "invalid urlencoded string: {value}"),
}


def storage_map(value: str) -> tuple[dict[str, str], bool]:
    """Source storage → target storage (the source "" = any), and whether each keeps its name.

    :raises FormatError: no such map
    """
    found: dict[str, str] = {}
    same = False
    for entry in split_list(value):
        parts = entry.split(":")
        if entry == "1":
            same = True
            continue
        for part in parts if len(parts) == 2 else [entry]:
            problem = _storage_id(part)
            if problem is not None:
                raise FormatError(f"entry '{entry}' contains invalid ID - {problem}\n")
        source = parts[0] if len(parts) == 2 else ""
        if source in found:
            raise FormatError(f"duplicate mapping for source '{source}'" if source else "default target ID can only be provided once")
        found[source] = parts[-1]
    if same and found:
        raise FormatError("identity mapping cannot be combined with other mappings")
    return found, same


def _storage_id(value: str) -> str | None:
    if len(value) < 2:
        return f"storage ID '{value}' cannot be shorter than 2 characters"
    if not re.fullmatch(r"(?i:[a-z][a-z0-9\-_.]*[a-z0-9])", value):
        return f"storage ID '{value}' contains illegal characters"
    return None
