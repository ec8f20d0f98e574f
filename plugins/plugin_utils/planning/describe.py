# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan in words: one line per action, and the summary that the console shows."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.durations import format_duration
from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.order import growth_bytes, moved_bytes, shrunk_bytes
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = t.Mapping[str, t.Any]
SHOWN = 20


def utc(seconds: int) -> str:
    """Return a time as people read it: `2026-11-21 09:45:00 UTC`."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def action_line(action: Document) -> str:
    """Return what an action does and why: `web1: grow vg0/data 20 GiB → 24 GiB (+4 GiB), forecast: 22.1 GiB (q0.9, theta)`."""
    return f"{action['host']}: {_change(action)}, {_why(action)}{_wait(action)}"


def refusal_line(entry: Document) -> str:
    """Return what was refused and why."""
    name = entry.get("entity") or entry.get("guest") or str(entry.get("rule"))
    detail = entry.get("message") or _seen_needed(entry)
    option = entry.get("option")
    hint = f" (option {option})" if option and option not in detail else ""
    return f"{name}: {entry['reason']}{': ' + detail if detail else ''}{hint}"


def proposal_line(entry: Document) -> str:
    """Return what is only proposed."""
    name = entry.get("target") or entry.get("entity") or entry.get("vg") or entry.get("lv") or ""
    change = _states(entry) if entry.get("to") is not None else ""
    amount = f" +{format_bytes(entry['bytes'])}" if entry.get("bytes") else ""
    reason = entry.get("message") or entry.get("reason")
    return f"{entry['kind']} {name}{change}{amount}{', ' + reason if reason else ''}"


def summary_lines(document: Document) -> list[str]:
    """Return the summary of a plan: a headline, then actions, refusals and proposals, each list cut after 20 lines."""
    lines = [headline(document)]
    for title, entries, line in (
        ("Actions", document["actions"], action_line),
        ("Refused", document["refused"], refusal_line),
        ("Proposed, never applied", document["proposals"], proposal_line),
    ):
        if entries:
            lines.append(f"{title}:")
            lines.extend(f"  {line(entry)}" for entry in entries[:SHOWN])
        if len(entries) > SHOWN:
            lines.append(f"  … and {len(entries) - SHOWN} more")
    return lines


def headline(document: Document) -> str:
    """Return one line: id, counts, bytes, expiry."""
    actions = document["actions"]
    hosts = len({action["host"] for action in actions})
    totals = (("growing", growth_bytes), ("shrinking", shrunk_bytes), ("moving", moved_bytes))
    sizes = [(text, sum(map(of, actions))) for text, of in totals]
    size = "".join(f", {text} {format_bytes(value)}" for text, value in sizes if value)
    mode = " made in check mode" if document["check"] else ""
    what = f"{_count(len(actions), 'action')} on {_count(hosts, 'host')}{size}" if actions else "no actions"
    return (
        f"Plan {document['id'][:12]}{mode}: {what}; {len(document['refused'])} refused, {_count(len(document['proposals']), 'proposal')}; "
        f"expires {utc(document['expires_at'])}"
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _change(action: Document) -> str:
    name = action["target"].split(":", 1)[1]
    if action["kind"] == "guest_migrate":
        moved = moved_bytes(action)
        return f"move {name} from {action['from']['node']} to {action['to']['node']}{f' ({format_bytes(moved)})' if moved else ''}"
    if action["kind"] == "lv_resize":
        if action["from"] == action["to"]:
            return f"finish growing {name.split('/', 1)[1]} to {format_bytes(action['to']['size'])}"
        verb = "shrink" if shrunk_bytes(action) else "grow"
        return f"{verb} {name.split('/', 1)[1]}{_states(action)}"
    return f"resize {name}{_states(action)}"


def _states(entry: Document) -> str:
    before, after = entry.get("from"), entry["to"]
    if not isinstance(after, dict):
        return f" {before} → {after}" if before is not None else f" → {after}"
    before = before if isinstance(before, dict) else {}
    return "".join(
        f" {_label(key)}{_value(key, before.get(key))} → {_value(key, value)}{_difference(key, before.get(key), value)}"
        for key, value in sorted(after.items())
    )


def _label(key: str) -> str:
    return "" if key == "size" else f"{key} "


def _is_bytes(key: str, value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (key.endswith(("size", "bytes")) or value >= 1 << 20)


def _value(key: str, value: t.Any) -> str:
    return format_bytes(value) if _is_bytes(key, value) else "?" if value is None else str(value)


def _difference(key: str, before: t.Any, after: t.Any) -> str:
    if not (_is_bytes(key, before) and _is_bytes(key, after)) or before == after:
        return ""
    sign = "+" if after > before else "-"
    return f" ({sign}{format_bytes(abs(after - before))})"


def _why(action: Document) -> str:
    forecast = action.get("forecast") or {}
    text = action.get("message") or action["reason"]
    if action.get("message") and action["reason"] not in text:
        text = f"{action['reason']}: {text}"
    if forecast.get("value") is None:
        return str(text)
    value = format_bytes(forecast["value"]) if action["kind"] == "lv_resize" else f"{forecast['value']:g}"
    quantile = f"q{forecast['quantile']:g}, " if forecast.get("quantile") is not None else ""
    runway = f", full in {format_duration(forecast['runway_seconds'])}" if forecast.get("runway_seconds") is not None else ""
    told = "" if text == "forecast" else f"{text.rstrip('.')}; "
    return f"{told}forecast {value} ({quantile}{forecast.get('method')}){runway}"


def _wait(action: Document) -> str:
    wave = f", wave {action['wave']}" if "wave" in action else ""
    window = action.get("window") or {}
    start, end = window.get("not_before"), window.get("not_after")
    return f"{wave}{f', not before {utc(start)}' if start is not None else ''}{f', not after {utc(end)}' if end is not None else ''}"


def _seen_needed(entry: Document) -> str:
    return ", ".join(f"{word} {entry[word]}" for word in ("seen", "needed") if entry.get(word) is not None)
