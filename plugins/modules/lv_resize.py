#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lv_resize
short_description: Resize a logical volume together with its file system, safely
version_added: 1.0.0
description:
  - Makes a logical volume larger and then its file system, or its file system smaller and then the volume, each step verified by reading it back.
  - Grows ext2, ext3 and ext4 mounted or not, xfs and btrfs mounted, vfat, f2fs and swap while they are not in use.
  - Grows thin pools, data and metadata.
  - Shrinks, only where O(allow_shrink=true), btrfs mounted, ext2, ext3, ext4, vfat, f2fs and swap while they are not in use. Never xfs, and never what
    it does not know.
  - Unmounts for that only what the next boot would mount again (C(/etc/fstab)), and only where O(allow_unmount=true), and mounts it again as that file says.
  - The volume is read right before it is changed. What is found decides what is done, so a task that was killed at any
    moment is finished by the next run, with no state kept on the host. Whatever is not expected is refused with a reason.
  - Everything that can stand against the resize is checked before the first change, by a rehearsal of C(lvextend) or C(lvreduce) too.
  - One resize runs at a time on a host, whichever controller it comes from.
  - What it does step by step and every reason for a refusal are described in C(docs/lv_resize.md).
requirements:
  - lvm2
  - e2fsprogs for ext2, ext3 and ext4
  - xfsprogs for xfs
  - btrfs-progs for btrfs
  - f2fs-tools for f2fs
  - fatresize and dosfstools for vfat
  - util-linux for swap, and for O(allow_mount)
  - root on the target (C(become))
options:
  vg:
    description:
      - Name of the volume group.
    type: str
    required: true
  lv:
    description:
      - Name of the logical volume.
    type: str
    required: true
  size:
    description:
      - Size that the volume shall have, in bytes or with a binary unit such as V(40 GiB), V(40G) or V(1.5T).
      - Rounded up to whole extents, and to whole stripes of a striped or RAID volume; the message says so.
      - V(40 GB) is refused, as it could mean two sizes.
    type: str
    required: true
  metadata_size:
    description:
      - Size that the metadata of a thin pool shall have, written like O(size) and rounded up to whole extents. Without it the metadata stays as it is.
      - It grows before the data, and its spare copy with it.
    type: str
  expect:
    description:
      - State from which the plan was made. Without it, any smaller size is a valid start.
    type: dict
    suboptions:
      uuid:
        description:
          - LVM UUID of the volume. Another one means another volume of the same name, which is refused.
        type: str
      size:
        description:
          - Size of the volume before the resize. A volume that is neither of this size nor of O(size) is refused.
        type: str
      metadata_size:
        description:
          - The same for the metadata of a thin pool and O(metadata_size).
        type: str
  reserve:
    description:
      - What stays free in the volume group, as V(5%) of it, V(20 extents) or an amount such as V(10 GiB). Rounded up to whole extents.
    type: str
    default: '0'
  freed:
    description:
      - What earlier tasks of the same play free in the volume group, written like O(size).
      - Counts in check mode alone, where they have only told it. Otherwise only what is really free counts.
    type: str
    default: '0'
  named_exactly:
    description:
      - The volume was named by its exact name in the policy, and not matched by a pattern.
      - Only then is a volume without a known file system grown, or a thin pool.
    type: bool
    default: false
  allow_fsck:
    description:
      - Let the check of an unmounted file system that is not clean repair what is safe to repair (C(e2fsck -f -p) and its like).
      - Without it such a file system is refused. Check mode cannot foretell whether the repair will succeed.
    type: bool
    default: false
  allow_mount:
    description:
      - Resize an xfs or btrfs file system that is not mounted by mounting it for that moment where nobody else sees it, in a mount namespace of its own.
      - To shrink btrfs it is mounted there read-only before, in check mode too, as only the kernel knows what it uses.
      - Without it such a file system is refused, as it can be resized only while it is mounted.
    type: bool
    default: false
  allow_shrink:
    description:
      - Make the volume smaller if O(size) is less than it has.
      - What its file system uses and O(margin) stay in any case. Without a file system that is known a volume is never shrunk.
    type: bool
    default: false
  allow_unmount:
    description:
      - Unmount the file system for the time of the resize where it can be resized only so, or switch the swap space off.
      - Only what C(/etc/fstab) mounts at boot is unmounted. What uses it is never ended; it is refused with a list of who does.
      - A file system that C(/etc/fstab) mounts at boot and that is not mounted is mounted at the end, as an earlier run may have been killed before it did so.
    type: bool
    default: false
  margin:
    description:
      - What a file system keeps above what it uses when it is made smaller, as V(10%) of that or an amount such as V(1 GiB).
    type: str
    default: 10%
  lock_timeout:
    description:
      - Seconds to wait for another resize on the same host.
    type: float
    default: 60.0
