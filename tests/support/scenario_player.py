"""Plays recorded scenarios: performs their steps and compares every answer with the recording.

A pattern is a literal with its JSON type (1, "1" and true differ), an object (all keys, ``?key`` may be missing, others only with ``$extra``), or one of
``{"$re"}`` text, ``{"$type", "min", "max"}``, ``{"$keyed", "items"}`` objects in any order, ``{"$each", "min", "max"}`` elements, ``{"$set"}``, ``{"$csv"}``,
``{"$log": {"last", "has", "min"}}`` a task's log, ``{"$any"}`` one of several.
"""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

from sandbox.server import Sandbox

_POLL = 0.01
_TYPES: dict[str, Any] = {
    "any": lambda _: True,
    "null": lambda v: v is None,
    "bool": lambda v: isinstance(v, bool),
    "str": lambda v: isinstance(v, str),
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "num": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "intstr": lambda v: isinstance(v, str) and bool(re.fullmatch(r"-?\d+", v)),
    "numstr": lambda v: isinstance(v, str) and bool(re.fullmatch(r"-?\d+(\.\d+)?", v)),
}


def differences(pattern: Any, value: Any, path: str = "body") -> Iterator[str]:
    """Where a value does not fit a pattern."""
    if isinstance(pattern, dict):
        for key, judge in _JUDGES.items():
            if key in pattern:
                yield from judge(pattern, value, path)
                return
        yield from _object(pattern, value, path)
    elif isinstance(pattern, list):
        if not isinstance(value, list) or len(value) != len(pattern):
            yield f"{path}: expected {len(pattern)} elements, got {value!r}"
            return
        for i, (one, element) in enumerate(zip(pattern, value, strict=True)):
            yield from differences(one, element, f"{path}[{i}]")
    elif type(pattern) is not type(value) or pattern != value:
        yield f"{path}: expected {pattern!r}, got {value!r}"


