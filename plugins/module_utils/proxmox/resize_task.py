# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module proxmox_guest_resize does: options in, one result for each guest out."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.admission import Admission, Terms
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.facts import MOST_PARALLEL, fail, need_proxmoxer
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.guest_resize import GuestResize, Patience, Result
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.overview import Lists, Overview, read_overview
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reading import arc_bytes
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reserves import read_reserve, reserve_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_requests import Request, guest_options, read_requests, wrong
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_story import summary
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.rights import Rights
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import parse_margin

Parameters = t.Mapping[str, t.Any]


def resize_arguments() -> t.Dict[str, t.Dict[str, t.Any]]:
    """Options of proxmox_guest_resize beside those of the connection."""
    overcommit = {"cpu": {"type": "float"}, "memory": {"type": "float"}, "storage": {"type": "bool", "default": False}}
    return {
        "guests": {"type": "list", "elements": "dict", "options": guest_options()},
        "actions": {"type": "list", "elements": "dict"},
        **reserve_arguments(),
        "overcommit": {"type": "dict", "default": {}, "options": overcommit},
        "margin": {"type": "str", "default": "10%"},
        "timeout": {"type": "float", "default": 600.0},
        "max_parallel": {"type": "int", "default": 4},
    }


def run(module: AnsibleModule) -> None:
    """Resize and return; guests that were refused or failed fail the task, with the outcomes of all."""
    need_proxmoxer(module)
    try:
        requests = read_requests(module.params["guests"] or [], module.params["actions"] or [])
        client = Client(read_access(module.params))
        results = resize_guests(client, requests, module.params, check=module.check_mode)
    except Failure as failure:
        fail(module, failure)
        return
    outcome = summary(results)
    outcome["calls"] = client.calls
    if any(result["status"] in ("refused", "failed") for result in results):
        module.fail_json(**outcome)
    module.exit_json(**outcome)


def resize_guests(client: Client, requests: t.Sequence[Request], params: Parameters, *, check: bool) -> t.List[Result]:
    """Resize guests, or foretell it: read all, decide on all in their order, then change what was admitted, a few at a time.

    :raises Failure: for options that make no sense. Whatever else goes wrong is the result of the guests that it concerns.
    """
    terms, patience, parallel = _terms(params), _patience(params), _parallel(params)
    if not requests:
        return []
    rights = Rights(client)
    try:
        rights.check([("/", "Sys.Audit")])
        overview = read_overview(client)
    except Failure as failure:
        lost = [GuestResize(client, rights, _NOTHING, request, patience) for request in requests]
        for one in lost:
            one.fail(failure)
        return [one.result() for one in lost]
    resizes = [GuestResize(client, rights, overview, request, patience) for request in requests]
    admission = Admission(overview.lists, terms, lambda node: arc_bytes(client, node) if client.has_arc_size else 0)
    with ThreadPoolExecutor(max_workers=parallel) as pool:
        list(pool.map(GuestResize.prepare, resizes))
        for one in resizes:
            one.admit(admission)
        if not check:
            list(pool.map(GuestResize.carry_out, resizes))
    return [one.result() for one in resizes]


_NOTHING = Overview(None, False, Lists({}, {}, {}))


def _terms(params: Parameters) -> Terms:
    reserves = {name: read_reserve(name, value) for name, value in params["reserves"].items()}
    overcommit = params["overcommit"] or {}
    for resource in ("cpu", "memory"):
        factor = overcommit.get(resource)
        if factor is not None and not 0 < factor < float("inf"):
            raise wrong(f"O(overcommit.{resource}) is {factor}", "Needed is a number above 0, such as 4 for four times what a node has")
    return Terms(read_reserve("", params["reserve"] or {}), reserves, overcommit)


def _patience(params: Parameters) -> Patience:
    if not 0 < params["timeout"] < float("inf"):
        raise wrong(f"O(timeout) is {params['timeout']}", "Needed are seconds above 0")
    try:
        return Patience(parse_margin(params["margin"]), params["timeout"])
    except ValueError as error:
        raise wrong(f"O(margin): {error}", "") from None


def _parallel(params: Parameters) -> int:
    if not 1 <= params["max_parallel"] <= MOST_PARALLEL:
        raise wrong(f"O(max_parallel) is {params['max_parallel']}", f"Needed is 1 to {MOST_PARALLEL}")
    return int(params["max_parallel"])
