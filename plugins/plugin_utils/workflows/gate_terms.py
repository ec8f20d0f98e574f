# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What opening the gate and passing it look at alike: the kill switch, and what the store knows of targets and hosts."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.planning.gate import Verdict, group_of
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store

Document = dict[str, t.Any]


def kill_switch(stop: bool, stop_file: str | None) -> Verdict | None:
    """Return the verdict on everything while a kill switch is on, else None."""
    if stop:
        return Verdict("stopped", "Stopped by the kill switch foresight_stop (O(stop)); nothing is changed.")
    if stop_file is None:
        return None
    try:
        os.lstat(os.path.expanduser(stop_file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # it may be there, and a kill switch wins over everything
        return Verdict("stopped", f"Stopped, because nobody can tell whether the file {stop_file} exists: {error.strerror} (O(stop_file)).")
    return Verdict("stopped", f"Stopped by the file {stop_file}; nothing is changed until it is gone (O(stop_file)).")


def known_attributes(store: Store, document: Document, host: str | None = None) -> dict[str, Document]:
    """Return what the store knows of the targets of a plan, their VGs and their hosts, by entity key; of one host's alone if it is named."""
    actions = [action for action in document["actions"] if host in (None, action["host"])]
    keys = {key for action in actions for key in (action["target"], f"host:{action['host']}", group_of(action)) if key is not None}
    return {entity.key: entity.attributes for entity in store.find_entities(keys=sorted(keys))}
