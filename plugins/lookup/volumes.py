# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: volumes
short_description: The volumes, thin pools and VGs of the store with their demand, as lv_allocate takes them
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Joins what was last recorded of every logical volume and VG with the forecasts of the volumes' used bytes. The result is the input of the filter
    P(foresight.capacity.lv_allocate#filter).
  - The demand of a volume is the O(quantile) of the forecast peak within O(horizon); a thin pool has one for its data and one for its metadata.
    Without a forecast that is used there is no demand, and no change for it.
  - Dates beyond O(horizon), of VGs, pools and snapshots, are told as runways. They cause no change.
  - Nothing is contacted. Nothing may be changed but what O(manage) names.
  - Internal volumes, snapshots, thin volumes, thin pools that dmeventd extends, disks of guests, volumes and VGs with the tag
    C(foresight.ignore), and VGs that are shared,
    exported or incomplete carry a C(refused_reason) and are never changed, even if they match.
  - Evaluate it once (C(run_once) and M(ansible.builtin.set_fact)). In a variable it would run again at every use.
extends_documentation_fragment:
  - foresight.capacity.store
  - foresight.capacity.engine
  - foresight.capacity.demand
options:
  hosts:
    description: Take only the volumes of these hosts. Without it, of every host in the store.
    type: list
    elements: str
  horizon:
    description: The planning window, in seconds or as a text such as V(6h) or V(2d).
    type: raw
    default: 6h
  runway_horizon:
    description:
      - How far ahead dates of VGs, pools and snapshots are looked for at most, in seconds or as a text.
      - A VG is never looked at further ahead than a quarter of the longest history in it, in round numbers, nor less far than O(horizon).
    type: raw
    default: 90d
  past:
    description:
      - How far to look back for C(past_peak_bytes), in seconds or as a text. V(0) looks at nothing, and then no volume shrinks.
      - Only volumes with room to spare on a file system that can shrink are looked at.
    type: raw
    default: 14d
  step:
    description: Step of the forecast, in seconds or as a text. Without it the usual distance of a volume's samples.
    type: raw
  manage:
    description:
      - Which volumes may be changed, and how far. An entry that names a volume by its own key goes before patterns. Among the patterns the first that
        matches holds, alone, so put the special ones first.
    type: list
    elements: dict
    default: []
    suboptions:
      match:
        description:
          - A key (C(lv:web1/vg0/data)), a glob over keys (C(lv:web*/vg0/*)), or a JMESPath expression over what was recorded
            (C(fs.type == 'xfs' && host == 'web1')).
        type: str
        required: true
      min:
        description: Smallest size, as V(20 GiB) or in bytes. The volume is grown to it.
        type: raw
      max:
        description: Largest size.
        type: raw
      priority:
        description: Factor of its weight where a VG is scarce, above 0.
        type: float
        default: 1.0
      allow_shrink:
        description: Whether it may be made smaller for a neighbour in need.
        type: bool
        default: false
      allow_unmount:
        description: Whether it may be unmounted for a change.
        type: bool
        default: false
  exclude:
    description: Globs or JMESPath expressions of volumes that are never changed, whatever O(manage) says.
    type: list
    elements: str
    default: []
  reserve:
    description: What every VG keeps free, as a percentage of its size or an amount. Rounded up to whole extents.
    type: raw
    default: 5%
  policies:
    description:
      - The own O(manage), O(exclude) and O(reserve) of single hosts, by host. Hosts that are not named have those of the options above.
      - The expressions of a host's own policy need not name the host (C(vg0/data)).
      - The role P(foresight.capacity.volumes#role) fills it with the variables of every host, so that group and host variables count.
    type: dict
    default: {}
seealso:
  - plugin: foresight.capacity.lv_allocate
    plugin_type: filter
  - plugin: foresight.capacity.forecast
    plugin_type: lookup
"""

EXAMPLES = r"""
# document.volumes, document.groups and document.pools are the input of lv_allocate, document.now is the time they were looked up.
- name: Look up every volume of the play's hosts with its demand within six hours
  ansible.builtin.set_fact:
    document: >-
      {{ lookup('foresight.capacity.volumes', hosts=ansible_play_hosts_all, horizon='6h', reserve='5%', exclude=['lv:*/*/swap*'],
                manage=[{'match': 'lv:web1/vg0/logs', 'max': '40 GiB', 'priority': 2.0}, {'match': 'lv:*/vg0/*', 'max': '100 GiB'}]) }}
  run_once: true
