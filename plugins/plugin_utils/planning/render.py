# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan as a YAML file that people review: comments in words, content that loads back to the very same document.

An emitter of our own: PyYAML writes no comments and needs seconds for 10,000 actions.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import PlanError
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.describe import (
    action_line,
    headline,
    proposal_line,
    refusal_line,
    utc,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import yaml

Document = dict[str, t.Any]

_ACTION_KEYS = (
    "id",
    "kind",
    "host",
    "target",
    "expect",
    "from",
    "to",
    "allow",
    "after",
    "wave",
    "window",
    "reason",
    "message",
    "cost",
    "undo",
    "forecast",
)
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_QUOTED = re.compile(r'["\\]|' + _UNPRINTABLE.pattern)


def render_yaml(document: Document) -> str:
    """Return the plan as commented YAML.

    :raises PlanError: for a value that is no JSON.
    """
    lines = _header(document)
    for key, value in document.items():
        if key in ("actions", "refused", "proposals"):
            lines.extend(_entries(key, value, _COMMENTS[key]))
        elif key in ("scope", "budgets", "before", "after") and value:
            lines.append(f"{key}:")
            lines.extend(f"  {_scalar(name)}: {_flow(item)}" for name, item in value.items())
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def load_yaml(text: str, *, source: str) -> Document:
    """Return the document of a plan file.

    :raises PlanError: when the text is no YAML map.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(text, Loader=loader)
    except yaml.YAMLError as error:
        raise PlanError(
            f"{source} is no YAML: {' '.join(str(error).split())}. Needed is a plan file as the plan action writes it."
        ) from error
    if not isinstance(document, dict):
        raise PlanError(f"{source} holds {type(document).__name__}, not a plan. Needed is a plan file as the plan action writes it.")
    return document


def _header(document: Document) -> list[str]:
    short, observed = document["id"], document["observed_at"]
    lines = [
        headline(document),
        f"Made {utc(document['created_at'])} by foresight.capacity {document['collection_version']}"
        + (f", from facts of {utc(observed)}." if observed is not None else "."),
        "",
    ]
    if document["check"]:
        lines.append("Made in check mode (ansible-playbook --check): it can be read, but never applied.")
    else:
        lines.extend(
            [
                f"Try it:   ansible-playbook -i INVENTORY foresight.capacity.apply --check --diff -e foresight_apply=true -e foresight_plan={short}",
                f"Apply it: ansible-playbook -i INVENTORY foresight.capacity.apply -e foresight_apply=true -e foresight_plan={short}",
                f"Approve:  ansible-playbook -i INVENTORY foresight.capacity.approve -e foresight_plan={short}",
            ]
        )
    lines.extend(
        [
            "The path of this file may stand for the id. The id signs the content, so an edited plan is refused: change the policy and plan again.",
            'To leave targets out: -e \'{"foresight_exclude": ["lv:HOST/VG/LV"]}\', which takes the place of any foresight_exclude of the inventory.',
        ]
    )
    return [_comment(line) for line in lines]


def _entries(key: str, entries: t.Sequence[Document], line: t.Callable[[Document], str]) -> list[str]:
    if not entries:
        return [f"{key}: []"]
    lines = [f"{key}:"]
    for number, entry in enumerate(entries, 1):
        lines.append("  " + _comment(f"{number}. {line(entry)}"))
        names = [*(name for name in _ACTION_KEYS if name in entry), *(name for name in entry if name not in _ACTION_KEYS)]
        lead = "  - "
        for name in names:
            lines.append(f"{lead}{_scalar(name)}: {_flow(entry[name])}")
            lead = "    "
    return lines


_COMMENTS: dict[str, t.Callable[[t.Any], str]] = {"actions": action_line, "refused": refusal_line, "proposals": proposal_line}


def _comment(text: str) -> str:
    return f"# {_UNPRINTABLE.sub(_escape, text)}".rstrip()


def _flow(value: t.Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: t.Any) -> str:
    if isinstance(value, str):
        if _PLAIN.match(value) and value.lower() not in _WORDS:
            return value
        return f'"{_QUOTED.sub(_escape, value)}"'
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # YAML 1.1 reads 1e+22 as a text: the point is not optional there
        text = repr(value)
        return text if "." in text else text.replace("e", ".0e")
    raise PlanError(f"A plan cannot hold {type(value).__name__}: {value!r:.80}.")


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character in '"\\':
        return "\\" + character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
