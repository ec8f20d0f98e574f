# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sentences of a resize."""

from __future__ import annotations

import re

from ansible_collections.foresight.capacity.plugins.module_utils.commands import Result
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import is_complete
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Work
from ansible_collections.foresight.capacity.plugins.module_utils.resize.reading import Reading, Request, State
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human

# What tools print before anything that matters.
_VERSION = re.compile(r"(resize2fs|e2fsck|fatresize|fsck\.fat) \d\S* \(.*\)")


def already(reading: Reading, state: State) -> str:
    """There was nothing to do."""
    return f"{reading.volume.name} is {human(state['size'])} already{filled(state)}."


def done(request: Request, reading: Reading, predicted: State, work: Work, check_mode: bool) -> str:
    """What was done, or in check mode would be done."""
    volume, content = reading.volume, _content(predicted)
    parts = []
    if predicted["size"] != volume.size:
        verb = "grow" if predicted["size"] > volume.size else "shrink"
        parts.append(f"{_verb(verb, check_mode)} {volume.name} from {human(volume.size)} to {human(predicted['size'])}")
    if predicted["fs_size"] != reading.filesystem.size:
        old, new = reading.filesystem.size or 0, predicted["fs_size"]
        owner = "its" if parts else f"{_verb('grow' if new > old else 'shrink', check_mode)} the unfinished {volume.name}: its"
        parts.append(f"{owner} {content} from {human(old)} to {human(new)}")
    if predicted["metadata_size"] != volume.lv.get("metadata_size"):
        owner = "its" if parts else f"{_verb('grow', check_mode)} the"
        whose = "" if parts else f" of {volume.name}"
        parts.append(f"{owner} metadata{whose} from {human(volume.lv['metadata_size'])} to {human(predicted['metadata_size'])}")
    text = " and ".join(parts) + _in_use_again(volume.name, predicted, work, check_mode, bool(parts))
    return f"{text[:1].upper()}{text[1:]}{_rounded(request, reading, predicted)}."


def _content(state: State) -> str:
    return "swap space" if state["fs_type"] == "swap" else f"{state['fs_type']} file system"


def _in_use_again(name: str, predicted: State, work: Work, check_mode: bool, resized: bool) -> str:
    """That it was out of use meanwhile, or is put to use as an earlier run did not come to it."""
    released, places, is_swap = work.procedure.released, ", ".join(predicted["mountpoints"]), predicted["fs_type"] == "swap"
    if released.release:
        return ", switched off meanwhile, and on again" if is_swap else f", not mounted meanwhile, and mounted again at {places}"
    if not released.restore:
        return ""
    how = f"{_verb('switch', check_mode)} {{}} on" if is_swap else f"{_verb('mount', check_mode)} {{}} at {places}"
    return f"{', and ' if resized else ''}{how.format('it' if resized else name)}, as /etc/fstab says"


def _verb(verb: str, check_mode: bool) -> str:
    return f"would {verb}" if check_mode else {"grow": "grew", "shrink": "shrank", "mount": "mounted", "switch": "switched"}[verb]


def _rounded(request: Request, reading: Reading, predicted: State) -> str:
    if predicted["size"] == request.size:
        return ""
    volume = reading.volume
    stripes = f" over {volume.layout.data_stripes} stripes" if volume.layout.data_stripes > 1 else ""
    return f" (asked for {request.size} bytes, rounded up to {predicted['size']}: whole extents of {human(volume.extent)}{stripes})"


def left(before: State, now: Reading, target: int) -> str:
    """In which state a failure left the volume, and what the same task will do next."""
    state = now.state()
    if state == before:
        return "Nothing was changed; the same task starts anew"
    away = sorted(set(before["mountpoints"]) - set(state["mountpoints"]))
    is_swap = state["fs_type"] == "swap"
    unmounted = "" if not away else "It is switched off now. " if is_swap else f"It is not mounted at {', '.join(away)} now. "
    if now.volume.size == target and is_complete(now.filesystem, now.volume.size) is False:
        size = human(now.filesystem.size or 0)
        return f"{unmounted}The volume is {human(target)}, its {_content(state)} still {size}; the same task will finish that step"
    if state["metadata_size"] != before["metadata_size"] and now.volume.size != target:
        return f"The metadata has its size already, the volume still {human(now.volume.size)}; the same task will finish that step"
    if now.volume.size != target and now.filesystem.size is not None and now.filesystem.size <= target < now.volume.size:
        size = human(now.filesystem.size)
        return f"{unmounted}Its {_content(state)} is {size} already, the volume still {human(now.volume.size)}; the same task will finish that step"
    return f"{unmounted}The volume is {human(now.volume.size)}{filled(state)}; the same task will go on from there"


def filled(state: State) -> str:
    """That its file system fills it, where it does."""
    return f" and its {_content(state)} fills it" if state["fs_fills_volume"] else ""


def said(result: Result) -> str:
    """What a command said, in one line: its errors, without the version that some put there."""
    lines = [line.strip() for line in (result.err.strip() or result.out.strip()).splitlines()]
    return " ".join(line for line in lines if line and not _VERSION.fullmatch(line)).rstrip(".") or "it said nothing"