"""

RETURN = r"""
_raw:
  description: One document.
  type: list
  elements: dict
  contains:
    volumes:
      description:
        - The volumes, sorted by entity, with the keys that P(foresight.capacity.lv_allocate#filter) takes. C(demand_bytes) is null
          unless C(demand_status) is V(ok); C(demand_note) says why. Thin pools are not among them.
        - C(past_peak_bytes) is the most the file system held within O(past), C(past_seconds) how much of that is known without a day missing.
          Both are null where it could not shrink.
      type: list
      elements: dict
      sample:
        - entity: lv:web1/vg0/data
          host: web1
          vg: vg0
          lv: data
          uuid: Zc8sKa-Bc1d-Yr4d-Tq7e-Ck2v-Ph4x-m0GZtA
          size_bytes: 8589934592
          fs: {type: ext4, size: 8350298112, used: 6442450944, avail: 1463214080}
          mounted: true
          role: plain
          tags: []
          copies: 1
          observed_at: 1763700000
          recorded: false
          managed: true
          named_exactly: false
          priority: 1.0
          min_bytes: null
          max_bytes: 107374182400
          allow_shrink: false
          allow_unmount: false
          demand_bytes: 9663676416.0
          demand_status: ok
          demand_note: null
          demand_window_seconds: 21600
          history_mean_bytes: 5368709120.0
          forecast: {quantile: 0.9, value: 9663676416.0, method: theta, status: ok, runway_seconds: 14400}
          last_resized_at: null
          last_failed_at: null
          past_peak_bytes: 7516192768.0
          past_seconds: 1209600
          copies_freed: 1
          unfinished: false
          left_unmounted: false
          refused_reason: null
    groups:
      description: Their VGs, sorted by entity.
      type: list
      elements: dict
      sample:
        - entity: vg:web1/vg0
          host: web1
          vg: vg0
          uuid: 0zR5Bw-lmMd-5lQe-d1Kf-WqGn-9tHy-3pVx2c
          size_bytes: 107369988096
          extent_bytes: 4194304
          extents: 25599
          extents_free: 10000
          reserve_extents: 1280
          pvs:
            - {name: /dev/sdb, uuid: 9kPq2L-0d1E-aa3T-Rk4h-2mYw-Vt6u-Xc7bNe, size_bytes: 107369988096, free_bytes: 41943040000, missing: false,
               allocatable: true, lvs: [data, logs]}
          free_pvs: [{name: /dev/sdc, uuid: fS0a1W-Gh2j-Lk3z-Xc4v-Bn5m-Qw6e-Rt7yUi, size_bytes: 53687091200}]
          runway:
            seconds: {"0.1": 1036800.0, "0.5": 1900800.0, "0.9": null}
            horizon_seconds: 2592000
            extents: {"0.1": 4100, "0.5": 11200, "0.9": 19800}
            spendable_extents: 8720
            volumes: 12
            left_out: [lv:web1/vg0/raw]
          shared: false
          refused_reason: null
          observed_at: 1763700000
          recorded: false
      contains:
        extents_free:
          description: Free extents that LVM may give to volumes, none of physical volumes that are missing or not allocatable (C(pvchange -xn)).
          type: int
        pvs:
          description: Its physical volumes, and the volumes with extents on each.
          type: list
          elements: dict
        free_pvs:
          description: Physical volumes of the host that no VG uses, on no disk that another host sees too.
          type: list
          elements: dict
        runway:
          description:
            - When its extents, less the reserve, no longer suffice for what its volumes and pools grow into. C(seconds) from C(now) by quantile,
              the early date first; null is not within C(horizon_seconds), and null for that is that no history bears a look ahead.
            - C(extents) are those needed at the end of the horizon when growth is low, median and high. C(left_out) counts as it is, for its
              history is too short, too old or absent.
          type: dict
    pools:
      description: Thin pools, sorted by entity. C(data) and C(metadata) have the keys of a volume's demand.
      type: list
      elements: dict
      sample:
        - entity: lv:web1/vg0/pool
          host: web1
          vg: vg0
          lv: pool
          uuid: p0oLq2-0d1E-aa3T-Rk4h-2mYw-Vt6u-Xc7bNe
          size_bytes: 42949672960
          role: pool
          tags: []
          observed_at: 1763700000
          recorded: false
          managed: true
          named_exactly: true
          matched: true
          priority: 1.0
          min_bytes: null
          max_bytes: 107374182400
          last_resized_at: null
          refused_reason: null
          chunk_bytes: 65536
          data:
            size_bytes: 42949672960
            used_bytes: 34359738368
            copies: 1
            demand_bytes: 39728447488.0
            demand_status: ok
            demand_note: null
            demand_window_seconds: 21600
            history_mean_bytes: 30064771072.0
            forecast: {quantile: 0.9, value: 39728447488.0, method: empirical, status: ok, runway_seconds: null}
            runway: {seconds: {"0.1": 57600.0, "0.5": 86400.0, "0.9": 172800.0}, horizon_seconds: 432000}
          metadata:
            size_bytes: 46137344
            used_bytes: 13841203
            copies: 1
            demand_bytes: 14680064.0
            demand_status: ok
            demand_note: null
            demand_window_seconds: 21600
            history_mean_bytes: 12582912.0
            forecast: {quantile: 0.9, value: 14680064.0, method: empirical, status: ok, runway_seconds: null}
            runway: {seconds: {"0.1": null, "0.5": null, "0.9": null}, horizon_seconds: 432000}
          overprovisioning: {virtual_bytes: 171798691840, ratio: 4.0, volumes: 5, can_fill: true}
          runway: {seconds: {"0.1": 57600.0, "0.5": 86400.0, "0.9": 172800.0}, horizon_seconds: 432000, by: data}
          fastest: {entity: lv:web1/vg0/mail, bytes_per_day: 6442450944.0}
          spare_bytes: 46137344
          autoextend: {monitored: true, monitoring: true, threshold: 1.0, step: 0.2, command: null, profile: null}
          in_charge: foresight
          health: null
      contains:
        managed:
          description: Whether the policy names it by its own key. C(matched) is also true where a pattern fits it.
          type: bool
        overprovisioning:
          description:
            - The sizes of its thin volumes and thin snapshots together, and that as a multiple of the pool. A pool that they cannot fill has no
              runway of its data.
          type: dict
        runway:
          description: The earlier of both parts at each quantile, and by which of them on the early date.
          type: dict
        fastest:
          description: The thin volume that takes most of the pool per day.
          type: dict
        in_charge:
          description: Who extends it. V(dmeventd) watches it and its threshold is below 100 %, not known, or its program is not LVM's own.
          type: str
          choices: [foresight, dmeventd, nobody]
        health:
          description: What LVM says of it, V(failed), V(metadata_read_only), V(out_of_data).
          type: str
    snapshots:
      description: Copy-on-write snapshots, which are lost when they overflow. They are never changed.
      type: list
      elements: dict
      sample:
        - entity: lv:web1/vg0/data-snap
          host: web1
          vg: vg0
          lv: data-snap
          uuid: sNaPq2-0d1E-aa3T-Rk4h-2mYw-Vt6u-Xc7bNe
          origin: data
          size_bytes: 1073741824
          used_bytes: 644245094
          overflowed: false
          can_fill: true
          runway: {seconds: {"0.1": 14400.0, "0.5": 28800.0, "0.9": 86400.0}, horizon_seconds: 86400}
          autoextend: {monitored: true, monitoring: true, threshold: 1.0, step: 0.2, command: null, profile: null}
          in_charge: nobody
          observed_at: 1763700000
          recorded: false
    now:
      description: The time the document is of.
      type: int
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import run_lookup
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes


class LookupModule(LookupBase):
    """Face of the workflow volumes."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        if terms:
            raise AnsibleLookupError(
                f"The lookup foresight.capacity.volumes takes no terms, seen: {terms!r:.60}. Choose volumes by hosts, manage and exclude."
            )
        return [run_lookup(self, run=volumes, variables=variables, options=kwargs)]
