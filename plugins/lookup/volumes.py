# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: volumes
short_description: The volumes of the store with their demand, as lv_allocate takes them
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Joins what was last recorded of every logical volume and VG with the forecasts of the volumes' used bytes. The result is the input of the filter
    P(foresight.capacity.lv_allocate#filter).
  - The demand of a volume is the O(quantile) of the forecast peak within O(horizon).
  - Nothing is contacted. Nothing may be changed but what O(manage) names.
  - Internal volumes, snapshots, thin pools and thin volumes, disks of guests, volumes and VGs with the tag C(foresight.ignore), and VGs that are shared,
    exported or incomplete carry a C(refused_reason) and are never changed, even if they match.
  - Evaluate it once (C(run_once) and M(ansible.builtin.set_fact)). In a variable it would run again at every use.
extends_documentation_fragment:
  - foresight.capacity.store
  - foresight.capacity.engine
options:
  hosts:
    description: Take only the volumes of these hosts. Without it, of every host in the store.
    type: list
    elements: str
  horizon:
    description: The planning window, in seconds or as a text such as V(6h) or V(2d).
    type: raw
    default: 6h
  step:
    description: Step of the forecast, in seconds or as a text. Without it the usual distance of a volume's samples.
    type: raw
  quantile:
    description: Which quantile of the forecast peak must fit. Above 0 and below 1.
    type: float
    default: 0.9
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
        description: Whether it may be made smaller.
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
  min_samples:
    description: With fewer samples a forecast is a C(cold_start) and causes no change.
    type: int
    default: 14
  max_age:
    description: A forecast whose newest sample is older is C(stale) and causes no change. In seconds or as a text. Default is three steps.
    type: raw
  model:
    description: How to forecast, as in the lookup P(foresight.capacity.forecast#lookup).
    type: str
    default: auto
seealso:
  - plugin: foresight.capacity.lv_allocate
    plugin_type: filter
  - plugin: foresight.capacity.forecast
    plugin_type: lookup
"""

EXAMPLES = r"""
# document.volumes and document.groups are the input of lv_allocate, document.now is the time they were looked up.
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
          unless C(demand_status) is V(ok); C(demand_note) says why.
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
          unfinished: false
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
          shared: false
          refused_reason: null
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
