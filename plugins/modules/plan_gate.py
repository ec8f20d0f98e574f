#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_gate
short_description: Let a plan through to its hosts, or not
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - The gate of every apply. With O(state=open) it checks a plan against all rules once more and takes the lease, with O(state=host) it renews the lease
    and hands one host its own actions, with O(state=done) it notes what they did, with O(state=close) it notes how far the plan
    has come and releases the lease.
  - O(state=approve) notes who approves a plan, and when.
  - A plan passes if the store holds it with this very content, it has not expired and is not superseded, it was not made in check mode, and it is approved
    where O(require_approval=true). An applied plan may be applied again until it expires, which changes nothing.
  - Single actions do not pass if their target or host is excluded, not in the inventory, known from a recording only, or has a forecast that
    must not be acted on, if their VG is seen on another host too, if they exceed a budget, if the kill switch is on, or if they depend on an action that
    does not pass. They are told in RV(refused). Actions of hosts that are left out by C(--limit) or do not answer, and actions outside their window, are told
    in RV(pending) and stay for another run.
  - Two runs of apply for one inventory and store exclude each other by a lease. The lease of a run whose C(ansible-playbook) process is gone on this
    controller is taken over at once; that of another controller ends at its expiry.
  - If a run was killed before O(state=close), the next O(state=open) closes it first. Actions it had handed out become C(unknown).
  - In check mode no lease is taken, and no state of the plan or an action changes; the same actions are handed out.
