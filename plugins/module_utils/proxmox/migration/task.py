# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module proxmox_guest_migrate does: options in, outcomes out."""

from __future__ import annotations

import signal
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.facts import fail, need_proxmoxer
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration import story
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.outcome import FAILED, REFUSED, STATUSES, Document
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import read_identity
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import Move, Options, read_moves, read_options
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.run import Run
from ansible_collections.foresight.capacity.plugins.module_utils.starter import Starter

T = t.TypeVar("T")


def migrate_task(module: AnsibleModule) -> None:
    """Make the moves and return; where one was refused or failed, so does the task."""
    need_proxmoxer(module)
    started = time.monotonic()
    moves: t.Sequence[Move] = ()
    try:
        moves = _read(read_moves, module.params["actions"])
        options = _read(read_options, module.params)
        client = Client(read_access(module.params))
        outcomes = _carried_out(module, client, moves, options)
    except Failure as failure:
        fail(module, failure, **result_of(Run.none_made(moves, failure)))
        return
    result = {**result_of(outcomes), "calls": client.calls, "seconds": round(time.monotonic() - started, 3)}
    if any(one["status"] in (REFUSED, FAILED) for one in outcomes):
        module.fail_json(**result)
    module.exit_json(**result)


def _read(reader: t.Callable[[t.Any], T], given: t.Any) -> T:
    try:
        return reader(given)
    except ValueError as error:
        raise Failure(failures.PARAMETERS, str(error), sent=False) from error


def _carried_out(module: AnsibleModule, client: Client, moves: t.Sequence[Move], options: Options) -> t.List[Document]:
    def tell(move: Move, line: str) -> None:
        # Ansible shows a result when the task has ended; the journal shows what it does meanwhile.
        module.log(f"{move.guest} to {move.target}: {line}")

    run = Run(client, moves, options, check=module.check_mode, identity=read_identity(), tell=tell, abandoned=Starter().is_gone)
    # Ctrl-C ends it at once, as a kill does, and not when the last migration has ended; the next run goes on from what it finds.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return run.carry_out()
    finally:
        signal.signal(signal.SIGINT, before)


def result_of(outcomes: t.Sequence[Document]) -> Document:
    """The result of the module without what only it knows."""
    places = [{str(one["item"]["target"]): (one[when] or {}).get("node") for one in order} for when, order in _ends(outcomes)]
    message = story.summary(outcomes)
    return {
        "changed": any(one["changed"] for one in outcomes),
        "msg": message,
        "message": message,
        "outcomes": list(outcomes),
        "counts": {status: sum(one["status"] == status for one in outcomes) for status in STATUSES},
        "diff": {"before": places[0], "after": places[1]},
    }


def _ends(outcomes: t.Sequence[Document]) -> t.Iterator[t.Tuple[str, t.Sequence[Document]]]:
    """Of several moves of a guest the first tells where it was, the last where it is."""
    yield "before", list(reversed(outcomes))
    yield "after", outcomes
