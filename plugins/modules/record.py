#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: record
short_description: Write the facts of all hosts of the play into the store
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads C(foresight_node), C(foresight_lvm), C(foresight_lxc) and C(foresight_cluster) from the variables of every host of the play,
    checks every value, and writes entities and samples in one transaction. It takes no facts as an argument.
  - A host that is down, slow to answer, or has a wrong clock costs no other host a sample, and a volume with an impossible value costs
    its host no other volume. What was left out or flagged is told with the reason.
  - Flagged samples (not a number, negative, impossible, after a counter reset, a gap or a jump of the clock) stay visible in the store and
    are never read into a forecast.
  - The task belongs into a play over the managed hosts with C(run_once=true), after the facts modules.
options:
  max_skew:
    description:
      - By how much the clock of a host may differ from the controller's. Facts of a host beyond it are rejected.
      - Seconds, or a text such as V(5m).
    type: str
    default: 5m
  keep_raw:
    description:
      - How long every single sample is kept. Older ones are rolled up into hours with their count, least, mean, greatest and last value.
      - A text such as V(60d), or V(forever). Applied once a day, and not in check mode.
    type: str
    default: 60d
  keep_hourly:
    description: How long hours are kept before they are rolled up into days. At least O(keep_raw).
    type: str
    default: 730d
  keep_daily:
    description: How long days are kept. At least O(keep_hourly).
    type: str
    default: forever
  keep_forecasts:
    description: How long forecasts are kept, and the pictures of clusters that M(foresight.capacity.plan) keeps for the report. Plans stay.
    type: str
    default: 60d
  keep_models:
    description:
      - How long a trained model is kept after its training. Models of volumes that are gone end whatever their age.
    type: str
    default: 60d
  started_at:
    description:
      - When this run began to read facts, in seconds since 1970-01-01 UTC. Facts read since then are not late, however long another host
        made the run wait. Default is the start of C(ansible-playbook).
    type: int
  facts_from:
    description:
      - A recording (a file of facts documents, see the collection's C(docs/import.md)). Its newest documents stand for those hosts of the
        play that have no facts of their own. A host that has both is an error.
      - What comes from a recording is marked so, and never changed.
    type: path
  shift_to_now:
    description:
      - Shift the times of O(facts_from) so that its newest document is of now. Nothing without O(facts_from).
      - If the history of these hosts was imported with a shift before, that same shift is used, whatever this says.
    type: bool
    default: false
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.store
attributes:
  check_mode:
    details: The store is written in check mode as well, and the run is marked as a check run. Hosts are never touched.
seealso:
  - module: foresight.capacity.lvm_facts
  - module: foresight.capacity.node_facts
  - module: foresight.capacity.lxc_facts
  - module: foresight.capacity.import_history
"""

EXAMPLES = r"""
- name: Read the volumes of each host
  foresight.capacity.lvm_facts:
  become: true

# recorded.hosts.web1.status is recorded, unreachable, no_facts or rejected
- name: Record the facts of all hosts at once
  foresight.capacity.record:
  run_once: true
  register: recorded

- name: Record into the shared store of the team, with clocks up to a minute off
  foresight.capacity.record:
    store: postgresql://foresight@db.example.com/foresight
    max_skew: 1m
  run_once: true

- name: Let a recording stand for hosts that do not exist
  foresight.capacity.record:
    facts_from: recordings/lab.jsonl.gz
    shift_to_now: true
  run_once: true
"""

RETURN = r"""
hosts:
  description: What became of each host of the play.
  returned: success
  type: dict
  sample:
    web1: {status: recorded, reason: null, message: null, documents: [foresight_node, foresight_lvm], samples: 212, flagged: 0, issues: 0,
           from_recording: false}
    web2: {status: unreachable, reason: unreachable, message: "web2 was unreachable or failed before it gave new facts; its history goes on when it is back.",
           documents: [], samples: 0, flagged: 0, issues: 0, from_recording: false}
written:
  description:
    - What was written into the store. C(retired) counts volumes and containers that a host no longer has; their history stays.
      C(rolled_up) counts samples that became part of an hour.
  returned: success
  type: dict
  sample: {samples: 212, flagged: 0, entities: 54, retired: 0, run: 17, rolled_up: 0}
issues:
  description: The first values that were flagged or left out, each with the reason.
  returned: success
  type: list
  elements: str
  sample: ["lv:web1/vg0/data: filesystem.used is 9000; needed is 0 to 4096; kept out of models"]
issue_count:
  description: How many values were flagged or left out.
  returned: success
  type: int
  sample: 1
observations_since_plan:
  description: How many observations in a row have recorded at least one host since the last plan was made, this one included.
  returned: success
  type: int
  sample: 3
recorded:
  description: By how many seconds the recording was shifted, and which hosts it stands for.
  returned: when O(facts_from) is given
  type: dict
  sample: {shifted_by: 86400, source: lab.jsonl.gz, hosts: [lab1, lab2]}
summary:
  description: The result in a few lines.
  returned: success
  type: list
  elements: str
  sample: ["Hosts: 1 recorded, 1 unreachable.", "Written: 212 samples (0 flagged) of 54 entities."]
check:
  description: Whether this was a check run. It is written all the same.
  returned: success
  type: bool
  sample: false
"""
