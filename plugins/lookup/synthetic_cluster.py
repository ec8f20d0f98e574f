# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: synthetic_cluster
short_description: A made-up cluster, for simulation
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Makes up a cluster document with nodes, guests and rules, such as the filter C(cluster_balance) takes. It is labelled C(synthetic=true).
  - The same options give the same document on every machine. An option that is changed changes only what it is about.
  - Every guest is named by one rule or pin at most, so that each of them can be met as far as the nodes have room.
  - Pure. Nothing is contacted, read or written.
options:
  seed:
    description: What else is drawn with the same options.
    type: int
    default: 0
  name:
    description: Name of the cluster.
    type: str
    default: synthetic
  nodes:
    description:
      - How many nodes, with the sizes of O(node_sizes) one after the other; or a list with the memory of each, in GiB.
      - V(classic) is the list 768, 656, 384 × 6, 240 × 4, 192.
    type: raw
    default: classic
  node_sizes:
    description: Memory of the nodes in GiB, where O(nodes) is a number. The list is repeated. Without it the classic one is.
    type: list
    elements: float
  memory_per_core:
    description: GiB of memory that a node has for each of its cores.
    type: float
    default: 8.0
  guests_per_node:
    description:
      - About how many running guests there are for each node that is online. O(guest_sizes) is scaled so that as many fill the nodes as O(load) says.
      - Without it the sizes are taken as they are.
    type: float
  guest_sizes:
    description: Memory that guests take. Without it 2, 4, 8, 16, 32 and 64 GiB with the weights 20, 30, 25, 15, 7 and 3.
    type: list
    elements: dict
    suboptions:
      gib:
        description: The memory in GiB.
        type: float
        required: true
      weight:
        description: How often it is drawn, against the others.
        type: float
        default: 1.0
  load:
    description:
      - Between which fractions of their usable memory the nodes are loaded. Nodes are filled until no guest fits any more, so that a load may be lower
        by less than the smallest guest.
    type: list
    elements: float
    default: [0.1, 0.9]
  distribution:
    description: How the loads lie between these. With V(skewed) most nodes have little and few have much.
    type: str
    choices: [uniform, skewed]
    default: uniform
  cpu_load:
    description: The same of the usable cores. Without it as O(load).
    type: list
    elements: float
  correlation:
    description:
      - Rank correlation of the loads of cpu and memory over the nodes. V(1) is that who has much of the one has much of the other, V(-1) that who has
        much of the one has little of the other, V(0) that the one says nothing of the other.
    type: float
    default: 1.0
  more:
    description:
      - Other resources by their names, each with C(capacity) (of each node), C(load) (as O(load), which is its default) and C(correlation) with memory
        (as O(correlation), V(0) by default).
    type: dict
    default: {}
  grouped:
    description: Share of the guests that together and apart rules name.
    type: float
    default: 0.0
  group_size:
    description: How many guests such a rule names, from the least to the most.
    type: list
    elements: int
    default: [2, 5]
  apart:
    description: Share of these rules that are apart rules.
    type: float
    default: 0.5
  bound:
    description: Share of the guests that on_nodes and not_on_nodes rules name.
    type: float
    default: 0.0
  pinned:
    description: Share of the guests that are pinned to some nodes.
    type: float
    default: 0.0
  pinned_nodes:
    description: To how many nodes, from the least to the most.
    type: list
    elements: int
    default: [1, 4]
  broken:
    description: Share of the rules and pins that are broken to begin with.
    type: float
    default: 0.1
  soft:
    description: Share of the rules that are not strict.
    type: float
    default: 0.0
  maintenance:
    description: How many nodes are in maintenance, with guests on them.
    type: int
    default: 0
  offline:
    description: How many nodes are offline, without guests.
    type: int
    default: 0
  immovable:
    description: Share of the guests that must not move.
    type: float
    default: 0.0
  stopped:
    description: How many stopped guests there are, as a share of the running ones.
    type: float
    default: 0.0
  local_disks:
    description: Share of the guests with their disk on storage that is not shared.
    type: float
    default: 0.0
  reserve:
    description: Fraction of its cpu and memory that each node keeps free.
    type: float
    default: 0.0
  overhead:
    description: Fraction of its cpu and memory that each node uses itself.
    type: float
    default: 0.0
  link_bytes_per_second:
    description: What the network link of a node carries. Not told by default.
    type: float
  observed_at:
    description: The time the document is of, in seconds since 1970-01-01 UTC. Not told by default.
    type: int
seealso:
  - plugin: foresight.capacity.cluster_balance
    plugin_type: filter
  - plugin: foresight.capacity.bin_pack
    plugin_type: filter
"""

EXAMPLES = r"""
# Result: 13 nodes of 192 to 768 GiB, some of them nearly full and some nearly empty.
- name: Make up a cluster of the classic nodes
  ansible.builtin.set_fact:
    cluster: "{{ lookup('foresight.capacity.synthetic_cluster', seed=1) }}"
  run_once: true

# Result: 50 nodes; those with the busiest cores have the most memory free. 20 % of the guests are in groups, and two nodes must be emptied.
- name: Make up a cluster that is hard to balance
  ansible.builtin.set_fact:
    cluster: >-
      {{ lookup('foresight.capacity.synthetic_cluster', seed=7, nodes=50, guests_per_node=20, correlation=-1, grouped=0.2, pinned=0.1, maintenance=2) }}
  run_once: true

- name: Make up three nodes with accelerators
  ansible.builtin.debug:
    msg: "{{ lookup('foresight.capacity.synthetic_cluster', nodes=[256, 256, 512], more={'gpu': {'capacity': 4, 'load': [0, 0.8]}}) }}"
  run_once: true
"""

RETURN = r"""
_raw:
  description: One cluster document. Sizes in bytes, cpu in cores.
  type: list
  elements: dict
  contains:
    cluster:
      description: The name.
      type: str
      sample: synthetic
    synthetic:
      description: Always true.
      type: bool
      sample: true
    observed_at:
      description: Only if O(observed_at) is given.
      type: int
      sample: 1763700000
    demand:
      description: What cpu and memory of the guests mean.
      type: dict
      sample: {basis: current}
    nodes:
      description: The nodes.
      type: list
      elements: dict
      sample:
        - name: node01
          cpu: 96.0
          memory: 824633720832
          online: true
          maintenance: false
          reserve: {cpu: 0.0, memory: 0}
          overhead: {cpu: 0.0, memory: 0}
          storages: {shared: {bytes: 12254771839340, used: 6127385919670, shared: true}}
    guests:
      description: The guests. A stopped one takes no cpu and memory.
      type: list
      elements: dict
      sample:
        - id: qemu/100
          name: guest00001
          node: node01
          running: true
          cpu: 1.6778
          memory: 17179869184
          cpu_max: 3
          memory_max: 20615843020
          movable: true
          disks: [{storage: shared, bytes: 42114629404}]
          pinned_to: [node01, node04]
    rules:
      description: The rules.
      type: list
      elements: dict
      sample: [{kind: apart, guests: [lxc/104, qemu/180], strict: true, weight: 1.0}]
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import run_lookup
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster


class LookupModule(LookupBase):
    """Hands the options to the generator."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        """Return one cluster document."""
        if terms:
            raise AnsibleLookupError(
                f"The lookup foresight.capacity.synthetic_cluster takes no terms, seen: {terms!r:.60}. Say what the cluster is to be like by its options."
            )
        return [run_lookup(self, run=synthetic_cluster, variables=variables, options=kwargs)]
