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
  - Reads the store and writes C(index.html), one file that needs no network, with history, forecast band, limit and runway of each volume, the volume groups before
    and after the plan, the plan with its reasons, proposals for what is not managed, refusals and what was done lately.
  - Writes C(groups.png) and a C(volume-NAME.png) of the most urgent volumes beside it.
  - No host is contacted, so it works when all of them are down. Run it once per play (C(run_once)), also in check mode.
extends_documentation_fragment:
  - foresight.capacity.store
options:
  path:
    description: The folder to write to. It is made if it is missing; other files in it are left alone.
    type: path
    required: true
  plan:
    description: Id or file of the plan to show. Without it the newest plan in the store.
    type: str
  charts:
    description: How many volumes get a chart in the page, the most urgent first. All others stand in the table.
    type: int
    default: 100
  images:
    description: How many volumes get a PNG of their own, the most urgent first.
    type: int
    default: 12
"""

EXAMPLES = r"""
- name: Write the report of all hosts of this play
  foresight.capacity.report:
    path: /var/www/foresight
  run_once: true
"""

RETURN = r"""
files:
  description: The files that were written, the page first.
  returned: success
  type: list
  elements: str
  sample: [/var/www/foresight/index.html, /var/www/foresight/groups.png]
written:
  description: How many files were written.
  returned: success
  type: dict
  sample: {files: 2}
summary:
  description: How many volumes are at risk, the first of them, and where the page lies.
  returned: success
  type: list
  elements: str
"""
