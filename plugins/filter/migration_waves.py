# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: migration_waves
short_description: Put the moves of guests into an order that can be carried out
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Groups moves into waves. The moves of a wave run at the same time, and a wave begins when the one before has ended.
  - A guest takes room on both nodes while it migrates, and what it leaves is free in the next wave. No node is ever over its capacity after its reserve,
    in any resource or storage that is not shared; a node that is over it already only loses. Strict C(apart) rules hold all the time.
  - Where nodes wait for each other a guest stops on a third open node, the cheapest one that resolves it. It then has two moves, the first of C(kind=park).
  - The list is reduced first. What matters of several moves of a guest is where it is and where it ends; moves that cancel out vanish.
  - There are as few waves as the limits and the moves that wait for each other allow, or nearly so. Repairs and evacuations go first where that costs no
    wave.
  - A list that has no order fails, naming the moves and what they lack.
  - Pure. Equal input gives equal output, in whatever order the moves and the document come.
positional: _input, _cluster, _limits
options:
  _input:
    description: The moves, as in the field C(moves) of P(foresight.capacity.cluster_balance#filter). Other keys are passed on.
    type: list
    elements: dict
    required: true
    suboptions:
      guest:
        description: Id of the guest.
        type: str
        required: true
      from:
        description: The node where it is.
        type: str
        required: true
      to:
        description: The node where it goes.
        type: str
        required: true
      kind:
        description: What the move is for.
        type: str
        choices: [repair, evacuate, consolidate, balance, park]
        default: balance
  _cluster:
    description:
      - The cluster document. Needed are nodes with C(name), C(cpu) and C(memory), and guests with C(id), C(node), C(cpu) and C(memory).
      - C(migration) of a guest tells its C(mode), C(bytes) and C(seconds), and in C(targets) what they are to single nodes. Otherwise a
        virtual machine that runs migrates C(live), a container that runs
        by C(restart), and what is stopped C(offline); the bytes are its memory and its disks on storage that is not shared.
    type: dict
    required: true
  _limits:
    description: How much may run at once, and when. Unknown keys are refused.
    type: dict
    default: {}
    suboptions:
      global:
        description: Moves at once in the cluster. The default is a quarter of the number of nodes, but at least 4.
        type: int
      per_node_in:
        description: Moves at once into a node.
        type: int
        default: 2
      per_node_out:
        description: Moves at once out of a node.
        type: int
        default: 2
      bandwidth_bytes_per_second:
        description:
          - How much of the link of each node migrations use, in each direction. Moves of one node share it.
          - Without it C(link_bytes_per_second) of the node counts, and the smaller of both where both are known.
        type: float
      now:
        description: The time to take for now, in seconds since 1970-01-01 UTC. Required with O(_limits.windows).
        type: int
      windows:
        description:
          - Times of day in which moves run. Without any they run at any time.
          - A move whose time is known begins only if it ends within the window. Windows that touch are one.
        type: list
        elements: dict
        default: []
        suboptions:
          from:
            description: When it begins, as C("HH:MM") in UTC, in quotes.
            type: str
            required: true
          to:
            description: When it ends. A time that is not after O(_limits.windows[].from) is one of the next day, so that equal times are a whole day.
            type: str
            required: true
          kinds:
            description: The ways of migrating that may run in it, C(live), C(restart), C(offline). Without it all may.
            type: list
            elements: str
      overcommit:
        description:
          - Limits the sum of C(cpu_max) and of C(memory_max) of the guests on a node to so many times its usable capacity, also while guests are on two
            nodes. Without it there is no limit. Give what O(foresight.capacity.cluster_balance#filter:_policy.overcommit) says.
        type: float
seealso:
  - plugin: foresight.capacity.cluster_balance
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Order the moves, containers at night only
  ansible.builtin.set_fact:
    waves: "{{ answer.moves | foresight.capacity.migration_waves(cluster, limits) }}"
  vars:
    limits:
      per_node_in: 1
      now: "{{ now(utc=true).timestamp() | int }}"
      windows:
        - {from: "00:00", to: "00:00", kinds: [live]}
        - {from: "01:00", to: "05:00", kinds: [restart, offline]}
  run_once: true

# Both nodes are full. One of the guests waits on pve3 until the other has gone: three moves in three waves.
- name: Exchange two guests
  ansible.builtin.debug:
    msg: "{{ moves | foresight.capacity.migration_waves(cluster) }}"
  vars:
    moves:
      - {guest: qemu/101, from: pve1, to: pve2}
      - {guest: qemu/102, from: pve2, to: pve1}
  run_once: true
"""

RETURN = r"""
_value:
  description: The waves, in the order in which they run.
  type: list
  elements: dict
  sample:
    - wave: 1
      not_before: null
      moves:
        - guest: qemu/101
          from: pve1
          to: pve3
          kind: park
          reason: It waits here until pve2 has room.
          cost: {bytes: 4294967296, seconds: 36.1}
      seconds: 36.1
  contains:
    wave:
      description: Its number, from 1.
      type: int
    not_before:
      description: Begin of the last window that it, or a wave before it, waits for, in seconds since 1970-01-01 UTC. Null where now is fine.
      type: int
    moves:
      description:
        - Its moves by guest, as they came. One that was put together from several, or that stops on a third node, has a C(cost) of its own, in bytes
          and, if known, C(seconds) alone and C(downtime_seconds).
      type: list
      elements: dict
    seconds:
      description: How long it takes, if all its moves run at the same time. Null where that is not known of one of them.
      type: float
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible, to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.waves import migration_waves as waves_of


def migration_waves(moves: t.Any, cluster: t.Any, limits: t.Any = None) -> list[dict[str, t.Any]]:
    """Face of `migration_waves`."""
    try:
        found: list[dict[str, t.Any]] = to_native(waves_of(*(from_ansible(document) for document in (moves, cluster, limits))))
    except ForesightError as error:
        raise AnsibleFilterError(str(error)) from error
    return found


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"migration_waves": migration_waves}
