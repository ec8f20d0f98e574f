#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_facts
short_description: Read a whole Proxmox VE cluster
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads nodes, guests, where their disks are, and what binds guests to nodes and to each other, as one document that placement plans with.
  - It asks a handful of questions of the cluster and at most four of each node that is online, none of each guest, and changes nothing.
  - It needs the role C(ForesightAudit) of C(docs/proxmox.md), with the privileges C(Sys.Audit), C(VM.Audit),
    C(Datastore.Audit) and C(Pool.Audit) on C(/). The API silently leaves out what a user may not see, so a missing one is an error that names it.
  - Without C(VM.Config.Disk), which the role has too, Proxmox VE shows no disks of guests. That is a warning, and guests that may have disks on
    storages of their node are not movable.
  - A node that cannot be read is told in RV(ansible_facts.foresight_cluster.problems) and as a warning. Guests whose disks are therefore not
    known are not movable.
extends_documentation_fragment:
  - foresight.capacity.facts
  - foresight.capacity.proxmox
  - foresight.capacity.reserves
options:
  nodes:
    description: Nodes to read, with their guests; none means all. Rules still name guests of others.
    type: list
    elements: str
    default: []
  host:
    description: The inventory host through which the cluster is changed, usually C(inventory_hostname).
    type: str
  link_bytes_per_second:
    description:
      - How fast the network is over which guests migrate between nodes. The API does not tell it. Where it is known,
        P(foresight.capacity.migration_waves#filter) tells how long moves take and keeps them within their windows.
    type: float
  links:
    description: The same for single nodes, by name; other nodes have O(link_bytes_per_second).
    type: dict
    default: {}
  parallel:
    description: How many calls run at a time, 1 to 10.
    type: int
    default: 8
seealso:
  - module: foresight.capacity.lxc_facts
  - module: foresight.capacity.record
"""

EXAMPLES = r"""
- name: Read the cluster with a token, asking the second node when the first is off
  foresight.capacity.proxmox_facts:
    api_host: [pve1.example.com, pve2.example.com]
    api_token_id: foresight@pve!audit
    api_token_secret: "{{ vault_proxmox_token_secret }}"
    ca_path: /etc/foresight/pve-root-ca.pem
    host: "{{ inventory_hostname }}"

- name: Read two nodes and keep two cores and 8 GiB of each free, with credentials from PROXMOX_* variables
  foresight.capacity.proxmox_facts:
    nodes: [pve1, pve2]
    reserve:
      cpu: 2
      memory: 8589934592
    link_bytes_per_second: 1250000000
    links:
      pve2: 125000000

- name: Show nodes that can take guests
  ansible.builtin.debug:
    msg: "{{ foresight_cluster.nodes | selectattr('online') | rejectattr('maintenance') | map(attribute='name') }}"
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to ansible_facts. Sizes are bytes, CPU is cores.
  returned: always
  type: dict
  contains:
    foresight_cluster:
      description: The cluster document.
      returned: always
      type: dict
      contains:
        schema: {description: Always V(foresight.cluster/1)., type: str, returned: always}
        observed_at: {description: "The clock of the machine that runs the module at the read, UTC seconds.", type: int, returned: always}
        machine_id: {description: Always null; a cluster is no machine., type: str, returned: always}
        boot_id: {description: Always null., type: str, returned: always}
        api_skew: {description: "Seconds that the clock of the API is ahead of ours, null if it did not tell.", type: int, returned: always}
        cluster: {description: "Name of the cluster, without one of its node.", type: str, returned: always}
        host: {description: The inventory host through which it is changed., type: str, returned: when O(host) is set}
        version: {description: Release of Proxmox VE., type: str, returned: always, sample: 9.2.11}
        quorate: {description: "Whether the cluster has a quorum; without one nothing can be changed.", type: bool, returned: always}
        balancers:
          description: Others that move guests, the cluster's own scheduler or a tool that leaves tags.
          type: list
          elements: str
          returned: always
          sample: [crs ha-auto-rebalance]
        demand:
          description: What C(cpu) and C(memory) of guests mean, here always current use.
          type: dict
          returned: always
          sample: {basis: current}
        nodes:
          description: The nodes.
          type: list
          elements: dict
          returned: always
          contains:
            name: {description: Name., type: str, returned: always}
            cpu: {description: Cores., type: float, returned: always}
            memory: {description: Memory., type: int, returned: always}
            online: {description: Whether it is online and the HA manager counts on it., type: bool, returned: always}
            maintenance: {description: Whether the HA manager holds it in maintenance., type: bool, returned: always}
            ha_state: {description: "Its state for the HA manager, null without one.", type: str, returned: always}
            reserve: {description: What is kept free., type: dict, returned: always, sample: {cpu: 0.0, memory: 0}}
            link_bytes_per_second:
              description: How fast its network is.
              type: float
              returned: when O(link_bytes_per_second) or O(links) tells it
            overhead:
              description: What is used, but not by guests. Page cache and the ZFS cache give way and are not counted.
              type: dict
              returned: always
              sample: {cpu: 0.12, memory: 2147483648}
            arc_bytes: {description: The ZFS cache., type: int, returned: always}
            tags: {description: Always empty., type: list, elements: str, returned: always}
            storages:
              description: Storages that it has, by name.
              type: dict
              returned: always
              sample: {local-lvm: {bytes: 1099511627776, used: 219902325555, shared: false}}
        guests:
          description: Containers and VMs of these nodes.
          type: list
          elements: dict
          returned: always
          contains:
            id: {description: Id., type: str, returned: always, sample: lxc/101}
            name: {description: Name., type: str, returned: always}
            node: {description: Where it is., type: str, returned: always}
            running: {description: Whether it runs., type: bool, returned: always}
            status: {description: "Status, V(unknown) when its node has told nothing for a while.", type: str, returned: always}
            cpu: {description: Cores in use., type: float, returned: always}
            memory: {description: Memory in use., type: int, returned: always}
            now: {description: C(cpu) and C(memory) once more; a forecast replaces only those above., type: dict, returned: always}
            cpu_max: {description: Cores that it may use., type: float, returned: always}
            memory_max: {description: Memory that it may use., type: int, returned: always}
            disks:
              description: Bytes of its volumes by storage, snapshots' state and unused ones included.
              type: list
              elements: dict
              returned: always
              sample: [{storage: local-lvm, bytes: 8589934592}]
            moving: {description: That a migration of it runs., type: bool, returned: while it is being moved}
            moving_to:
              description: The node that it goes to, on which planning counts it. V(null) where the log of the migration does not tell yet.
              type: str
              returned: while it is being moved
              sample: pve2
            tags: {description: Tags., type: list, elements: str, returned: always}
            pool: {description: Pool., type: str, returned: always}
            ha: {description: Whether the HA manager holds it., type: bool, returned: always}
            movable: {description: Whether it can be moved as it is., type: bool, returned: always}
            unmovable_because: {description: Why not., type: list, elements: str, returned: always, sample: [is locked (backup)]}
        rules:
          description:
            - What binds guests, from rules of the HA manager (C(source) V(ha)), tags (V(tag)) and comments of pools (V(pool)).
            - Priorities of a node affinity become a second, soft rule for the nodes of the highest.
          type: list
          elements: dict
          returned: always
          sample: [{kind: apart, guests: [lxc/101, lxc/102], nodes: [], strict: true, weight: 1.0, source: tag, name: web}]
        problems: {description: "What could not be read, or makes no sense.", type: list, elements: str, returned: always}
calls:
  description: How many calls were made.
  returned: always
  type: int
reason:
  description: Why the task as a whole failed, as listed in C(docs/proxmox.md).
  returned: when it failed
  type: str
  sample: forbidden
privilege:
  description: The privilege that is missing, if that is the reason.
  returned: when it failed
  type: str
  sample: VM.Audit
privilege_path:
  description: Where it is missing.
  returned: when it failed
  type: str
  sample: /vms
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import proxmox_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.facts import facts_arguments, run


def main() -> None:
    """Entry point of the module."""
    run(AnsibleModule(argument_spec={**proxmox_arguments(), **facts_arguments()}, supports_check_mode=True))


if __name__ == "__main__":
    main()
