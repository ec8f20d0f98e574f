#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write what is known and planned as one HTML page and PNG figures
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads the store and writes C(index.html), one file that needs no network. It says first how many volumes fill up soon and which of them
    need somebody, then shows each volume with its use, when it is full and what is done about it, the plan with its reasons, refusals,
    proposals for what is not managed, what was done lately, the volume groups before and after the plan, and history, forecast band and
    limit of the most urgent volumes.
  - Of each cluster it shows the nodes before and after the moves of the plan, the moves in their waves with what was done of each, the figures, and the
    limits that are broken; without a plan the nodes as they were last recorded. What the hosts of the play have none of is not spoken of.
  - Writes C(groups.png), a C(volume-NAME.png) of the most urgent volumes and a C(cluster-NAME.png) of the clusters beside it.
  - All times are UTC. What comes from a recording or was generated is marked on every figure.
  - Each file is replaced in one step, after everything is drawn. A report that fails leaves the former one whole.
  - Figures that a former report wrote and that are not among the present ones are removed. Other files in the folder are left alone.
  - It works when all hosts are down. Run it once per play (C(run_once)).
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.store
options:
  path:
    description: The folder to write to, on the controller. It is made if it is missing.
    type: path
    required: true
  plan:
    description: Id or file of the plan to show. Without it the newest plan in the store that is about one of these hosts.
    type: str
  charts:
    description: How many volumes, and how many clusters, get a chart in the page, the most urgent first. All others stand in a table.
    type: int
    default: 100
  images:
    description: How many volumes, and how many clusters, get a PNG of their own, the most urgent first.
    type: int
    default: 12
attributes:
  check_mode:
    details: The report is written in check mode as well.
"""

EXAMPLES = r"""
# Writes index.html, groups.png and up to twelve figures, whether the hosts answer or not.
- name: Write the report of all hosts of this play
  foresight.capacity.report:
    path: /var/www/foresight
  run_once: true

# The page alone, about one plan.
- name: Write what a reviewer of a plan needs
  foresight.capacity.report:
    path: review
    plan: "{{ foresight_plan }}"
    images: 0
  run_once: true
"""

RETURN = r"""
files:
  description: The files that were written, the page first.
  returned: success
  type: list
  elements: str
  sample: [/var/www/foresight/index.html, /var/www/foresight/volume-web1_vg0_data.png, /var/www/foresight/groups.png]
written:
  description: How many files were written, and how many figures of a former report were removed.
  returned: success
  type: dict
  sample: {files: 3, removed: 0}
  contains:
    files:
      description: Files written.
      type: int
    removed:
      description: Figures of a former report that were removed.
      type: int
summary:
  description: How many volumes fill up soon, the first of them, how far the moves of the clusters have come, and where the page lies.
  returned: success
  type: list
  elements: str
  sample:
    - 7 volumes are nearly full or may be full within 6h; 2 of them the plan grows; 5 need you.
    - "  db1/vg0/wal: full at the earliest 2026-11-21 04:00 UTC; grows in part: 16 GiB → 17.7 GiB"
    - "Report: /var/www/foresight/index.html"
"""
