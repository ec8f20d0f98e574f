#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_guest_resize
short_description: Give containers and VMs of a Proxmox VE cluster more or less cores and memory, and larger disks
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Sets cores, cpulimit, memory, swap and balloon of many guests in one task, and grows their disks. A disk is never made smaller.
  - Each guest is read right before it is changed, and what is found decides. What is as it shall be stays, what an earlier run left half-done is
    finished, and what is not as the plan saw it is refused. Every change carries the digest of the configuration that was read, so nobody's
    change in between is overwritten, and is read back.
  - It tells which values are in force at once and which wait for a restart of the guest. It restarts none.
  - Before anything is changed it is decided for all guests, in their order, whether their node has what they shall get.
  - A guest that is refused or fails does not keep the others from being resized; the task fails at the end, with the outcomes of all.
  - It needs the role C(ForesightResize) of C(docs/proxmox.md), which lists every reason for a refusal too.
extends_documentation_fragment:
  - foresight.capacity.proxmox
  - foresight.capacity.reserves
options:
  guests:
    description: Guests and what they shall have. What is not told stays as it is. Needed is this or O(actions), or both.
    type: list
    elements: dict
    suboptions:
      guest:
        description: Id of the guest, V(lxc/ID) or V(qemu/ID).
        type: str
        required: true
      cores:
        description: Cores, of a VM those of each socket. V(0) gives a container all cores of its node.
        type: int
      cpulimit:
        description: How many cores' worth of time it may use, V(0) for no limit. Rounded up to thousandths.
        type: float
      memory:
        description: Memory, in bytes or with a binary unit such as V(4 GiB). Rounded up to MiB, as all sizes are.
        type: str
      swap:
        description: Swap of a container, written like O(guests[].memory).
        type: str
      balloon:
        description: Memory that a VM keeps at least when its node is short of it, written like O(guests[].memory). V(0) switches ballooning off.
        type: str
      disks:
        description: Sizes of disks by name, such as V(rootfs) or V(scsi0), written like O(guests[].memory).
        type: dict
        default: {}
      expect:
        description: What the guest must be like. Without it any guest of that id is changed.
        type: dict
        suboptions:
          node:
            description: The node where it is.
            type: str
          digest:
            description: The digest of its configuration.
            type: str
  actions:
    description:
      - Actions of kind C(guest_resize) of a plan, as M(foresight.capacity.plan_gate) gives them out.
      - Keys of their C(from) and C(to) are C(cores), C(cpulimit), C(memory), C(swap), C(balloon) and C(disk.NAME), in cores and bytes. A guest that
        is neither at C(from) nor at C(to) is refused, a guest of another cluster as well.
    type: list
    elements: dict
  overcommit:
    description: How far limits may exceed what there is. Growth alone is judged; less is always admitted.
    type: dict
    default: {}
    suboptions:
      cpu:
        description: Most that the cores of all running guests of a node may be together, as a multiple of its cores less its reserve. No bound if not set.
        type: float
      memory:
        description: The same for memory. Besides, the memory that a running guest gets more must be free on its node in any case.
        type: float
      storage:
        description: Grow disks beyond what is free on their storage, as storages that allocate only what is written allow.
        type: bool
        default: false
  margin:
    description:
      - What a running guest keeps above the memory that it uses when its memory, swap or balloon gets less, as V(10%) of that or an amount such as V(1 GiB).
      - Memory below use kills what runs in a container.
    type: str
    default: 10%
  timeout:
    description: Seconds to wait until a disk has grown. The task of the cluster is not ended then.
    type: float
    default: 600.0
  max_parallel:
    description: How many guests are read, and then changed, at a time, 1 to 10.
    type: int
    default: 4
attributes:
  check_mode:
    support: full
    description: Changes nothing, and tells exactly the C(changed), C(before), C(after), C(diff) and RV(restart_required) of the real run.
  diff_mode:
    support: full
    description: Shows the limits of each guest that is changed, before and after.
  platform:
    support: full
    platforms: posix
    description: Runs where proxmoxer is, usually on the controller.
seealso:
  - module: foresight.capacity.proxmox_facts
  - module: foresight.capacity.plan_gate
"""

EXAMPLES = r"""
# A running container has both at once; a second run changes nothing.
- name: Give a container more cores and memory
  foresight.capacity.proxmox_guest_resize:
    api_host: [pve1.example.com, pve2.example.com]
    api_token_id: foresight@pve!resize
    api_token_secret: "{{ vault_proxmox_token_secret }}"
    ca_path: /etc/foresight/pve-root-ca.pem
    guests:
      - guest: lxc/104
        cores: 2
        memory: 2 GiB

