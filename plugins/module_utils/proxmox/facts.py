# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module proxmox_facts does: options in, document out."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import connection, failures
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.document import Choices, Document, build
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reading import read_cluster
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.reserves import read_reserve, reserve_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.under_way import find_targets

# A host keeps this many connections open (requests); more threads would open and close them all the time.
MOST_PARALLEL = 10


def facts_arguments() -> t.Dict[str, t.Dict[str, t.Any]]:
    """Options of proxmox_facts beside those of the connection."""
    return {
        "nodes": {"type": "list", "elements": "str", "default": []},
        "host": {"type": "str"},
        **reserve_arguments(),
        "link_bytes_per_second": {"type": "float"},
        "links": {"type": "dict", "default": {}},
        "parallel": {"type": "int", "default": 8},
    }


def need_proxmoxer(module: AnsibleModule) -> None:
    """End the module where proxmoxer or requests is missing."""
    if not connection.HAS_PROXMOXER:
        module.fail_json(msg=missing_required_lib("proxmoxer and requests"), exception=connection.PROXMOXER_IMPORT_ERROR)


def fail(module: AnsibleModule, failure: Failure, **more: t.Any) -> None:
    """End the module with a failure."""
    # Not path: Ansible would take that for a file of the machine, and tell its owner and size.
    where = {"privilege": failure.privilege, "privilege_path": failure.path}
    module.fail_json(**{**more, "msg": str(failure), "reason": failure.kind, **where})


def run(module: AnsibleModule) -> None:
    """Read and return; a failure ends with its kind, and the privilege that is missing."""
    need_proxmoxer(module)
    try:
        client = Client(read_access(module.params))
        document = read_document(client, module.params)
    except Failure as failure:
        fail(module, failure)
        return
    for problem in document["problems"]:
        module.warn(problem)
    module.exit_json(changed=False, ansible_facts={"foresight_cluster": document}, calls=client.calls)


def read_document(client: Client, params: t.Mapping[str, t.Any], clock: t.Callable[[], float] = time.time) -> Document:
    """Read the cluster document that the options ask for.

    :raises Failure: for options that make no sense, and whatever goes wrong.
    """
    if not 1 <= params["parallel"] <= MOST_PARALLEL:
        raise Failure(failures.PARAMETERS, f"O(parallel) is {params['parallel']}", f"Needed is 1 to {MOST_PARALLEL}", sent=False)
    reserves = {name: read_reserve(name, value) for name, value in params["reserves"].items()}
    link = params["link_bytes_per_second"]
    choices = Choices(
        nodes=params["nodes"],
        host=params["host"],
        reserve=read_reserve("", params["reserve"] or {}),
        reserves=reserves,
        link=None if link is None else _speed("link_bytes_per_second", link),
        links={name: _speed(f"links.{name}", value) for name, value in params["links"].items()},
    )
    observed_at = int(clock())
    answers = read_cluster(client, nodes=choices.nodes, parallel=params["parallel"], clock=clock)
    bound = find_targets(client, answers.resources, answers.problems)
    return build(answers, choices, bound, observed_at=observed_at)


def _speed(option: str, told: t.Any) -> float:
    try:
        speed = float(told)
    except (TypeError, ValueError):
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise Failure(failures.PARAMETERS, f"O({option}) is {told!r}", "Needed are bytes per second above 0", sent=False)
    return speed
