# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forget hosts that no longer exist: what they held is current no more, and its history stays as long as any other."""

from __future__ import annotations

import difflib
import typing as t
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Store, open_store

_KINDS = ("host", "vg", "lv", "node", "guest", "storage")


def forget(*, store: str | None, now: int, hosts: Sequence[str], inventory: Sequence[str], check: bool = False) -> dict[str, t.Any]:
    """Take hosts, and every entity that was observed through them, out of the current ones. Forgetting again changes nothing.

    A volume group that such a host shared with others counts as shared until they are observed again.

    :param hosts: names as they were recorded.
    :param inventory: all hosts of the inventory, which are never forgotten: they may hold what another host sees too.
    :returns: hosts {name: number of entities}, written, summary.
    :raises InputError: for no host, a host of the inventory, or one that was never recorded here.
    """
    if not hosts:
        raise InputError("No host is named; needed are the names of hosts that no longer exist (O(hosts), foresight_forget).")
    present = sorted(set(hosts).intersection(inventory))
    if present:
        raise InputError(
            f"{', '.join(present)} is in this inventory; only hosts that were taken out of it are forgotten, for one that still exists may share a VG "
            "with another. Take it out of the inventory first (-i), or name another host (O(hosts))."
        )
    with open_store(store, create=False) as opened, opened.transaction():
        _refuse_unknown(opened, hosts)
        gone = {host: len(opened.find_entities(kinds=_KINDS, hosts=[host])) for host in sorted(set(hosts))}
        if not check:
            run = opened.start_run("forget", at=now, check=False, detail={"hosts": gone})
            for kind in _KINDS:
                opened.retire_unseen(kind, list(gone), ())
            opened.finish_run(run, at=now, status="finished")
    mode = "Check mode: nothing is written. " if check else ""
    return {
        "hosts": gone,
        "written": {"entities": 0 if check else sum(gone.values())},
        "summary": [f"{mode}{host}: {_told(count)}" for host, count in gone.items()],
    }


def _refuse_unknown(opened: Store, hosts: Sequence[str]) -> None:
    known = {entity.host for entity in opened.find_entities(hosts=hosts, current=None)}
    for host in hosts:
        if host not in known:
            like = difflib.get_close_matches(host, [str(entity.host) for entity in opened.find_entities(kinds=["host"])], n=3)
            hint = f" Recorded are {', '.join(like)}." if like else ""
            raise InputError(f"{host} was never recorded in {opened.location}; needed is the name of a recorded host (O(hosts)).{hint}")


def _told(count: int) -> str:
    return f"{count} entities are forgotten; their history stays as long as any other." if count else "was forgotten before."
