# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster
short_description: The last recorded cluster document with forecast demand, as cluster_balance takes it
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Joins what was last recorded of a cluster (M(foresight.capacity.proxmox_facts), M(foresight.capacity.record)) with forecasts of what its guests
    will use. The result is the input of the filter P(foresight.capacity.cluster_balance#filter).
  - The C(cpu) and C(memory) of a running guest are the O(quantile) of the peak within O(horizon) as it is forecast, and never more than
    C(cpu_max) and C(memory_max).
  - A guest of which either forecast is not V(ok) keeps its current use of both, and its C(demand_status) says why.
    What it uses now is in C(now) either way.
  - Nothing is contacted, and the cluster may have changed since C(observed_at); whoever changes it looks again first.
  - Evaluate it once (C(run_once) and M(ansible.builtin.set_fact)). In a variable it would run again at every use.
extends_documentation_fragment:
  - foresight.capacity.store
  - foresight.capacity.engine
  - foresight.capacity.demand
options:
  host:
    description: The inventory host through which the cluster was read. Not needed where the store knows one cluster.
    type: str
  manage:
    description:
      - Which guests may be changed. Where some are named, the others are not C(movable), so that no plan rests on their moving; where none is, what
        would help is shown, and M(foresight.capacity.plan) makes proposals of it.
      - Guests with the tag C(foresight.ignore) are not movable in any case.
    type: list
    elements: dict
    default: []
    suboptions:
      match:
        description:
          - A key (C(guest:prod/lxc/101) or C(lxc/101)), a glob over keys (C(qemu/*)), or a JMESPath expression over what was recorded
            (C(contains(tags, 'web') && node == 'pve1')).
        type: str
        required: true
  exclude:
    description: Globs or JMESPath expressions of guests that are never changed, whatever O(manage) says.
    type: list
    elements: str
    default: []
  horizon:
    description: The planning window, in seconds or as a text such as V(6h) or V(2d).
    type: raw
    default: 24h
  step:
    description:
      - Step of the forecasts, in seconds or as a text. Without it a 48th of O(horizon) in round numbers, or the usual distance of the samples if
        that is longer. Of several samples within a step the highest counts.
    type: raw
seealso:
  - plugin: foresight.capacity.cluster_balance
    plugin_type: filter
  - plugin: foresight.capacity.forecast
    plugin_type: lookup
  - module: foresight.capacity.import_history
"""

EXAMPLES = r"""
# Rests on forecasts only where document.demand.basis is predicted_peak, and of each guest only where its demand_status is ok.
- name: Look the cluster up with what its guests need within a day
  ansible.builtin.set_fact:
    document: "{{ lookup('foresight.capacity.cluster', host=inventory_hostname, horizon='24h', quantile=0.9) }}"
  run_once: true

- name: Find moves that even the nodes out
  ansible.builtin.set_fact:
    balance: "{{ document | foresight.capacity.cluster_balance({'now': document.now}) }}"
  run_once: true
"""

RETURN = r"""
_raw:
  description: One cluster document.
  type: list
  elements: dict
  contains:
    schema:
      description: Always V(foresight.cluster/1).
      type: str
    cluster:
      description: Name of the cluster.
      type: str
    host:
      description: The inventory host through which it is changed.
      type: str
    observed_at:
      description: When it was read, UTC seconds.
      type: int
    recorded:
      description: Whether it comes from a recording, and not from a live cluster.
      type: bool
    version:
      description: Its release, null if it was not told.
      type: str
    quorate:
      description: Whether it had a quorum, null if it was not told.
      type: bool
    balancers:
      description: Others that move guests.
      type: list
      elements: str
    demand:
      description:
        - What C(cpu) and C(memory) of the guests mean. C(basis) is V(predicted_peak) where at least one guest has a forecast, with C(quantile) and
          C(window_seconds); else it is V(current), and what is planned with it does not rest on forecasts.
      type: dict
      sample: {basis: predicted_peak, quantile: 0.9, window_seconds: 86400}
    nodes:
      description: The nodes, as they were recorded.
      type: list
      elements: dict
      sample:
        - name: pve1
          cpu: 32.0
          memory: 274877906944
          online: true
          maintenance: false
          tags: []
          reserve: {cpu: 0, memory: 0}
          overhead: {cpu: 0.4, memory: 2147483648}
          more: {}
          storages: {local-lvm: {bytes: 1099511627776, used: 219902325555, shared: false}}
    guests:
      description: The guests, sorted by entity. What was not told of one is absent.
      type: list
      elements: dict
      sample:
        - id: lxc/101
          name: web
          node: pve1
          running: true
          cpu: 1.9
          memory: 3650722201
          now: {cpu: 1.2, memory: 3221225472}
          cpu_max: 4.0
          memory_max: 4294967296
          disks: [{storage: local-lvm, bytes: 8589934592}]
          tags: []
          more: {}
          pinned_to: []
          ha: false
          movable: true
          unmovable_because: []
          managed: false
          demand_status: ok
          demand_note: null
          forecast:
            cpu: {quantile: 0.9, value: 1.9, method: theta}
            memory: {quantile: 0.9, value: 3650722201.0, method: empirical}
      contains:
        demand_status:
          description: V(ok) where C(cpu) and C(memory) are forecast. Of two forecasts that are not, the worse one says why.
          type: str
          choices: [ok, not_running, no_history, cold_start, stale, invalid]
        demand_note:
          description: The same in words, or null.
          type: str
        forecast:
          description: The forecasts, null where C(demand_status) is not V(ok).
          type: dict
    rules:
      description: What binds guests, as it was recorded.
      type: list
      elements: dict
      sample: [{kind: apart, guests: [lxc/101, lxc/102], nodes: [], strict: true, weight: 1.0, source: tag, name: web}]
    now:
      description: The time the document is of.
      type: int
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import run_lookup
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster import cluster


class LookupModule(LookupBase):
    """Face of the workflow cluster."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[t.Any]:
        if terms:
            raise AnsibleLookupError(
                f"The lookup foresight.capacity.cluster takes no terms, seen: {terms!r:.60}. Name the host of the cluster by host."
            )
        return [run_lookup(self, run=cluster, variables=variables, options=kwargs)]
