#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lvm_facts
short_description: Read volume groups, logical volumes and the file systems on them
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads all of LVM with one report, whatever the number of volumes, and joins it with the file systems on the volumes.
  - It only reads. Hosts without LVM, and users who may not ask it, get RV(ansible_facts.foresight_lvm.available=false) with a reason,
    not an error.
  - LVM answers root only. Use C(become), or allow the one report by sudo and set O(sudo=true).
options:
  sudo:
    description:
      - Without root, get the LVM report through C(sudo -n). The exact line for sudoers is in the collection's C(docs/observing.md).
      - Everything else is read as the connecting user. File systems below directories that are closed to this user stay unmeasured.
      - Ignored for root.
    type: bool
    default: false
extends_documentation_fragment:
  - foresight.capacity.facts
  - foresight.capacity.search_path
requirements:
  - lvm2 2.02.158 or newer (RHEL 7.3, Debian 9, Ubuntu 16.10)
  - lsblk of util-linux 2.27 or newer, for file systems that are not mounted and for encrypted volumes
seealso:
  - module: foresight.capacity.node_facts
  - module: foresight.capacity.lxc_facts
"""

EXAMPLES = r"""
# ansible all -b -m foresight.capacity.lvm_facts

- name: Read the volumes of this host
  foresight.capacity.lvm_facts:
  become: true

- name: Show file systems that are more than 90 percent full
  ansible.builtin.debug:
    msg: "{{ item.vg }}/{{ item.name }}: {{ item.filesystem.avail | human_readable }} left at {{ item.filesystem.mountpoints | first }}"
  loop: "{{ foresight_lvm.lvs | selectattr('filesystem.used', 'defined') | selectattr('filesystem.used') }}"
  loop_control:
    label: "{{ item.vg }}/{{ item.name }}"
  when: item.filesystem.used / item.filesystem.size > 0.9

- name: Read the volumes as a user who may run only the report as root
  foresight.capacity.lvm_facts:
    sudo: true
