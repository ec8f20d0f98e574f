# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: bin_pack
short_description: Pack items into bins, for several resources at once
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Packs as many items as possible into bins, and these into as few bins, or as little capacity, as possible. No bin ever holds more of any resource than
    its capacity. It answers how many nodes a number of guests would need.
  - Begins with first fit, best fit, dot product and norm (Panigrahy and others, 2011) by several measures of size, takes the best, then tries to empty the
    bins that hold least and to take smaller ones. Up to 16 items are packed exactly where that takes few steps.
  - Says how many bins are needed at least, and so how far the answer may be from the best one.
  - Pure. Equal input gives equal output, in whatever order the items come. Bounded by rounds, never by the clock.
positional: _input, _bins, _policy
options:
  _input:
    description:
      - The items.
      - Guests of a cluster document (as of P(foresight.capacity.synthetic_cluster#lookup)) are taken as they are. A stopped one needs nothing.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Its name, its own.
        type: str
        required: true
      resources:
        description: How much it needs of each resource, in any unit. What is not named it does not need. Required unless it is a guest.
        type: dict
  _bins:
    description:
      - The bins.
      - Nodes of a cluster document are taken as they are, with their capacity less their reserve and their overhead. One that is offline or in maintenance
        has nothing.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Its name, its own. A node has its C(name).
        type: str
      capacity:
        description: How much it has of each resource, in the unit of the items. What is not named it does not have. Required unless it is a node.
        type: dict
      count:
        description: How many there are of this kind. More than one are named C(ID#1), C(ID#2) and so on.
        type: int
        default: 1
  _policy:
    description: Preferences. Unknown keys are refused.
    type: dict
    default: {}
    suboptions:
      minimise:
        description:
          - What is to be small once as many items as possible have a bin. With V(bins) their number, and of equal numbers their capacity.
          - With V(capacity) the capacity of those that are used, and of equal ones their number.
        type: str
        choices: [bins, capacity]
        default: bins
      resources:
        description:
          - How much each resource counts when items and bins are compared by size. Without it all count alike. If it is given, what it does not name counts
            nothing there, but is a hard limit all the same.
        type: dict
      heuristics:
        description: Ways to begin; the best one is improved.
        type: list
        elements: str
        choices: [first_fit, best_fit, dot_product, norm]
        default: [first_fit, best_fit, dot_product, norm]
      rounds:
        description: How often a few bins are packed anew to get better. V(0) takes the best beginning as it is. At most 100000.
        type: int
        default: 200
      seed:
        description: Which bins are packed anew.
        type: int
        default: 0
seealso:
  - plugin: foresight.capacity.synthetic_cluster
    plugin_type: lookup
"""

EXAMPLES = r"""
# Result: bins_used is 2. The two large guests do not fit on one node, and the small one goes with one of them.
- name: Tell how many nodes three guests would need
  ansible.builtin.debug:
    msg: "{{ (guests | foresight.capacity.bin_pack(nodes)).bins_used }}"
  vars:
    guests:
      - {id: qemu/100, resources: {cpu: 6, memory: 24}}
      - {id: qemu/101, resources: {cpu: 5, memory: 40}}
      - {id: lxc/102, resources: {cpu: 1, memory: 8}}
    nodes:
      - {id: standard, capacity: {cpu: 8, memory: 64}, count: 10}
  run_once: true

- name: Make up a cluster
  ansible.builtin.set_fact:
    cluster: "{{ lookup('foresight.capacity.synthetic_cluster', seed=1) }}"
  run_once: true

# Result: the number of its own nodes that would do, and the number of nodes of 64 cores and 512 GiB.
- name: Tell how many nodes the guests of the cluster need
  ansible.builtin.debug:
    msg: "{{ (cluster.guests | foresight.capacity.bin_pack(cluster.nodes)).bins_used }} of its own, or {{ packing.bins_used }} new ones."
  vars:
    packing: "{{ cluster.guests | foresight.capacity.bin_pack([{'id': 'new', 'capacity': {'cpu': 64, 'memory': 549755813888}, 'count': 100}]) }}"
  run_once: true

- name: Choose from nodes of two sizes those with the least capacity in all
  ansible.builtin.debug:
    msg: "{{ guests | foresight.capacity.bin_pack(nodes, {'minimise': 'capacity', 'resources': {'memory': 1}, 'rounds': 2000}) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: Which item goes into which bin.
  type: dict
  contains:
    assignment:
      description: The bin of each item, sorted by the items' names.
      type: dict
      sample: {lxc/102: "standard#1", qemu/100: "standard#1", qemu/101: "standard#2"}
    bins_used:
      description: How many bins hold something.
      type: int
      sample: 2
    unplaced:
      description: Items without a bin, and which resources are short for them.
      type: list
      elements: dict
      sample:
        - id: qemu/103
          reason: "No bin is large enough: memory (needed is 128, the largest bin has 64)."
    bound:
      description:
        - How good the answer is. C(least) is what the items that have a bin need at least, C(reached) what they take, C(gap) by which fraction that is more.
        - Bins are counted with O(_policy.minimise=bins), else in units of an average bin. A gap of 0 means that there is nothing better.
      type: dict
      sample: {minimise: bins, reached: 2.0, least: 2.0, gap: 0.0}
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible, to_native
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement import bin_packing


def bin_pack(items: t.Any, bins: t.Any, policy: t.Any = None) -> dict[str, t.Any]:
    """Face of `bin_packing.bin_pack`."""
    try:
        return to_native(bin_packing.bin_pack(*(from_ansible(document) for document in (items, bins, policy))))
    except ForesightError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"bin_pack": bin_pack}
