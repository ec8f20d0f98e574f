# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_balance
short_description: Find the few moves of guests that bring the nodes of a cluster into balance
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Takes a cluster document and returns the moves of guests between nodes that repair what is broken and bring the nodes closer to each other, with
    what the cluster is like before and after.
  - What is broken comes first, with the fewest moves. That is guests on nodes that are offline or in maintenance, outside their pins or against a
    strict rule, and nodes over their capacity. Balance follows where it is wanted and worth it.
  - The aim of balance is a spread of at most O(_policy.target_spread) for each of O(_policy.resources), with few moves and few bytes. The spread is
    the largest minus the smallest load / usable capacity over the nodes that are online and not in maintenance. Usable capacity is capacity minus
    reserve. Load is overhead plus the demand of the running guests.
  - Never filled beyond its usable capacity is any resource, named for balancing or not, and any storage that is not shared. Together, apart, on_nodes
    and not_on_nodes rules, pins and guests that must not move are kept.
  - Only moves for which there is an order are returned, over a parking node where it must be. The order comes from
    P(foresight.capacity.migration_waves#filter).
  - Pure. Equal input gives equal output, RV(_value.seconds) apart, in whatever order nodes and guests come. Searches are bounded by steps, not by the
    clock.
positional: _input, _policy
options:
  _input:
    description: A cluster document, as P(foresight.capacity.synthetic_cluster#lookup) makes them up. Memory and disks in bytes, CPU in cores.
    type: dict
    required: true
    suboptions:
      nodes:
        description: The nodes, at least one.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Its name.
            type: str
            required: true
          cpu:
            description: Its cores.
            type: float
            required: true
          memory:
            description: Its memory.
            type: float
            required: true
          more:
            description: Capacity of other resources, by name.
            type: dict
            default: {}
          reserve:
            description: What is to stay free, by resource.
            type: dict
            default: {}
          overhead:
            description: What is used, but not by guests, by resource.
            type: dict
            default: {}
          online:
            description: Whether it is online. Nothing can leave a node that is not.
            type: bool
            default: true
          maintenance:
            description: Whether its guests are to leave it.
            type: bool
            default: false
          storages:
            description:
              - Storages by name, with C(bytes), C(used) and C(shared) (V(false) if not told). Without any, every disk can be had there.
            type: dict
          link_bytes_per_second:
            description: How fast its network is. Without it nothing is said of how long moves take.
            type: float
      guests:
        description: The guests.
        type: list
        elements: dict
        default: []
        suboptions:
          id:
            description: Its id, such as V(lxc/101).
            type: str
            required: true
          node:
            description: The node it is on.
            type: str
            required: true
          cpu:
            description: Its demand of cores.
            type: float
            required: true
          memory:
            description: Its demand of memory.
            type: float
            required: true
          more:
            description: Its demand of other resources, by name.
            type: dict
            default: {}
          cpu_max:
            description: The most cores that it may use. For O(_policy.overcommit).
            type: float
          memory_max:
            description: The most memory that it may use. For O(_policy.overcommit).
            type: float
          running:
            description: Whether it runs. One that does not has no demand, but disks and rules.
            type: bool
            default: true
          movable:
            description: Whether it may be moved at all.
            type: bool
            default: true
          pinned_to:
            description: Names of the only nodes that it may be on. Empty means any.
            type: list
            elements: str
            default: []
          disks:
            description: Its disks, each with C(storage) and C(bytes).
            type: list
            elements: dict
            default: []
          last_moved_at:
            description:
              - When it was moved last, in seconds since 1970-01-01 UTC. For O(_policy.hold_seconds), O(_policy.cool_down_seconds) and
                O(_policy.memory_seconds).
            type: float
          migration:
            description:
              - What moving it is predicted to cost, with C(mode), C(bytes), C(seconds), C(downtime_seconds) (each with its median as C("0.5")), and
                C(targets) with the same by node. Without it a move costs its memory, while it runs, and its disks on storage that is not shared.
            type: dict
      rules:
        description: What belongs together or apart, and where. A rule with an unknown key is refused, as a misspelt one would bind nobody.
        type: list
        elements: dict
        default: []
        suboptions:
          kind:
            description: What the rule says.
            type: str
            choices: [together, apart, on_nodes, not_on_nodes]
            required: true
          guests:
            description: Ids of guests. Those that are gone are passed over.
            type: list
            elements: str
            required: true
          nodes:
            description: Names of nodes, needed for V(on_nodes) and V(not_on_nodes).
            type: list
            elements: str
          strict:
            description:
              - Whether it is never broken. Else nothing moves for it, and nothing moves against it, as long as everything strict can be kept so.
              - Guests that such a V(together) rule names and that are on one node move together.
            type: bool
            default: true
          weight:
            description:
              - Weight of a rule that is not strict. The lightest give way first, and are listed among what is refused then. One of V(0) is switched off.
            type: float
            default: 1.0
      balancers:
        description: Other tools that move these guests. If there are any, nothing is moved.
        type: list
        elements: str
        default: []
      observed_at:
        description: When the cluster was observed. It is the time where O(_policy.now) tells none.
        type: float
  _policy:
    description: Limits and preferences. Unknown keys are refused.
    type: dict
    default: {}
    suboptions:
      goal:
        description:
          - V(balance) repairs and balances. V(repair_only) repairs.
          - V(evacuate) empties O(_policy.goal_options.nodes) besides, as if they were in maintenance.
          - V(consolidate) empties as many nodes as it can, so that the others survive the loss of any O(_policy.goal_options.spare_nodes) of them.
          - V(place) moves nothing and ranks the nodes for O(_policy.goal_options.guest).
          - V(headroom) moves nothing and tells whether all guests find a place when any O(_policy.goal_options.k) nodes are lost.
        type: str
        choices: [balance, repair_only, consolidate, evacuate, place, headroom]
        default: balance
      goal_options:
        description: What some goals need.
        type: dict
        default: {}
        suboptions:
          nodes:
            description: The nodes to empty. Required for V(evacuate).
            type: list
            elements: str
          guest:
            description: A guest as in O(_input.guests), without a node. Required for V(place). One with the id of a guest that is there stands for it.
            type: dict
          spare_nodes:
            description: How many nodes the cluster can lose once V(consolidate) is done.
            type: int
            default: 1
          k:
            description: How many nodes V(headroom) takes away.
            type: int
            default: 1
      strategy:
        description:
          - How balance is looked for. V(foresight) is the one to use.
          - The others are well-known ideas, for comparison and teaching, with their habits. V(exact) solves small clusters to the end.
        type: str
        choices: [foresight, greedy, greedy_batch, greedy_tight, greedy_loose, bin_pack, genetic, annealing, min_cost_flow, exact]
        default: foresight
      resources:
        description: The resources that are balanced, with their weights.
        type: dict
        default: {memory: 1.0}
      target_spread:
        description: The spread that is good enough, from 0 to 1; a number, or one by resource.
        type: raw
        default: 0.05
      min_gain:
        description: Balance only if the spread of a resource falls by at least this much.
        type: float
        default: 0
      hysteresis:
        description:
          - When guests were moved within O(_policy.memory_seconds), balance begins only where a spread is above its target by more than this, and then
            goes for the target. So noise of the loads moves nothing to and fro.
          - Every further run with moves that is remembered doubles it, up to eight times, unless O(_policy.max_moves) or O(_policy.max_bytes) spreads
            balance over runs. Moves are of different runs if half an hour lies between them. Repair does not wait for it.
            V(0) switches it off, as after the maintenance of many nodes.
        type: float
        default: 0.025
      memory_seconds:
        description: For how long moves are remembered, by C(last_moved_at) of their guests. In seconds or as a text such as V(6h).
        type: raw
        default: 604800
      max_moves:
        description: The most moves, with those to a parking node. Null means no limit. What is broken goes first, and later runs do the rest.
        type: int
      max_bytes:
        description: The most bytes of all moves. Null means no limit.
        type: float
      hold_seconds:
        description: How long balance waits after the last move of any guest. Repair does not wait. In seconds or as a text such as V(6h).
        type: raw
        default: 0
      cool_down_seconds:
        description: How long a guest is not moved for balance after its last move. In seconds or as a text such as V(6h).
        type: raw
        default: 0
      now:
        description: The time to take for now, in seconds since 1970-01-01 UTC. Required for the two waits, unless the cluster has O(_input.observed_at).
        type: float
      overcommit:
        description:
          - Limits the sum of C(cpu_max) and of C(memory_max) on a node to so many times its usable capacity. Null means no limit. It does not scale demand.
        type: float
      limits:
        description:
          - What may be moved at once and when, as in P(foresight.capacity.migration_waves#filter). O(_policy.now) and O(_policy.overcommit) hold for it too,
            where it does not tell its own.
        type: dict
        default: {}
      seed:
        description: Seed of what the strategies leave to chance.
        type: int
        default: 0
seealso:
  - plugin: foresight.capacity.synthetic_cluster
    plugin_type: lookup
  - plugin: foresight.capacity.migration_waves
    plugin_type: filter
"""

EXAMPLES = r"""
# Fewer than two moves for each of the thirteen nodes of the classic capacity list.
- name: Bring the memory of a made-up cluster into balance
  ansible.builtin.set_fact:
    balance: "{{ cluster | foresight.capacity.cluster_balance({'target_spread': 0.05}) }}"
  vars:
    cluster: "{{ lookup('foresight.capacity.synthetic_cluster', seed=2) }}"
  run_once: true

- name: Balance memory and CPU, ten moves a run, and leave a guest where it is for a day
  ansible.builtin.set_fact:
    balance: "{{ cluster | foresight.capacity.cluster_balance(policy) }}"
  vars:
    policy:
      resources: {memory: 1.0, cpu: 0.5}
      target_spread: {memory: 0.05, cpu: 0.2}
      max_moves: 10
      cool_down_seconds: 86400
      now: "{{ now(utc=true).timestamp() }}"
  run_once: true

# Fails where a guest has to stay.
- name: Empty a node before it is updated
  ansible.builtin.assert:
    that: balance.verdict != 'infeasible'
    fail_msg: "{{ balance.why }}"
  vars:
    balance: "{{ cluster | foresight.capacity.cluster_balance({'goal': 'evacuate', 'goal_options': {'nodes': ['pve3']}}) }}"
  run_once: true

- name: Tell the best node for a new guest
  ansible.builtin.debug:
    msg: "{{ (cluster | foresight.capacity.cluster_balance(policy)).candidates | first }}"
  vars:
    policy: {goal: place, goal_options: {guest: {cpu: 4, memory: 17179869184}}}
  run_once: true
"""

RETURN = r"""
_value:
  description: The moves, and what the cluster is like before and after them.
  type: dict
  contains:
    moves:
      description:
        - What to move, what is urgent first. A guest appears twice only where its first move is of kind V(park).
      type: list
      elements: dict
      sample:
        - guest: qemu/104
          from: pve1
          to: pve3
          kind: balance
          reason: pve1 uses memory 81%
          cost: {bytes: 8589934592}
      contains:
        guest:
          description: Id of the guest.
          type: str
        from:
          description: The node it leaves.
          type: str
        to:
          description: The node it comes to.
          type: str
        kind:
          description: V(repair), V(evacuate), V(balance), V(consolidate) or V(park).
          type: str
        reason:
          description: Why, in words.
          type: str
        cost:
          description: C(bytes), and where they are predicted C(seconds) and C(downtime_seconds).
          type: dict
    before:
      description:
        - What the cluster is like now. C(spread), C(std) (standard deviation) and C(max) of load / usable capacity by resource over the open nodes that
          have something of it; C(violations), the number of hard limits that are broken.
        - Violations are strict together and apart rules that are broken, guests that are where they must not be, and resources of nodes (with
          O(_policy.overcommit) also sums of what guests may use) that are over their limit. What nothing can help is among them.
      type: dict
    after:
      description: The same after all moves. Nodes that V(consolidate) freed are left out.
      type: dict
    nodes:
      description: Each node with its C(name), and load / usable capacity by resource C(before) and C(after). Null where it has nothing of a resource.
      type: list
      elements: dict
    refused:
      description:
        - Guests (C(guest)) and rules (C(rule), their position) that stay in breach, soft rules that gave way, and moves that have no order or are not paid
          for, each with a C(reason).
      type: list
      elements: dict
      sample:
        - guest: qemu/107
          reason: "stays on pve2: no open node may take it"
    verdict:
      description:
        - V(balanced) if there is nothing to do, V(improved) if there are moves, V(no_beneficial_move) if the nodes are not even and no move helps.
        - V(infeasible) if something stays broken and nothing can be moved for it, or a guest stays on a node that is to be emptied.
      type: str
    why:
      description: The verdict in words.
      type: str
    strategy:
      description: The strategy that was used.
      type: str
    demand:
      description: What the demand of the guests means, V(current) or V(predicted_peak).
      type: str
    seconds:
      description: How long it took.
      type: float
    freed:
      description: Nodes that no guest is on any more.
      type: list
      elements: str
      returned: goal V(consolidate)
    candidates:
      description:
        - Nodes for the guest, the best first, with C(node), C(score) (the share of its scarcest balanced resource that stays free) and C(reasons).
      type: list
      elements: dict
      returned: goal V(place)
    unfit:
      description: Nodes that cannot take it, with C(node) and C(reasons).
      type: list
      elements: dict
      returned: goal V(place)
    survives:
      description:
        - C(k), C(worst) with the C(nodes) whose loss leaves the most guests without a place and these guests (C(unplaced)), and how many sets of nodes
          were C(tried) C(of) how many there are.
      type: dict
      returned: goal V(headroom)
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible, to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import cluster_balance as placement


def cluster_balance(cluster: t.Any, policy: t.Any = None) -> dict[str, t.Any]:
    """Face of the function of the same name."""
    try:
        return to_native(placement.cluster_balance(from_ansible(cluster), from_ansible(policy)))
    except ForesightError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"cluster_balance": cluster_balance}
