#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: proxmox_guest_migrate
short_description: Carry out the migrations of a plan on a Proxmox VE cluster
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Moves guests to the nodes that a plan names, wave after wave, never more at once than O(limits) allows.
  - VMs that run are migrated live, with their local disks. Containers that run are shut down, moved and started, only inside a window of O(limits.windows)
    that allows it. What is stopped is moved as it is.
  - Every guest and its target are looked at right before the move. A guest that is on its target already is V(ok), one that is anywhere but where the
    plan saw it is refused, as is a target that is offline, in maintenance, or lacks memory or a storage.
  - A migration that runs already, of a run that was killed or of anybody else, is waited for and never begun twice. No request is repeated before it is
    known that nothing came of it.
  - A move is reported when the guest was seen at its end, whatever the task said.
  - After O(max_failures) no other move is begun, nor a wave after one in which a move went wrong; those under way are followed to their end.
  - Of O(reserve) only memory counts, as processors are shared.
  - It never moves the guest that it runs in, known by the addresses of its network cards or its SMBIOS UUID, nor any of O(never_move).
  - It needs the role C(ForesightMigrate) of C(docs/proxmox.md), with the privileges C(Sys.Audit), C(VM.Audit), C(Datastore.Audit) and C(VM.Migrate).
  - What it checks and every reason of an outcome are listed in C(docs/proxmox.md).
extends_documentation_fragment:
  - foresight.capacity.proxmox
  - foresight.capacity.reserves
