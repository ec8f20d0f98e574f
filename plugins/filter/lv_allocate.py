# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: lv_allocate
short_description: Share the free space of volume groups among the volumes that will need it
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Decides by how much each logical volume grows, so that its file system holds its forecast demand plus headroom, and
    shares the free extents of each VG by weighted max-min fairness where they are scarce.
  - The weight of a volume is its priority × (its history mean / the sum over its VG) ^ O(_policy.share_exponent). Every volume is filled to the
    same level of extents per weight; one that wants less gets all it wants, and what it leaves lifts the level of the others.
  - A VG keeps its reserve. Volumes never grow beyond their maximum or one step.
  - What the free extents cannot give comes from neighbours that have more than they need, where the policy allows shrinking them
    (O(_policy.allow_shrink) and O(_input[].allow_shrink)). Growths that need it wait for it. Nothing shrinks without such a need, and never xfs,
    swap, what has no known file system, or what is not known to have had room to spare for a long time.
  - Only volumes with O(_input[].managed=true) become actions. What the others would need is shown as proposals, out of what the managed ones leave.
  - A volume with less than O(_policy.floor.free_fraction) free grows by one step even without a forecast, if it was observed lately.
  - The file system's overhead (journal, inode tables, blocks kept for root) is counted, so the volume is larger than the demand by it.
  - Pure. Equal input gives equal output, in whatever order the documents come.