options:
  state:
    description:
      - What to do. V(open), V(close) and V(approve) belong into plays with C(run_once=true), V(host) and V(done) into the play that changes the hosts,
        without C(run_once); V(done) belongs into an C(always) section, so that a failure is noted too.
    type: str
    choices: [open, host, done, close, approve]
    required: true
  plan:
    description:
      - The plan, by its id or its file. There is no latest one. Needed with O(state=open) and O(state=approve).
      - With O(state=host), O(state=done) and O(state=close) an id is compared with the plan that was opened.
    type: str
  run_id:
    description:
      - RV(run_id) of O(state=open), for O(state=host), O(state=done) and O(state=close). By default the newest run of this C(ansible-playbook) process.
    type: int
  results:
    description:
      - What the loop over the host's actions registered, for O(state=done). Each result has its action under the name of the loop variable.
    type: list
    elements: dict
  not_begun:
    description:
      - Actions of the host whose task never began because one before it failed, for O(state=done). They are open again, for another run.
    type: list
    elements: dict
    default: []
  approved_by:
    description:
      - Who approves, for O(state=approve). By default C(awx_user_name) of an AWX job, else the login name.
    type: str
  require_approval:
    description:
      - Let only approved plans pass O(state=open). With O(state=host) this host's actions stay pending unless the plan is approved.
    type: bool
    default: false
  lease_seconds:
    description:
      - After how long without a sign of life the lease of this run ends for other controllers. Seconds, or a text such as V(15m). It should be longer than the
        actions of
        one batch of hosts take.
    type: str
    default: 15m
  lock_wait:
    description:
      - How long O(state=open) waits for another run to end. Seconds, or a text such as V(10m).
    type: str
    default: '0'
  stop:
    description:
      - The kill switch. When V(true), nothing passes; this is no failure. With O(state=host) nothing of this host.
    type: bool
    default: false
  stop_file:
    description:
      - A file on the controller that is a kill switch while it exists. It is looked for again before each host.
      - With O(state=host) one more file, of this host.
    type: path
  exclude:
    description:
      - Targets, VGs and hosts that are left alone whatever the plan says. Globs such as V(lv:db1/*), V(vg:db1/vg0), V(host:db1) or V(vg0/data) (on every host),
        or JMESPath over what the store knows of the target. With O(state=host) those of this host, besides those of O(state=open).
    type: list
    elements: str
    default: []
  budgets:
    description:
      - Budgets of this run, as of M(foresight.capacity.plan). The smaller one of these and the plan's holds.
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.budgets
  - foresight.capacity.store
attributes:
  check_mode:
    details: Only the run itself is noted in the store. No lease is taken and no state changes.
seealso:
  - module: foresight.capacity.plan
  - module: foresight.capacity.record
"""

EXAMPLES = r"""
# Takes the lease, or stops and names the run that holds it.
- name: Open the gate
  foresight.capacity.plan_gate:
    state: open
    plan: plans/foresight-plan-20261121T100000Z-5f0c2b7d9a1e.yml
    require_approval: true
    lock_wait: 10m
    exclude: ["lv:db1/*"]
  register: gate
  run_once: true

# Renews the lease and gives this host its actions, the most urgent one first.
- name: Take this host's actions
  foresight.capacity.plan_gate:
    state: host
    run_id: "{{ gate.run_id }}"
  register: mine

# In the always section of the block that changes the host. One outcome for each result.
- name: Note what this host's actions did
  foresight.capacity.plan_gate:
    state: done
    run_id: "{{ gate.run_id }}"
    results: "{{ resized.outcomes | default([]) }}"
    not_begun: "{{ [] if resized is defined else mine.actions | default([]) }}"

# Notes the progress and releases the lease; closing twice does no harm.
- name: Close the gate
  foresight.capacity.plan_gate:
    state: close
    run_id: "{{ gate.run_id }}"
  run_once: true

# Notes who approves; a later apply with require_approval then lets the plan pass.
- name: Approve a plan
  foresight.capacity.plan_gate:
    state: approve
    plan: 5f0c2b7d9a1e4c3f8e6d5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706
    approved_by: alice
  run_once: true
"""

RETURN = r"""
changed:
  description: Always V(false), because only the controller's notebook is written.
  returned: success
  type: bool
  sample: false
plan_id:
  description: Id of the plan.
  returned: with all but O(state=done)
  type: str
  sample: 5f0c2b7d9a1e4c3f8e6d5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706
run_id:
  description: Id of this apply in the store.
  returned: with O(state=open), O(state=host) and O(state=close)
  type: int
  sample: 12
lease:
  description: The lease that was taken, or null in check mode and under the kill switch.
  returned: with O(state=open)
  type: dict
  contains:
    scope:
      description: What is locked, C(inventory:) and the digest of the inventory's host names.
      type: str
      sample: "inventory:0b1d…"
    expires_at:
      description: When other controllers may take it over, in seconds since 1970-01-01 UTC.
      type: int
      sample: 1763700900
    taken_over_from:
      description: The run that held it and is gone (C(run_id), C(controller), C(pid), C(expires_at)), or null.
      type: dict
      sample: null
    waited_seconds:
      description: How long it waited for the lease.
      type: int
      sample: 0
hosts:
  description: The actions of each host that has any.
  returned: with O(state=open)
  type: dict
  sample: {}
actions:
  description: The actions of this host, in the order in which they must be done.
  returned: with O(state=host)
  type: list
  elements: dict
  sample:
    - id: 9cba00064bff17a2
      kind: lv_resize
      host: web1
      target: lv:web1/vg0/data
      expect: {uuid: 8Wc9Xk-…, size: 10737418240}
      from: {size: 10737418240}
      to: {size: 12884901888}
      after: []
      reason: forecast
      cost: {bytes: 2147483648}
pending:
  description: Actions that do not run this time and may run in another (C(action), C(host), C(target), C(reason), C(message)).
  returned: with O(state=open) and O(state=host)
  type: list
  elements: dict
  sample: []
refused:
  description: Actions that do not pass (C(action), C(host), C(target), C(reason), C(message)).
  returned: with O(state=open) and O(state=host)
  type: list
  elements: dict
  sample:
    - action: 9cba00064bff17a2
      host: web1
      target: lv:web1/vg0/data
      reason: recorded_host
      message: web1 is known from a recording only, so nothing is changed on it (foresight_facts_from).
state:
  description: State of the plan, V(proposed), V(approved), V(applied) or V(partly_applied).
  returned: with O(state=close) and O(state=approve)
  type: str
  sample: applied
counts:
  description: How many actions of the plan are C(applied), C(refused), C(failed), C(unknown) and C(pending).
  returned: with O(state=close)
  type: dict
  sample: {applied: 3, refused: 0, failed: 0, unknown: 0, pending: 1}
failures:
  description: How many actions of this run failed or did not tell how they ended.
  returned: with O(state=close)
  type: int
  sample: 0
approved_by:
  description: Who approved the plan.
  returned: with O(state=approve)
  type: str
  sample: alice
approved_at:
  description: When, in seconds since 1970-01-01 UTC.
  returned: with O(state=approve)
  type: int
  sample: 1763700300
outcomes:
  description: How many results were C(ok), C(changed), C(refused) and C(failed).
  returned: with O(state=done)
  type: dict
  sample: {ok: 1, changed: 2, refused: 0, failed: 0}
written:
  description: What was written on the controller, C(outcomes) or C(approvals). In check mode no outcomes are.
  returned: with O(state=done) and O(state=approve)
  type: dict
  sample: {outcomes: 3}
summary:
  description: Lines for the console.
  returned: with O(state=open), O(state=close) and O(state=approve)
  type: list
  elements: str
  sample:
    - "Plan 5f0c2b7d9a1e: 3 actions for 2 hosts, 0 refused, 1 left for another run."
"""
