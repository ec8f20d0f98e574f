#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: forget
short_description: Forget hosts that no longer exist
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Takes hosts that were decommissioned or renamed, and all that was observed through them, out of what is current in the store.
    They appear in no report and no plan any more. Their history stays as long as any other.
  - A volume group that two hosts show is never changed (C(shared_vg)), even when one of them is gone, because a host that is only switched
    off may come back to its disks. Forgetting that host and observing the other one ends it.
  - A host that is in the inventory is refused. One that is recorded again is back with its history.
options:
  hosts:
    description: Names of the hosts, as they were recorded.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.store
attributes:
  check_mode:
    details: Tells what would be forgotten and writes nothing.
seealso:
  - module: foresight.capacity.record
"""

EXAMPLES = r"""
# db1 was replaced by db2 and is no longer in the inventory.
- name: Forget the old database server
  foresight.capacity.forget:
    hosts: [db1]
  run_once: true
"""

RETURN = r"""
hosts:
  description: Every host that was named, and how many of its entities were current.
  returned: success
  type: dict
  sample: {db1: 14}
written:
  description: How many entities were taken out of the current ones; 0 in check mode.
  returned: success
  type: dict
  sample: {entities: 14}
  contains:
    entities:
      description: Entities.
      type: int
summary:
  description: A line for each host.
  returned: success
  type: list
  elements: str
  sample: ["db1: 14 entities are forgotten; their history stays as long as any other."]
"""
