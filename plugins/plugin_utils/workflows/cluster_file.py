# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A document out of a file that anybody may have written: JSON or YAML, gzipped or not, refused where it would eat the controller's memory."""

from __future__ import annotations

import gzip
import json
import os
import typing as t
import zlib

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import yaml

_GZIP = b"\x1f\x8b"
_NEEDED = "Needed is a cluster document as JSON or YAML"
MIB = 2**20
# 1,000 nodes with 20,000 guests are 6 MiB of JSON. YAML takes a hundred times as long.
MOST_JSON, MOST_YAML = 256 * MIB, 16 * MIB
# The reader of YAML recurses in C, where there is no limit but the end of the stack.
MOST_DEEP, MOST_VALUES = 100, 10_000_000
# What PyYAML's constructors raise besides its own errors for dates, numbers and tags that mean nothing.
_NONSENSE = (ValueError, KeyError, AttributeError, IndexError, TypeError)


def read_file(file: str) -> t.Any:
    """Return what a JSON or YAML file says.

    :raises InputError: if it cannot be read, is neither, or is larger than any cluster.
    """
    path = os.path.abspath(os.path.expanduser(file))
    text = _text(path)
    if path.removesuffix(".gz").endswith((".yml", ".yaml")):
        return _yaml(text, path)
    try:
        return json.loads(text)
    except RecursionError as error:
        raise _wrong(path, "is nested too deeply") from error
    except ValueError as error:
        if path.removesuffix(".gz").endswith(".json"):
            where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise _wrong(path, f"is no JSON: {getattr(error, 'msg', error)}{where}") from error
    return _yaml(text, path)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as opened:
            zipped = opened.read(len(_GZIP)) == _GZIP
        with gzip.open(path) if zipped else open(path, "rb") as opened:
            data = opened.read(MOST_JSON + 1)
        # Editors on Windows begin a file with a mark of its encoding.
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"Cannot read a cluster from {path}: {error.strerror or error}. {_NEEDED} (O(file)).") from error
    except (EOFError, zlib.error) as error:
        raise InputError(f"Cannot read a cluster from {path}: it is cut off or damaged ({error}). {_NEEDED} (O(file)).") from error
    except UnicodeDecodeError as error:
        raise InputError(f"Cannot read a cluster from {path}: it is no UTF-8 text ({error.reason}). {_NEEDED} (O(file)).") from error
    if len(data) > MOST_JSON:
        raise _wrong(path, f"holds more than {MOST_JSON // MIB} MiB{' unpacked' if zipped else ''}, which no cluster has")
    return text


def _yaml(text: str, path: str) -> t.Any:
    if len(text) > MOST_YAML:
        raise _wrong(path, f"is no JSON, and with more than {MOST_YAML // MIB} MiB too large for YAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_bombs(text, path, loader)
        document = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise _wrong(path, f"is neither JSON nor YAML: {getattr(error, 'problem', None) or error}{where}") from error
    except _NONSENSE as error:
        raise _wrong(path, f"is no YAML that means something: {error}") from error
    try:
        return from_ansible(document)
    except InputError as error:
        raise _wrong(path, f"holds what no document can: {error}") from error


def _refuse_bombs(text: str, path: str, loader: t.Any) -> None:
    """Refuse YAML that is nested very deeply, and aliases that stand for more values than there is memory, or for themselves."""
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = [(None, 0)]

    def add(size: int) -> None:
        anchor, so_far = open_[-1]
        if so_far + size > MOST_VALUES:
            raise _wrong(path, f"stands for more than {MOST_VALUES:,} values")
        open_[-1] = (anchor, so_far + size)

    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            if len(open_) > MOST_DEEP:
                raise _wrong(path, f"is nested more than {MOST_DEEP} deep in line {_line(event)}")
            open_.append((event.anchor, 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
            if anchor:
                sizes[anchor] = size
            add(size)
        elif isinstance(event, yaml.ScalarEvent):
            if event.anchor:
                sizes[event.anchor] = 1
            add(1)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise _wrong(path, f"names *{event.anchor} in line {_line(event)}, which is not complete there")
            add(sizes[event.anchor])


def _line(event: t.Any) -> int:
    return int(event.start_mark.line) + 1


def _wrong(path: str, what: str) -> InputError:
    return InputError(f"{path} {what.rstrip('.')}. {_NEEDED} (O(file)).")