positional: _input, _groups, _policy, pools, snapshots
options:
  _input:
    description: The volumes, as in the field C(volumes) of the lookup P(foresight.capacity.volumes#lookup). Sizes in bytes, times in seconds.
    type: list
    elements: dict
    required: true
    suboptions:
      entity:
        description: Key of the volume, C(lv:HOST/VG/LV).
        type: str
        required: true
      host:
        description: Its host.
        type: str
        required: true
      vg:
        description: Its VG. The VG must be among O(_groups), unless O(_input[].refused_reason) is given.
        type: str
        required: true
      lv:
        description: Its name.
        type: str
        required: true
      uuid:
        description: Its LVM UUID.
        type: str
        required: true
      size_bytes:
        description: Its size, a whole number of extents.
        type: int
        required: true
      observed_at:
        description: When its size and use were observed.
        type: int
        required: true
      fs:
        description:
          - Its file system with C(type), C(size), C(used) and C(avail) as statvfs gives them.
          - Without C(avail) the blocks that are kept for root count as usable.
        type: dict
      mounted:
        description: Whether the file system is mounted.
        type: bool
        default: false
      managed:
        description: Whether the policy names it, so that it may be changed.
        type: bool
        default: false
      allow_shrink:
        description: Whether the policy allows to make it smaller for a neighbour. O(_policy.allow_shrink) must be true too.
        type: bool
        default: false
      allow_unmount:
        description:
          - Whether the policy allows to unmount it for a change. vfat, f2fs and swap grow only so, ext2, ext3, ext4, vfat and f2fs shrink only so.
        type: bool
        default: false
      past_peak_bytes:
        description: The most its file system held within O(_input[].past_seconds). Without it the volume never shrinks.
        type: float
      past_seconds:
        description: How much of its past is known.
        type: int
      named_exactly:
        description: Whether the policy names it by its own name. A volume without a known file system grows only then.
        type: bool
        default: false
      demand_bytes:
        description: Bytes that its file system must hold. Required if O(_input[].demand_status=ok).
        type: float
      demand_status:
        description: Status of the forecast behind the demand. Only V(ok) causes a change.
        type: str
        choices: [ok, cold_start, stale, invalid, no_history]
        default: no_history
      history_mean_bytes:
        description: Mean of its used bytes. Without one it counts as one extent.
        type: float
      priority:
        description: Factor of its weight, above 0.
        type: float
        default: 1.0
      min_bytes:
        description: It is grown to at least this size.
        type: int
      max_bytes:
        description: It is never grown beyond this size.
        type: int
      last_resized_at:
        description: When it was resized last.
        type: int
      last_failed_at:
        description: When resizing it failed or was refused last.
        type: int
      copies:
        description: How many extents of the VG one extent of it takes (V(2) for raid1).
        type: int
        default: 1
      copies_freed:
        description:
          - How many extents of the VG become free with one extent less of it. V(0) means that nobody can tell, and it never shrinks, as with stripes.
        type: int
        default: 1
      unfinished:
        description: Whether an earlier resize was begun and not finished, so that the file system may be smaller than the volume.
        type: bool
        default: false
      left_unmounted:
        description: Whether an earlier resize may have unmounted it and not mounted it again.
        type: bool
        default: false
      refused_reason:
        description: Why it is never changed, such as V(snapshot), V(internal), V(guest_disk), V(excluded).
        type: str
      forecast:
        description: What stands behind the demand, C(quantile), C(value), C(method). Goes into the action.
        type: dict
  _groups:
    description: The VGs, as in the field C(groups) of the lookup P(foresight.capacity.volumes#lookup).
    type: list
    elements: dict
    required: true
    suboptions:
      entity:
        description: Key of the VG, C(vg:HOST/VG).
        type: str
        required: true
      host:
        description: Its host.
        type: str
        required: true
      vg:
        description: Its name.
        type: str
        required: true
      uuid:
        description: Its LVM UUID. One that appears twice is refused as C(shared_vg).
        type: str
        required: true
      extent_bytes:
        description: Size of an extent.
        type: int
        required: true
      extents_free:
        description: Free extents.
        type: int
        required: true
      reserve_extents:
        description: Extents to keep free.
        type: int
        required: true
      shared:
        description: Whether other hosts see it too.
        type: bool
        default: false
      refused_reason:
        description: Why its volumes are never changed.
        type: str
      pvs:
        description: Its physical volumes with C(name), C(free_bytes) and C(lvs), the volumes on each. For proposals of what to move.
        type: list
        elements: dict
      free_pvs:
        description: Physical volumes of its host that no VG uses, with C(name), C(uuid) and C(size_bytes). For proposals of what to add.
        type: list
        elements: dict
  _policy:
    description: Limits and preferences. Unknown keys are refused.
    type: dict
    required: true
    suboptions:
      now:
        description: The time to take for now, in seconds since 1970-01-01 UTC. The lookup P(foresight.capacity.volumes#lookup) returns it beside its documents.
        type: int
        required: true
      strategy:
        description:
          - How a VG is shared. V(water_filling) is weighted max-min fairness.
          - V(proportional) is the classic way, for comparison. It splits the free space by demand × share of the VG's history × priority, and does not
            hand on what is left over.
        type: str
        choices: [water_filling, proportional]
        default: water_filling
      headroom:
        description: Fraction of the demand that is kept free on top of it.
        type: float
        default: 0.1
      max_step_fraction:
        description: The most by which a volume grows at once, as a fraction of its size, but at least one extent. Null means no limit.
        type: float
        default: 0.5
      min_change_extents:
        description: Smaller growths are left out as long as the demand without its headroom still fits. A smaller surplus is not shrunk.
        type: int
        default: 1
      hysteresis_fraction:
        description: The same, as a fraction of the volume's size. The larger of both holds. Keeps saw-teeth from growing in many small steps.
        type: float
        default: 0.05
      min_growth_fraction:
        description:
          - What grows grows by at least this fraction of its size, out of what nobody wants, of which a run takes a quarter at most for it.
            So a slowly growing volume is not resized again and again.
        type: float
        default: 0.2
      share_exponent:
        description: How much the history of a volume counts in its weight. V(0) is not at all.
        type: float
        default: 0.5
      floor:
        description:
          - Grow by one step when little is free, as it was observed lately. Needs no forecast and does not wait for quiet hours or a cool-down.
        type: dict
        suboptions:
          free_fraction:
            description: Less than this fraction of the file system is free. V(0) switches floors off.
            type: float
            default: 0.1
          step_fraction:
            description: The step, as a fraction of the volume.
            type: float
            default: 0.1
          max_age_seconds:
            description: How old the observation may be.
            type: int
            default: 3600
      quiet_hours:
        description: Times of day in UTC in which forecasts cause no change of a managed volume.
        type: list
        elements: dict
        default: []
        suboptions:
          from:
            description: When they begin, as C("HH:MM") in quotes.
            type: str
            required: true
          to:
            description: When they end. A time before O(_policy.quiet_hours[].from) is one of the next day.
            type: str
            required: true
      cool_down_seconds:
        description:
          - How long a forecast causes no further growth of a volume after it was resized, in seconds or as a text such as V(6h).
          - No longer than the planning window, or a forecast need may come too late. Floors do not wait.
        type: raw
        default: 6h
      allow_shrink:
        description:
          - Whether volumes with O(_input[].allow_shrink=true) make room for neighbours that the VG cannot serve. Not in quiet hours.
          - Without it what they could give is shown as proposals.
        type: bool
        default: false
      shrink_headroom:
        description:
          - What a volume that shrinks keeps on top of the most it needs, as a fraction of that. The most it needs is the largest of what it holds,
            what it held within its known past, and its demand with O(_policy.headroom).
        type: float
        default: 0.25
      shrink_margin:
        description: What it keeps on top of what it uses in any case, as in O(foresight.capacity.lv_resize#module:margin).
        type: str
        default: 10%
      min_shrink_fraction:
        description:
          - A volume that shrinks gives at least this fraction of its size, or all it can spare. What the needy do not take stays free in the VG, so
            that it is not unmounted again for the next need.
        type: float
        default: 0.1
      max_shrink_step_fraction:
        description: By which fraction of its size a volume shrinks at most at once.
        type: float
        default: 0.25
      shrink_past_seconds:
        description: How much of its past must be known before a volume shrinks, in seconds or as a text.
        type: raw
        default: 14d
      shrink_cool_down_seconds:
        description: How long a volume does not shrink after it was resized, or after that failed or was refused; in seconds or as a text.
        type: raw
        default: 7d
  pools:
    description:
      - The thin pools, as in the field C(pools) of the lookup P(foresight.capacity.volumes#lookup). Their data share the free extents with the volumes.
        Their metadata, small and fatal when full, are served first, and grow with the data to 64 bytes for each chunk.
      - A pool becomes an action only if its own key names it. Its data never grow beyond what its volumes can fill, its metadata never beyond
        15.81 GiB.
    type: list
    elements: dict
    default: []
  snapshots:
    description: Copy-on-write snapshots, as in the field C(snapshots) of the same lookup. Those that may overflow are told among the refusals.
    type: list
    elements: dict
    default: []
seealso:
  - plugin: foresight.capacity.volumes
    plugin_type: lookup
  - module: foresight.capacity.lv_resize
"""

EXAMPLES = r"""
- name: Look the volumes up once
  ansible.builtin.set_fact:
    document: "{{ lookup('foresight.capacity.volumes', manage=[{'match': 'lv:*/vg0/*', 'max': '100 GiB'}], horizon='6h') }}"
  run_once: true

# Where both volumes of a VG want 256 extents and 300 may be given away, the one with the larger history gets more of them.
- name: Share the free space of every VG
  ansible.builtin.set_fact:
    allocation: "{{ document.volumes | foresight.capacity.lv_allocate(document.groups, policy, document.pools, document.snapshots) }}"
  vars:
    policy:
      now: "{{ document.now }}"
      headroom: 0.1
      max_step_fraction: 0.25
  run_once: true

- name: Compare with the classic way
  ansible.builtin.debug:
    msg: "{{ document.volumes | foresight.capacity.lv_allocate(document.groups, {'now': document.now, 'strategy': 'proportional'}) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: What to change, what is only proposed, and what is refused.
  type: dict
  contains:
    actions:
      description:
        - Growth of managed volumes, and shrinking of those that make room for them, ready for the action P(foresight.capacity.plan#module),
          sorted by host and target.
      type: list
      elements: dict
      sample:
        - kind: lv_resize
          host: web1
          target: lv:web1/vg0/data
          expect: {uuid: Zc8sKa-Bc1d, size: 8589934592}
          from: {size: 8589934592}
          to: {size: 11492392960}
          reason: forecast
          message: The 0.9 quantile of the peak within 6h is 9 GiB, with 10% headroom 9.9 GiB; the volume of 8 GiB holds 7.4 GiB.
          cost: {bytes: 2902458368}
          forecast: {quantile: 0.9, value: 9663676416, method: theta}
          after: []
      contains:
        reason:
          description:
            - V(forecast), V(floor), V(minimum) (the policy's minimum), V(unfinished) (the size stays, the last step of an earlier resize follows),
              or V(neighbour) (it shrinks to make room).
          type: str
        after:
          description: Volumes that must shrink first.
          type: list
          elements: str
        allow:
          description: What the policy allows for it, C(shrink) and C(unmount). Absent where nothing of that is needed.
          type: dict
        message:
          description: The reason as a sentence.
          type: str
    proposals:
      description:
        - The same for volumes that are not managed, and shrinking that would help but that the policy does not allow, with C(kind=lv_resize);
          C(option) names what would allow it. C(kind=vg_extend) with C(vg), C(bytes) and in C(to) the physical volume that suffices, or several
          with a space between, for each VG that lacks space; C(kind=lv_move) for a volume that another VG of the host has room for. Shown, never applied.
      type: list
      elements: dict
    refused:
      description:
        - Whatever wanted space and did not get it, or only a part. C(entity), C(host), C(reason), C(seen), C(needed), C(option), C(message).
        - For C(no_space), C(max_step) and C(max_bytes) C(seen) is the growth that is possible and C(needed) the growth that is wanted, in bytes.
        - Of pools also C(dmeventd_in_charge), C(pool_not_named), C(pool_damaged), C(metadata_limit), C(pool_limit) and the warning
          C(overprovisioned); of snapshots C(snapshot_overflow).
      type: list
      elements: dict
      sample:
        - entity: lv:web1/vg0/logs
          host: web1
          reason: no_space
          seen: 872415232
          needed: 2902458368
          option: reserve
          message: "Cannot grow lv:web1/vg0/logs to 10.7 GiB: 3.52 GiB free in vg0 after its reserve of 400 MiB (reserve); its share is 832 MiB."
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible, to_native


def lv_allocate(
    volumes: t.Any, groups: t.Any, policy: t.Any, pools: t.Any = None, snapshots: t.Any = None
) -> dict[str, list[dict[str, t.Any]]]:
    """Face of `allocate`."""
    try:
        return to_native(allocate(*(from_ansible(document) for document in (volumes, groups, policy, pools, snapshots))))
    except ForesightError as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"lv_allocate": lv_allocate}
