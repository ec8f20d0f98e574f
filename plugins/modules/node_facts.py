#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: node_facts
short_description: Read load, memory, traffic and pressure of a machine
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads the counters that the kernel keeps under C(/proc). It runs no command, needs no root, and changes nothing.
  - Works in containers too, with what is visible there.
options:
  interval:
    description:
      - Seconds between two readings of the CPU counters, from which RV(ansible_facts.foresight_node.cpu_cores) comes.
      - With V(0) the counters are read once and RV(ansible_facts.foresight_node.cpu_cores) is null. M(foresight.capacity.record)
        derives the mean since its last sample from RV(ansible_facts.foresight_node.cpu_seconds) in any case.
    type: float
    default: 0.2
extends_documentation_fragment:
  - foresight.capacity.facts
seealso:
  - module: foresight.capacity.lvm_facts
  - module: foresight.capacity.lxc_facts
"""

EXAMPLES = r"""
# ansible all -m foresight.capacity.node_facts

- name: Read load, memory, traffic and pressure of this machine
  foresight.capacity.node_facts:

- name: Tell which hosts are short of memory
  ansible.builtin.debug:
    msg: "{{ foresight_node.memory.available | human_readable }} of {{ foresight_node.memory.total | human_readable }} are available."
  when: foresight_node.memory.available / foresight_node.memory.total < 0.1

- name: Read counters only, without waiting for a second reading
  foresight.capacity.node_facts:
    interval: 0
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to ansible_facts. What the kernel does not tell is null.
  returned: always
  type: dict
  contains:
    foresight_node:
      description: This machine.
      returned: always
      type: dict
      contains:
        schema: {description: Always V(foresight.node/1)., type: str, returned: always}
        observed_at: {description: "The target's clock when the facts were read, UTC seconds.", type: int, returned: always}
        machine_id: {description: "Id of the installation, from C(/etc/machine-id).", type: str, returned: always}
        boot_id: {description: Id of the running boot., type: str, returned: always}
        cores: {description: CPUs that are online., type: int, returned: always, sample: 8}
        cpu_cores:
          description: Mean number of busy CPUs during O(interval). Waiting for disks and time that the hypervisor took do not count.
          type: float
          returned: always
          sample: 1.73
        load:
          description: Load averages over 1, 5 and 15 minutes, by these numbers.
          type: dict
          returned: always
          sample: {"1": 0.52, "5": 0.58, "15": 0.59}
        memory:
          description: Bytes of memory.
          type: dict
          returned: always
          contains:
            total: {description: All., type: int, returned: always}
            used: {description: All but what is available., type: int, returned: always}
            available: {description: What a new process could get without swapping., type: int, returned: always}
            cache: {description: Page cache and reclaimable slabs., type: int, returned: always}
            swap_total: {description: Swap., type: int, returned: always}
            swap_used: {description: Swap in use., type: int, returned: always}
        cpu_seconds:
          description: CPU time since boot over all CPUs.
          type: dict
          returned: always
          contains:
            user: {description: "Processes, nice ones included.", type: float, returned: always}
            system: {description: "Kernel, interrupts included.", type: float, returned: always}
            iowait: {description: Idle while a disk was waited for., type: float, returned: always}
            steal: {description: Taken by the hypervisor., type: float, returned: always}
            idle: {description: Idle., type: float, returned: always}
            total: {description: The sum., type: float, returned: always}
        disks:
          description: Counters since boot by physical disk.
          type: dict
          returned: always
          sample:
            sda: {read_bytes: 524288, write_bytes: 1048576, read_ops: 120, write_ops: 64, busy_seconds: 1.25}
        network:
          description: Counters since boot by network interface, without the loopback and the ports of guests.
          type: dict
          returned: always
          sample:
            eth0: {rx_bytes: 81920, tx_bytes: 40960, rx_packets: 100, tx_packets: 80, errors: 0}
        pressure:
          description:
            - Pressure stall information by C(cpu), C(memory) and C(io), each with C(some) and mostly C(full).
            - Averages are percentages as the kernel gives them, C(total_seconds) counts since boot. Null without PSI.
          type: dict
          returned: always
          sample:
            cpu:
              some: {avg10: 1.53, avg60: 0.87, avg300: 0.25, total_seconds: 93.52}
        uptime_seconds: {description: Seconds since boot., type: float, returned: always}
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.node_report import read_node


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(argument_spec={"interval": {"type": "float", "default": 0.2}}, supports_check_mode=True)
    document = read_node(int(time.time()), module.params["interval"])
    module.exit_json(changed=False, ansible_facts={"foresight_node": document})


if __name__ == "__main__":
    main()