extends_documentation_fragment:
  - foresight.capacity.search_path
attributes:
  check_mode:
    support: full
    description: Changes nothing, not even a lock file, and tells exactly the RV(before), RV(after), C(diff) and C(changed) of the real run.
  diff_mode:
    support: full
    description: Shows the size of the volume and of its file system before and after.
  platform:
    support: full
    platforms: linux
    description: Runs on Linux hosts with LVM.
author:
  - Foresight Capacity contributors (@foresight-capacity)
seealso:
  - module: foresight.capacity.lvm_facts
"""

EXAMPLES = r"""
# The volume and its file system are 40 GiB afterwards; a second run changes nothing.
- name: Grow the data volume to 40 GiB
  foresight.capacity.lv_resize:
    vg: vg0
    lv: data
    size: 40 GiB

# Refused with reason=reserve when less than 5 % of vg0 would stay free.
- name: Grow the log volume, but keep a reserve in its volume group
  foresight.capacity.lv_resize:
    vg: vg0
    lv: log
    size: 12 GiB
    reserve: 5%

# Unmounted, checked, shrunk and mounted again, if nobody uses it and /etc/fstab knows it.
- name: Take back what the archive does not need
  foresight.capacity.lv_resize:
    vg: vg0
    lv: archive
    size: 20 GiB
    allow_shrink: true
    allow_unmount: true

# Refused with reason=precondition_changed when the volume was replaced or resized since the plan was made.
- name: Apply one action of a plan
  foresight.capacity.lv_resize:
    vg: vg0
    lv: data
    size: 42949672960
    expect:
      uuid: 3r9lOQ-AFFe-1t46-SQON-DpMr-WryR-wp2Q1I
      size: 21474836480
"""

RETURN = r"""
status:
  description:
    - V(changed) when the volume, its file system or both were resized (in check mode when they would be), V(ok) when there was nothing to do.
    - V(refused) when nothing was changed for a reason that RV(reason) names, V(failed) when a step went wrong. Both fail the task.
  returned: always
  type: str
  sample: changed
reason:
  description: Code of the refusal or failure, as listed in C(docs/lv_resize.md); V(null) otherwise.
  returned: always
  type: str
  sample: precondition_changed
message:
  description: What was done, or what was seen, what is needed, and which option changes it.
  returned: always
  type: str
  sample: Grew vg0/data from 20 GiB to 40 GiB and its ext4 file system from 20 GiB to 40 GiB.
before:
  description: The volume as it was found; V(null) when it could not be read.
  returned: always
  type: dict
  contains: &state
    uuid:
      description: LVM UUID of the volume.
      type: str
    size:
      description: Bytes of the volume.
      type: int
    fs_type:
      description: Type of its file system; V(null) when there is none.
      type: str
    fs_size:
      description: Bytes of all blocks of its file system; V(null) when there is none that is known.
      type: int
    fs_fills_volume:
      description: Whether its file system uses as much of the volume as its own tool can make it use.
      type: bool
    metadata_size:
      description: Bytes of the metadata of a thin pool; V(null) for other volumes.
      type: int
    mountpoints:
      description: Where it is mounted, V([SWAP]) for a swap space in use.
      type: list
      elements: str
after:
  description: The same, read back after the last command; in check mode as the real run would leave it. V(null) when it could not be read back.
  returned: always
  type: dict
  contains: *state
commands:
  description: The changing commands that were run, in their order, the one that failed included; in check mode those that would run.
  returned: always
  type: list
  elements: str
  sample: ["lvm lvextend --extents 10240 vg0/data", "resize2fs /dev/mapper/vg0-data 10485760"]
stopped_at:
  description:
    - The step that failed, V(unmount), V(check_filesystem), V(shrink_filesystem), V(reduce_volume), V(extend_metadata), V(extend_volume), V(grow_filesystem),
      V(mount) or V(verify); V(null) otherwise.
  returned: always
  type: str
  sample: grow_filesystem
seconds:
  description: How long it took, the wait for the lock included.
  returned: always
  type: float
  sample: 2.417
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.foresight.capacity.plugins.module_utils.arguments import search_path_arguments
from ansible_collections.foresight.capacity.plugins.module_utils.resize.task import lv_resize_arguments, resize_task


def main() -> None:
    module = AnsibleModule(argument_spec={**lv_resize_arguments(), **search_path_arguments()}, supports_check_mode=True)
    outcome = resize_task(module.params, module.run_command, module.check_mode)
    if outcome["status"] in ("refused", "failed"):
        module.fail_json(**outcome)
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