"""

RETURN = r"""
ansible_facts:
  description: Facts to add to ansible_facts. Sizes are bytes, fractions are from 0 to 1, what is not known is null.
  returned: always
  type: dict
  contains:
    foresight_lvm:
      description: The volumes of this host.
      returned: always
      type: dict
      contains:
        schema:
          description: Always V(foresight.lvm/1).
          type: str
          returned: always
        observed_at:
          description: The target's clock when the facts were read, UTC seconds.
          type: int
          returned: always
        machine_id:
          description: Id of the installation, from C(/etc/machine-id).
          type: str
          returned: always
        boot_id:
          description: Id of the running boot.
          type: str
          returned: always
        available:
          description: Whether LVM gave its report.
          type: bool
          returned: always
        reason:
          description: Why it did not.
          type: str
          returned: always
          choices: [not_installed, needs_root, failed]
        message:
          description: The reason in words; of an available report, LVM's warnings.
          type: str
          returned: always
        lvm_version:
          description: Version of lvm2.
          type: str
          returned: always
          sample: 2.03.16(2) (2022-05-18)
        pvs:
          description: Physical volumes, those of no group (RV(ansible_facts.foresight_lvm.pvs[].vg) null) included.
          type: list
          elements: dict
          returned: always
          contains:
            name: {description: Device., type: str, returned: always, sample: /dev/sdb1}
            uuid: {description: LVM's UUID., type: str, returned: always}
            vg: {description: The group it belongs to., type: str, returned: always}
            size: {description: Usable bytes., type: int, returned: always}
            free: {description: Bytes that no volume has., type: int, returned: always}
            missing: {description: Whether the device is gone., type: bool, returned: always}
            allocatable: {description: Whether LVM may give its extents to volumes (C(pvchange -x))., type: bool, returned: always}
            in_use:
              description: Whether a group uses it; true without a group where the metadata of its group cannot be seen.
              type: bool
              returned: always
            lvs: {description: Volumes with extents on it; hidden parts count as their volume., type: list, elements: str, returned: always}
        vgs:
          description: Volume groups, also those that belong to other hosts or are not complete.
          type: list
          elements: dict
          returned: always
          contains:
            name: {description: Name., type: str, returned: always}
            uuid: {description: LVM's UUID., type: str, returned: always}
            size: {description: Bytes., type: int, returned: always}
            free: {description: Bytes that no volume has., type: int, returned: always}
            extent_bytes: {description: Bytes of one extent., type: int, returned: always}
            extents: {description: Number of extents., type: int, returned: always}
            extents_free: {description: Number of extents that no volume has., type: int, returned: always}
            tags: {description: LVM tags., type: list, elements: str, returned: always}
            lock_type:
              description: How hosts share the group (V(sanlock), V(dlm), V(idm), V(clvm)); null for a local one.
              type: str
              returned: always
            system_id: {description: System id of the owning host., type: str, returned: always}
            foreign: {description: Whether the system id is another host's., type: bool, returned: always}
            partial: {description: Whether physical volumes are missing., type: bool, returned: always}
            exported: {description: Whether the group is exported., type: bool, returned: always}
            pv_count: {description: Number of physical volumes., type: int, returned: always}
        lvs:
          description: Logical volumes, hidden ones included.
          type: list
          elements: dict
          returned: always
          contains:
            vg: {description: Name of the group., type: str, returned: always}
            vg_uuid: {description: UUID of the group., type: str, returned: always}
            name: {description: Name; that of a hidden volume without its brackets., type: str, returned: always}
            uuid: {description: LVM's UUID., type: str, returned: always}
            path: {description: Device path; null for hidden volumes and pools., type: str, returned: always, sample: /dev/vg0/data}
            dm_path: {description: Path of the device-mapper device., type: str, returned: always, sample: /dev/mapper/vg0-data}
            size: {description: Bytes., type: int, returned: always}
            active: {description: Whether it has a device., type: bool, returned: always}
            segment_type:
              description: Segment type; several of them joined by C(+).
              type: str
              returned: always
              sample: linear
            attr: {description: The attribute letters of C(lvs)., type: str, returned: always, sample: -wi-ao----}
            tags: {description: LVM tags., type: list, elements: str, returned: always}
            origin: {description: "Of a snapshot, the volume it was taken of.", type: str, returned: always}
            pool: {description: "Of a thin volume, its pool.", type: str, returned: always}
            snapshot_fraction:
              description: How full a copy-on-write snapshot is; 1.0 once it overflowed.
              type: float
              returned: always
            sync_fraction: {description: How far a mirror or RAID is in sync., type: float, returned: always}
            data_fraction:
              description: Of a thin pool, how full it is; of a thin volume, how much of its size is allocated.
              type: float
              returned: always
            metadata_fraction: {description: How full the metadata of a thin pool is., type: float, returned: always}
            metadata_size: {description: Bytes of the metadata of a pool., type: int, returned: always}
            chunk_size: {description: "Of a pool or a copy-on-write snapshot, bytes of one chunk.", type: int, returned: always}
            autoextend:
              description: Of a thin pool or a copy-on-write snapshot, what dmeventd does when it fills up; null for all others.
              type: dict
              returned: always
              contains:
                monitored: {description: Whether dmeventd watches it; null where LVM does not say., type: bool, returned: always}
                monitoring: {description: Whether the configuration has dmeventd watch what is activated., type: bool, returned: always}
                threshold:
                  description: How full it must be for dmeventd to extend it; V(1.0) is never. Null where the configuration could not be read.
                  type: float
                  returned: always
                step: {description: By what fraction of its size it then grows., type: float, returned: always}
                command: {description: The program that dmeventd calls for pools instead of C(lvextend)., type: str, returned: always}
                profile: {description: The metadata profile of the volume or its group., type: str, returned: always}
            role:
              description:
                - V(internal) is a hidden part of another volume, V(pool) a thin, cache or VDO pool.
                - V(guest_disk) is the disk of a container or virtual machine, told by names that storage managers give, by configurations
                  of LXC, Proxmox, libvirt and Xen, by running QEMUs, or by a partition table or foreign physical volume on it.
              type: str
              returned: always
              choices: [plain, internal, snapshot, pool, guest_disk]
            stack:
              description:
                - Layers between the volume and its file system, from below. V(luks) and V(crypt) are climbed; V(partitions),
                  V(physical_volume) and V(member) end the climb.
              type: list
              elements: str
              returned: always
            in_progress: {description: An LVM operation that runs on it., type: str, returned: always, choices: [pvmove, sync, merge]}
            filesystem:
              description: The file system; null for internal volumes and pools.
              type: dict
              returned: always
              contains:
                type: {description: Type., type: str, returned: always, sample: ext4}
                uuid: {description: UUID., type: str, returned: always}
                label: {description: Label., type: str, returned: always}
                device: {description: Block device that carries it., type: str, returned: always, sample: /dev/mapper/secret_crypt}
                devices:
                  description: All its devices; more than one only for btrfs.
                  type: list
                  elements: str
                  returned: always
                size: {description: Bytes., type: int, returned: always}
                used: {description: Bytes in use., type: int, returned: always}
                avail: {description: Bytes that users other than root can still write., type: int, returned: always}
                inodes: {description: Number of inodes; null where it is not limited., type: int, returned: always}
                inodes_used: {description: Inodes in use., type: int, returned: always}
                mountpoints:
                  description: Where it is mounted, mounts of the whole file system before bind mounts of a part; V([SWAP]) for active swap, as lsblk shows it.
                  type: list
                  elements: str
                  returned: always
                read_only: {description: Whether it can only be read., type: bool, returned: always}
                reason:
                  description:
                    - Why nothing was measured; null where it was.
                    - V(in_use) is not mounted where this module looks, yet held open, by another mount namespace or a virtual machine.
                    - V(locked) is a closed LUKS volume, V(unformatted) one without any known signature, V(unknown) one that
                      could not be looked at (no C(lsblk)).
                    - V(unreadable) is mounted, but its mount point is hidden or closed to us. V(not_answering) kept us waiting too long.
                  type: str
                  returned: always
                  choices:
                    - not_mounted
                    - in_use
                    - swap
                    - unformatted
                    - unknown
                    - inactive
                    - locked
                    - partitions
                    - physical_volume
                    - member
                    - unreadable
                    - not_answering
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import search_path_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_report import read_lvm


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={"sudo": {"type": "bool", "default": False}, **search_path_arguments()},
        supports_check_mode=True,
    )
    commands = Commands(module.run_command, module.params["search_path"])
    document = read_lvm(commands, int(time.time()), sudo=module.params["sudo"])
    module.exit_json(changed=False, ansible_facts={"foresight_lvm": document})


if __name__ == "__main__":
    main()
