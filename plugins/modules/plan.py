#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Merge actions into a plan, check it, store it and write it to a file
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Makes one plan document of the actions of one or several capabilities, orders them by urgency, keeps them within the budgets, validates the
    document, keeps it in the store as V(proposed), and writes it as YAML with comments a reviewer can read.
  - A plan is immutable. Its id is a digest of its content without the dates, so the same plan made again has the same id. State and progress live in
    the store. A plan file that was edited is refused by M(foresight.capacity.plan_gate).
  - A new plan supersedes older V(proposed) plans for the same inventory whose hosts it covers. An V(approved) plan stays until it expires.
  - The task belongs into a play over the managed hosts with C(run_once=true).
options:
  actions:
    description:
      - Changes, such as RV(ignore:actions) of the filter P(foresight.capacity.lv_allocate#filter). Each has C(kind), C(host), C(target), C(expect), C(from),
        C(to) and
        C(reason); C(after), C(allow), C(wave), C(window), C(message), C(cost), C(undo) and C(forecast) may be there. C(after) names targets or ids,
        C(allow) what the policy allows for it (C(shrink), C(unmount)).
      - Identical actions are one. Two different changes of one target are an error.
    type: list
    elements: dict
    default: []
  proposals:
    description:
      - What would help, but is not managed. Shown, never applied.
    type: list
    elements: dict
    default: []
  refused:
    description:
      - What was refused so far, each with C(entity) and C(reason).
    type: list
    elements: dict
    default: []
  clusters:
    description:
      - What balancing came to, one entry of each cluster. Each move becomes a C(guest_migrate) action of the cluster's host, in its wave.
      - A picture of each cluster before and after is kept in the store beside the plan, for M(foresight.capacity.report).
      - Moves of guests that the document says are not C(managed) become proposals, and with them all moves of that cluster, as they rest on each other.
    type: list
    elements: dict
    default: []
    suboptions:
      document:
        description: The cluster document, as of the lookup P(foresight.capacity.cluster#lookup). Its C(cluster) and C(host) are needed.
        type: dict
        required: true
      balance:
        description: What P(foresight.capacity.cluster_balance#filter) made of it.
        type: dict
        required: true
      waves:
        description: What P(foresight.capacity.migration_waves#filter) made of the moves. It must hold the very same moves.
        type: list
        elements: dict
        default: []
      policy:
        description:
          - The policy that P(foresight.capacity.cluster_balance#filter) was given. The report shows by it what was balanced, and which limits hold. Only its
            digest enters the plan (its C(now) left out). Without it the policy is the default one.
        type: dict
  before:
    description:
      - The state before the plan, in a form of the capability's own. Without O(before) and O(after) they tell size and free bytes of each VG that is touched.
    type: dict
  after:
    description:
      - The state after the plan.
    type: dict
  policy:
    description:
      - The policy that decided. Only its digest enters the plan (its C(now) left out).
    type: dict
  budgets:
    description:
      - How much the plan may change. What does not fit becomes a refusal with the reason C(budget), the least urgent actions first.
      - A budget that is absent or null is no limit. M(foresight.capacity.plan_gate) enforces them again.
  observed_at:
    description:
      - Time of the oldest observation the actions rest on, in seconds since 1970-01-01 UTC. By default taken from the store.
    type: int
  expires_seconds:
    description:
      - How long the plan may be applied. Seconds, or a text such as V(1h).
    type: str
    default: 1h
  path:
    description:
      - File to write the plan to (YAML, mode 0600, replaced in one step). In an existing folder, or with a slash at the end, the file is named by time and id.
      - Without it no file is written.
    type: str
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.budgets
  - foresight.capacity.store
attributes:
  check_mode:
    details: The plan is stored and written in check mode as well, marked C(check=true), and such a plan is never applied. Hosts are never touched.
seealso:
  - module: foresight.capacity.plan_gate
  - module: foresight.capacity.lv_resize
"""

EXAMPLES = r"""
# Makes, stores and writes a plan of at most 50 actions; changes nothing on any host.
- name: Plan what the volumes need
  foresight.capacity.plan:
    actions: "{{ allocation.actions }}"
    proposals: "{{ allocation.proposals }}"
    refused: "{{ allocation.refused }}"
    policy: "{{ policy }}"
    budgets:
      actions: 50
      growth_fraction: 0.5
    expires_seconds: 2h
    path: plans/
  register: made
  run_once: true

# Prints what a reviewer wants to know first: counts, the most urgent actions, refusals, proposals, the id.
- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ made.summary }}"
  run_once: true
"""

RETURN = r"""
changed:
  description: Always V(false), because only the controller's notebook is written.
  returned: success
  type: bool
  sample: false
written:
  description: What was written on the controller.
  returned: success
  type: dict
  contains:
    plans:
      description: How many plans were stored.
      type: int
      sample: 1
    superseded:
      description: Ids of older proposals that this plan supersedes.
      type: list
      elements: str
      sample: []
    expired:
      description: Ids of plans whose time was found to be over.
      type: list
      elements: str
      sample: []
    file:
      description: The plan file, or null.
      type: str
      sample: /home/ops/plans/foresight-plan-20261121T100000Z-5f0c2b7d9a1e.yml
plan:
  description: The plan in short.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, the sha256 of its content. This is what C(foresight_plan) takes.
      type: str
      sample: 5f0c2b7d9a1e4c3f8e6d5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706
    path:
      description: The plan file, or null.
      type: str
      sample: /home/ops/plans/foresight-plan-20261121T100000Z-5f0c2b7d9a1e.yml
    state:
      description: V(proposed); another one if the very same plan was made before.
      type: str
      sample: proposed
    check:
      description: Whether it was made in check mode.
      type: bool
      sample: false
    created_at:
      description: Seconds since 1970-01-01 UTC.
      type: int
      sample: 1763700000
    expires_at:
      description: Seconds since 1970-01-01 UTC.
      type: int
      sample: 1763703600
    actions:
      description: How many actions.
      type: int
      sample: 3
    refused:
      description: How many refusals.
      type: int
      sample: 1
    proposals:
      description: How many proposals.
      type: int
      sample: 2
summary:
  description: Lines for the console. The first one has the counts.
  returned: success
  type: list
  elements: str
  sample:
    - "Plan 5f0c2b7d9a1e: 1 action on 1 host, growing 2 GiB; 0 refused, 0 proposals; expires 2026-11-21 11:00:00 UTC"
    - "Actions:"
    - "  web1: grow vg0/data 10 GiB → 12 GiB (+2 GiB), forecast 11.2 GiB (q0.9, theta)"
document:
  description: The whole plan, C(foresight.plan/1), as it is stored and written. Its schema is C(plugins/plugin_utils/planning/plan.schema.json).
  returned: success
  type: dict
  sample:
    schema: foresight.plan/1
    check: false
"""
