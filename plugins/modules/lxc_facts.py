#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lxc_facts
short_description: Read limits and usage of LXC containers
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads containers of plain LXC and of Proxmox VE nodes alike, from their configurations and control groups (version 1 and 2).
  - It enters no container, starts no command per container, and changes nothing. Hosts without LXC get
    RV(ansible_facts.foresight_lxc.available=false) with a reason, not an error.
  - On a Proxmox VE node RV(ansible_facts.foresight_lxc.cluster) names the cluster, so that its API and this module speak of the same guests.
  - Without root, containers can be listed only where their directory is open to everybody, and file systems are not measured. Use C(become).
extends_documentation_fragment:
  - foresight.capacity.facts
  - foresight.capacity.search_path
seealso:
  - module: foresight.capacity.node_facts
  - module: foresight.capacity.lvm_facts
"""

EXAMPLES = r"""
# ansible all -b -m foresight.capacity.lxc_facts

- name: Read the containers of this host
  foresight.capacity.lxc_facts:
  become: true

- name: Show containers in which the kernel killed processes for want of memory
  ansible.builtin.debug:
    msg: "{{ item.id }} ({{ item.name }}): {{ item.oom_kills }} kills, limit {{ item.memory_limit | default(0, true) | human_readable }}"
  loop: "{{ foresight_lxc.containers | selectattr('oom_kills') }}"
  loop_control:
    label: "{{ item.id }}"
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to ansible_facts. Sizes are bytes; what is not known, not limited or not running is null.
  returned: always
  type: dict
  contains:
    foresight_lxc:
      description: The containers of this host.
      returned: always
      type: dict
      contains:
        schema: {description: Always V(foresight.lxc/1)., type: str, returned: always}
        observed_at: {description: "The target's clock when the facts were read, UTC seconds.", type: int, returned: always}
        machine_id: {description: "Id of the installation, from C(/etc/machine-id).", type: str, returned: always}
        boot_id: {description: Id of the running boot., type: str, returned: always}
        available: {description: Whether containers could be listed., type: bool, returned: always}
        reason: {description: Why not., type: str, returned: always, choices: [not_installed, needs_root, failed]}
        message: {description: The reason in words., type: str, returned: always}
        cluster:
          description: Name of the Proxmox VE cluster, or of the node where there is none. Null with plain LXC.
          type: str
          returned: always
        cgroup_version: {description: Version of the control groups., type: int, returned: always, choices: [1, 2]}
        containers:
          description: Containers, running or not.
          type: list
          elements: dict
          returned: always
          contains:
            id: {description: "C(lxc/) and the name, or the number on Proxmox VE.", type: str, returned: always, sample: lxc/101}
            name: {description: Name; on Proxmox VE the host name., type: str, returned: always}
            state: {description: "State, such as V(running), V(frozen) or V(stopped).", type: str, returned: always}
            cpu_cores_limit: {description: "Cores it may use, by quota or CPU set.", type: float, returned: always}
            cpu_seconds: {description: CPU time since it started., type: float, returned: always}
            memory_bytes: {description: "Memory in use, with tmpfs, without page cache.", type: int, returned: always}
            memory_limit: {description: Memory it may use., type: int, returned: always}
            swap:
              description: Swap.
              type: dict
              returned: always
              contains:
                total: {description: Swap it may use., type: int, returned: always}
                used: {description: Swap in use., type: int, returned: always}
            filesystem:
              description: The file system of its root directory.
              type: dict
              returned: always
              contains:
                total: {description: Bytes., type: int, returned: always}
                used: {description: Bytes in use., type: int, returned: always}
                free: {description: Bytes that users other than root can still write., type: int, returned: always}
                shared:
                  description: Whether the root is a directory, subvolume or overlay, so that the numbers are those of a larger file system.
                  type: bool
                  returned: always
            io:
              description: Bytes since it started, counted once where devices stand on each other.
              type: dict
              returned: always
              sample: {read_bytes: 28672, write_bytes: 16384}
            net:
              description: Bytes since it started, as the container sees them, over all interfaces but the loopback.
              type: dict
              returned: always
              sample: {rx_bytes: 2318, tx_bytes: 1472}
            pids: {description: Number of its tasks., type: int, returned: always}
            pids_limit: {description: Tasks it may have., type: int, returned: always}
            pressure:
              description: Pressure stall information as in M(foresight.capacity.node_facts). Only with version 2 of the control groups.
              type: dict
              returned: always
            oom_kills: {description: Processes killed for want of memory since it started., type: int, returned: always}
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import search_path_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lxc_report import read_lxc


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec=search_path_arguments(), supports_check_mode=True)
    document = read_lxc(Commands(module.run_command, module.params["search_path"]), int(time.time()))
    module.exit_json(changed=False, ansible_facts={"foresight_lxc": document})


if __name__ == "__main__":
    main()