def _object(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected an object, got {value!r}"
        return
    known = set()
    for key, one in pattern.items():
        name = key.removeprefix("?")
        known.add(name)
        if name in value:
            yield from differences(one, value[name], f"{path}.{name}")
        elif key == name and key != "$extra":
            yield f"{path}: no key {name!r}"
    if set(value) - known and not pattern.get("$extra"):
        yield f"{path}: unexpected keys {sorted(set(value) - known)}"


def _re(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str) or not re.fullmatch(pattern["$re"], value, re.DOTALL):
        yield f"{path}: {value!r} does not match {pattern['$re']}"


def _type(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not _TYPES[pattern["$type"]](value):
        yield f"{path}: expected {pattern['$type']}, got {value!r}"
    elif ("min" in pattern and value < pattern["min"]) or ("max" in pattern and value > pattern["max"]):
        yield f"{path}: {value!r} is not within {pattern}"


def _keyed(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    key = pattern["$keyed"]
    if not isinstance(value, list) or not all(isinstance(element, dict) and key in element for element in value):
        yield f"{path}: expected objects with {key!r}, got {value!r}"
        return
    have = {element[key]: element for element in value}
    if len(have) != len(value):
        yield f"{path}: {key!r} is not unique"
    for one in pattern["items"]:
        if one[key] not in have:
            yield f"{path}: none with {key}={one[key]!r}"
        else:
            yield from differences(one, have.pop(one[key]), f"{path}[{one[key]}]")
    if have and not pattern.get("$extra"):
        yield f"{path}: unexpected {sorted(map(str, have))}"


def _each(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list) or not pattern.get("min", 0) <= len(value) <= pattern.get("max", 10**9):
        yield f"{path}: expected a list of {pattern.get('min', 0)} to {pattern.get('max', 'any')}, got {value!r:.200}"
        return
    for i, element in enumerate(value):
        yield from differences(pattern["$each"], element, f"{path}[{i}]")


def _set(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list) or sorted(map(str, value)) != sorted(map(str, pattern["$set"])):
        yield f"{path}: expected {pattern['$set']} in any order, got {value!r}"


def _csv(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str) or sorted(value.split(",")) != sorted(pattern["$csv"]):
        yield f"{path}: expected {pattern['$csv']} in any order, got {value!r}"


def _log(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    wanted = pattern["$log"]
    if (
        not isinstance(value, list)
        or len(value) < wanted["min"]
        or [line["n"] for line in value] != [value[0]["n"] + i for i in range(len(value))]
    ):
        yield f"{path}: no log of at least {wanted['min']} lines: {value!r}"
        return
    yield from differences(wanted["last"], value[-1]["t"], f"{path}[last]")
    for text in wanted["has"]:
        if not any(re.search(text, line["t"]) for line in value):
            yield f"{path}: no line has {text!r}"


def _any(pattern: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if all(list(differences(one, value, path)) for one in pattern["$any"]):
        yield f"{path}: {value!r} fits none of {pattern['$any']}"


_JUDGES = {"$re": _re, "$type": _type, "$keyed": _keyed, "$each": _each, "$set": _set, "$csv": _csv, "$log": _log, "$any": _any}


def look(document: Any, path: str) -> Any:
    """The value at ``data.list[key=value].name``, None where there is none."""
    for name, selector in re.findall(r"([^.\[\]]+)|\[([^\]]*)\]", path):
        if name:
            document = document.get(name) if isinstance(document, dict) else None
        else:
            key, _unused, wanted = selector.partition("=")
            document = next((one for one in document or [] if str(one.get(key)) == wanted), None)
    return document


def fill(value: Any, known: dict[str, Any]) -> Any:
    """``${name}`` replaced wherever it stands."""
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]+)\}", lambda match: str(known.get(match[1], match[0])), value)
    if isinstance(value, list):
        return [fill(one, known) for one in value]
    if isinstance(value, dict):
        return {key: fill(one, known) for key, one in value.items()}
    return value


class Player:
    """Plays against one sandbox."""

    def __init__(self, sandbox: Sandbox, identities: dict[str, dict[str, Any]]) -> None:
        self._sandbox, self._identities = sandbox, identities
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = sandbox.ca
        self._tickets: dict[str, dict[str, str]] = {}
        self._known: dict[str, Any] = {
            f"id.{name}.{key}": value for name, identity in identities.items() for key, value in identity.items()
        }

    def play(self, scenario: dict[str, Any]) -> list[str]:
        """What differed, step by step."""
        found = []
        for step in scenario["steps"]:
            if "hook" in step:
                self._sandbox.command([step["hook"]["name"], *step["hook"].get("args", [])])
                continue
            found += [f"{step['id']} {step['method']} {step['path']}: {text}" for text in self._step(step)]
        return found

    def _step(self, step: dict[str, Any]) -> list[str]:
        request = fill({key: value for key, value in step.items() if key not in ("expect", "wait", "note", "rules")}, self._known)
        end = time.monotonic() + 20
        reply = self._ask(request)
        while any(
            (reply["status"] if path == "status" else look(reply["body"], path)) != wanted for path, wanted in request.get("until", [])
        ):
            if time.monotonic() > end:
                return ["gave up waiting"]
            time.sleep(_POLL)
            reply = self._ask(request)
        for name, path in step.get("capture", {}).items():
            self._known[name] = look(reply["body"], path)
        if "wait" in step:
            self._wait(fill(step["wait"]["upid"], self._known), end)
        return list(self._compare(fill(copy.deepcopy(step["expect"]), self._known), reply))

    def _wait(self, upid: str, end: float) -> None:
        path = f"/nodes/{upid.split(':')[1]}/tasks/{quote(upid, safe=':!@')}/status"
        while self._ask({"method": "GET", "path": path})["body"]["data"]["status"] != "stopped":
            assert time.monotonic() < end, f"{upid} does not end"
            time.sleep(_POLL)

    def _compare(self, expected: dict[str, Any], reply: dict[str, Any]) -> Iterator[str]:
        for key in ("status", "reason", "ctype"):
            yield from differences(expected[key], reply[key], key)
        if bool(expected.get("empty")) != reply["empty"]:
            yield f"body: {'none' if expected.get('empty') else 'one'} expected, got {reply['body']!r}"
        elif not reply["empty"]:
            yield from differences(expected["body"], reply["body"])

    def _ask(self, step: dict[str, Any]) -> dict[str, Any]:
        body = {"json": step["json"]} if step.get("json") is not None else {"data": step.get("form")}
        url = self._sandbox.bases[step.get("at", "pve1")] + "/api2/json" + step["path"]
        self._http.cookies.clear()
        reply = self._http.request(step["method"], url, params=step.get("query"), headers=self._headers(step), timeout=30, **body)
        media = reply.headers.get("content-type")
        return {
            "status": reply.status_code,
            "reason": reply.reason,
            "ctype": media.partition(";")[0] if media else None,
            "empty": not reply.content,
            "body": reply.json() if reply.content else None,
        }

    def _headers(self, step: dict[str, Any]) -> dict[str, str]:
        name = step.get("as", "full")
        identity = self._identities[name]
        headers = dict(identity.get("headers", {}))
        if "token" in identity:
            headers["Authorization"] = f"PVEAPIToken={identity['token']}"
        elif "username" in identity:
            if name not in self._tickets:
                form = {"username": identity["username"], "password": identity["password"]}
                self._tickets[name] = self._ask({"method": "POST", "path": "/access/ticket", "as": "none", "form": form})["body"]["data"]
            headers["Cookie"] = "PVEAuthCookie=" + quote(self._tickets[name]["ticket"], safe=":/+=@!")
            if step["method"] != "GET" and step.get("csrf") != "omit":
                headers["CSRFPreventionToken"] = "6AAAAAAA:bad" if step.get("csrf") == "bad" else self._tickets[name]["CSRFPreventionToken"]
        return headers | step.get("headers", {})