options:
  actions:
    description:
      - Actions of kind C(guest_migrate) of one cluster, as M(foresight.capacity.plan_gate) hands them out.
      - Each has C(id), C(target) (V(guest:CLUSTER/lxc/ID) or V(guest:CLUSTER/qemu/ID)), C(expect) with C(node), C(to) with C(node), and
        optionally C(wave), C(window), C(after), C(cost), and C(digest) in C(expect).
      - Without C(wave) in any of them, each waits for the one before.
    type: list
    elements: dict
    required: true
  limits:
    description: How much runs at once, and when. The same names as those of P(foresight.capacity.migration_waves#filter).
    type: dict
    suboptions:
      global:
        description: Moves at once in the cluster. A quarter of its nodes, but at least 4, if not set.
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
          - How much of the link of each node migrations use. Each move gets its share for O(limits.per_node_in) or O(limits.per_node_out), whichever
            is more. No limit but that of the cluster if not set.
          - The HA manager moves its guests with the limit of the cluster alone.
        type: float
      windows:
        description:
          - Times of day in which moves may begin. Without any, moves of stopped guests and of VMs may begin at any time, and containers that run are
            not moved.
          - Where the plan says how long a move takes, it begins only if it ends within its window.
        type: list
        elements: dict
        default: []
        suboptions:
          from:
            description: When it begins, as C("HH:MM") in UTC, in quotes.
            type: str
            required: true
          to:
            description: When it ends. A time that is not after O(limits.windows[].from) is one of the next day, so that equal times are a whole day.
            type: str
            required: true
          kinds:
            description: The ways of migrating that may begin in it, C(live), C(restart), C(offline). Without it all may.
            type: list
            elements: str
  window_wait:
    description: Seconds that the task may wait for windows. What opens later is left as V(not_started), which is no failure.
    type: float
    default: 0
  timeout:
    description: Seconds that one move may take, waiting for another migration of that guest included. A migration that takes longer is not ended.
    type: float
    default: 3600
  shutdown_timeout:
    description: Seconds that a container has to shut down. One that takes longer stays where it is, running.
    type: int
    default: 180
  max_failures:
    description: How many moves may be refused or fail before no other is begun in their wave.
    type: int
    default: 0
  never_move:
    description:
      - Guests that are never moved, as V(lxc/101).
      - Name the guest of the controller where it cannot see that guest's network cards, as in a container or a pod inside of it.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    support: full
    description: Makes every check and tells the RV(outcomes) of the real run, moves that build on others included. It waits for nothing.
  diff_mode:
    support: full
    description: Shows the node of each guest before and after.
seealso:
  - module: foresight.capacity.proxmox_facts
  - module: foresight.capacity.plan_gate
  - plugin: foresight.capacity.migration_waves
    plugin_type: filter
"""

EXAMPLES = r"""
# Every VM of the list is on its new node afterwards; a second run changes nothing.
- name: Carry out the moves that the gate lets through
  foresight.capacity.proxmox_guest_migrate:
    api_host: [pve1.example.com, pve2.example.com]
    api_token_id: foresight@pve!move
    api_token_secret: "{{ vault_proxmox_token_secret }}"
    ca_path: /etc/foresight/pve-root-ca.pem
    actions: "{{ foresight_actions }}"
  register: moves

# Containers are restarted between 01:00 and 05:00 UTC only, one move per node at a time, with at most 100 MB/s of its link.
- name: Move one container at night
  foresight.capacity.proxmox_guest_migrate:
    actions:
      - id: 9f86d081884c7d65
        kind: guest_migrate
        target: guest:prod/lxc/101
        expect: {node: pve1}
        to: {node: pve2}
    limits:
      per_node_in: 1
      per_node_out: 1
      bandwidth_bytes_per_second: 100000000
      windows:
        - {from: "01:00", to: "05:00", kinds: [restart, offline]}
        - {from: "00:00", to: "00:00", kinds: [live]}
    window_wait: 3600
    reserve: {memory: 8589934592}
    never_move: [qemu/100]

- name: Show what was not moved, and why
  ansible.builtin.debug:
    msg: "{{ moves.outcomes | rejectattr('status', 'in', ['changed', 'ok']) | map(attribute='message') }}"
"""

RETURN = r"""
outcomes:
  description: What became of each action, in the order of the run. They are what O(foresight.capacity.plan_gate#module:results) takes.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: The action.
      type: dict
      returned: always
    status:
      description:
        - V(changed) when the guest was moved (in check mode when it would be), V(ok) when it was on its target already.
        - V(refused) when it was not moved for a reason that was seen before, V(failed) when something went wrong. Both fail the task.
        - V(not_started) when its turn did not come.
      type: str
      returned: always
    changed:
      description: Whether the guest is on another node than before.
      type: bool
      returned: always
    skipped:
      description: Whether its turn did not come, so that there is nothing to note.
      type: bool
      returned: always
    reason:
      description: Code of what was seen, as listed in C(docs/proxmox.md), V(null) when all went well.
      type: str
      returned: always
      sample: precondition_changed
    message:
      description: What was done, or what was seen and what is needed.
      type: str
      returned: always
      sample: qemu/102 was moved from pve1 to pve2 live (38 s, 4509715660 bytes, 0.087 s down).
    before:
      description: Its C(node) before this action, and whether it was C(running) where that was read. V(null) when it is not in the cluster.
      type: dict
      returned: always
      sample: {node: pve1, running: true}
    after:
      description: The same afterwards, as the cluster shows it; in check mode as the real run would leave it. V(null) when it could not be read.
      type: dict
      returned: always
      sample: {node: pve2, running: true}
    mode:
      description: V(live), V(restart) or V(offline); V(null) when it did not come to that.
      type: str
      returned: always
    upid:
      description: The task that was begun.
      type: str
      returned: always
    seconds:
      description: How long it took, as its log tells.
      type: float
      returned: always
    cost:
      description:
        - C(bytes) that were sent and C(downtime_seconds), as the log of the task tells them; V(null) where it does not.
        - A container is down from its shutdown to the end of its start.
      type: dict
      returned: always
      sample: {bytes: 4509715660, downtime_seconds: 0.087}
    privilege:
      description: The privilege that is missing, if that is the reason.
      type: str
      returned: always
    path:
      description: Where it is missing.
      type: str
      returned: always
    log:
      description: The log of the task; of lines that tell progress only the last.
      type: list
      elements: str
      returned: always
counts:
  description: How many outcomes there are of each status.
  returned: always
  type: dict
  sample: {changed: 3, ok: 0, refused: 0, failed: 0, not_started: 0}
message:
  description: All of it in one text.
  returned: always
  type: str
calls:
  description: How many calls were made.
  returned: always
  type: int
seconds:
  description: How long the task took.
  returned: always
  type: float
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
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.request import migrate_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.task import migrate_task


def main() -> None:
    """Entry point of the module."""
    migrate_task(AnsibleModule(argument_spec={**proxmox_arguments(), **migrate_arguments()}, supports_check_mode=True))


if __name__ == "__main__":
    main()
