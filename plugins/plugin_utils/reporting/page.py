# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all pages have in common: how their templates are filled, and how data stand in their scripts."""

from __future__ import annotations

import functools
import json
import os
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.reporting.texts import counted, moment, plural
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.third_party import jinja2

ROWS_SHOWN = 500


@functools.cache
def environment() -> t.Any:
    """Return the Jinja environment of the templates beside this file (made once per process)."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters.update(
        bytes=_bytes, moment=moment, percent=_percent, duration=format_duration, share=_share, plural=plural, counted=counted
    )
    return made


def script_json(data: t.Any) -> str:
    """Return data as JSON that may stand in a script element."""
    return script_safe(json.dumps(to_native(data), separators=(",", ":")))


def script_safe(text: str) -> str:
    """Return JSON that cannot end the script element it stands in, nor begin a comment or another one there."""
    return text.replace("<", "\\u003c")


def _bytes(value: float | None) -> str:
    return "–" if value is None else format_bytes(value)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _share(part: float, whole: float) -> str:
    """Return a share as a CSS percentage of at most 100."""
    return f"{min(100.0, 100.0 * part / whole):.3f}%"
