# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an action plugin knows about its play: the raw facts of every host, who is missing, and when the run began.

Nothing here imports Ansible; the objects are used as they come (HostVars.raw_get is the same in ansible-core 2.19 to 2.21).
"""

from __future__ import annotations

import os
import time
import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import playbook_process
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError, InputError

Variables = Mapping[str, t.Any]
_OWN_VARIABLES = ("foresight_", "volumes_", "observe_", "report_", "schedule_", "simulate_", "train_")


class PlayHosts(t.NamedTuple):
    """The hosts of a play in inventory order; lost ones were unreachable or failed before this task."""

    hosts: list[str]
    lost: list[str]


def play_hosts(variables: Variables) -> PlayHosts:
    """Return the hosts of the play that a task's variables belong to."""
    hosts = [str(host) for host in variables["ansible_play_hosts_all"]]
    left = {str(host) for host in variables["ansible_play_hosts"]}
    return PlayHosts(hosts, [host for host in hosts if host not in left])


def raw_facts(variables: Variables, hosts: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, t.Any]]:
    """Return the facts of these names that each host has; {} for a host without any.

    Facts that modules returned lie in C(ansible_facts); those of C(set_fact) beside it. Nothing is templated: facts are data, and
    going through the templating engine takes minutes for some ten thousand volumes.
    """
    hostvars = variables["hostvars"]
    found = {}
    for host in hosts:
        mine = hostvars.raw_get(host)
        facts = mine.get("ansible_facts") or {}
        found[host] = {name: facts[name] if name in facts else mine[name] for name in names if name in facts or name in mine}
    return found


def refuse_forged(variables: Variables, hosts: Sequence[str], known: Collection[str]) -> None:
    """Refuse hosts whose facts would take the place of variables of this collection: facts win over the inventory.

    :param known: the names of facts that these hosts may have.
    :raises InputError: naming the hosts and the facts.
    """
    found = {}
    for host in hosts:
        facts = variables["hostvars"].raw_get(host).get("ansible_facts") or {}
        names = sorted(str(name) for name in facts if str(name).startswith(_OWN_VARIABLES) and name not in known)
        if names:
            found[host] = ", ".join(names)
    if found:
        told = "; ".join(f"{host} has the facts {names}" for host, names in found.items())
        raise InputError(
            f"{told}. A fact takes the place of a variable of the inventory, so no host may say what is allowed on it. Needed is a host without such facts: "
            f"look where they come from, and leave it out until then (--limit '!{next(iter(found))}')."
        )


def run_started(now: int) -> int:
    """Return when this run of ansible-playbook began, UTC seconds; now where the controller's system does not tell."""
    try:
        process = playbook_process()
    except ForesightError:
        return now
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - process.pid_start / os.sysconf("SC_CLK_TCK")
    return now - max(0, round(age))