# The cores of the running VM wait for its restart (restart_required), the disk is larger at once.
- name: Resize many guests, but keep 2 GiB of each node free, with credentials from PROXMOX_* variables
  foresight.capacity.proxmox_guest_resize:
    guests:
      - guest: qemu/204
        cores: 2
        disks:
          scsi0: 8 GiB
      - guest: lxc/108
        memory: 768 MiB
        swap: 256 MiB
    reserve:
      memory: 2147483648
  register: resized

- name: Show what waits for a restart
  ansible.builtin.debug:
    var: resized.restart_required

# Refused with reason=precondition_changed where the guest was changed or moved since the plan was made.
- name: Apply the resizes of a plan
  foresight.capacity.proxmox_guest_resize:
    actions: "{{ host_gate.actions | selectattr('kind', 'equalto', 'guest_resize') }}"
"""

RETURN = r"""
outcomes:
  description:
    - One for each guest, in the order of O(guests) and then O(actions).
    - M(foresight.capacity.plan_gate) with C(state=done) takes them as those of a loop over the actions.
  returned: when the options make sense
  type: list
  elements: dict
  contains:
    guest: {description: Id., type: str, returned: always, sample: lxc/104}
    node: {description: "Where it is, V(null) when it was not found.", type: str, returned: always}
    item: {description: The action., type: dict, returned: for O(actions)}
    status:
      description:
        - V(changed) when something was changed (in check mode when it would be), V(ok) when there was nothing to do.
        - V(refused) when nothing was changed for a reason that C(reason) names, V(failed) when something went wrong. Both fail the task.
      type: str
      returned: always
      sample: changed
    reason:
      description: Code of the refusal or failure, as listed in C(docs/proxmox.md); V(null) otherwise.
      type: str
      returned: always
      sample: precondition_changed
    message:
      description: What was done, or what was seen, what is needed, and which option changes it.
      type: str
      returned: always
      sample: "Resized lxc/104 on pve1: memory 1 GiB → 2 GiB."
    changed: {description: Whether C(before) and C(after) differ., type: bool, returned: always}
    before:
      description: Its limits as they were found; V(null) when it could not be read.
      type: dict
      returned: always
      contains: &limits
        cores: {description: "Cores, of a VM of each socket; V(null) is all of the node.", type: int, returned: always}
        cpulimit: {description: "Cores' worth of time, V(0) without a limit.", type: float, returned: always}
        memory: {description: Bytes of memory., type: int, returned: always}
        swap: {description: Bytes of swap., type: int, returned: for containers}
        balloon: {description: "Bytes that it keeps at least; V(0) without ballooning, V(null) for all.", type: int, returned: for VMs}
        disks: {description: Bytes of its disks by name., type: dict, returned: always, sample: {rootfs: 8589934592}}
        pending: {description: What waits for a restart., type: dict, returned: always, sample: {cores: 2}}
    after:
      description: The same, read back after the last change; in check mode as the real run would leave it. V(null) when it could not be read back.
      type: dict
      returned: always
      contains: *limits
    restart_required: {description: What of it waits for a restart., type: list, elements: str, returned: always, sample: [cores]}
    ha: {description: Whether the HA manager holds it; then it restarts it., type: bool, returned: always}
    stopped_at: {description: "The step that failed, V(read), V(config) or C(disk.NAME); V(null) otherwise.", type: str, returned: always}
    seconds: {description: How long it took., type: float, returned: always}
    privilege: {description: The privilege that is missing., type: str, returned: when the API failed}
    path: {description: Where it is missing., type: str, returned: when the API failed}
restart_required:
  description: Guests of which something waits for a restart, and what.
  returned: when the options make sense
  type: dict
  sample: {qemu/204: [cores]}
calls:
  description: How many calls were made.
  returned: when the options make sense
  type: int
reason:
  description: Why the task as a whole failed, as listed in C(docs/proxmox.md).
  returned: when nothing could be begun
  type: str
  sample: forbidden
privilege:
  description: The privilege that is missing, if that is the reason.
  returned: when nothing could be begun
  type: str
  sample: VM.Audit
privilege_path:
  description: Where it is missing.
  returned: when nothing could be begun
  type: str
  sample: /vms
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import proxmox_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.resize_task import resize_arguments, run


def main() -> None:
    """Entry point of the module."""
    run(
        AnsibleModule(
            argument_spec={**proxmox_arguments(), **resize_arguments()}, required_one_of=[("guests", "actions")], supports_check_mode=True
        )
    )


if __name__ == "__main__":
    main()
