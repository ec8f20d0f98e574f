# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: series
short_description: What a metric did, reduced to a few numbers per entity
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads the samples of the chosen entities from the store and reduces each series of the window to a few numbers. Raw series never travel through
    Ansible variables.
  - Nothing is contacted and nothing is written.
extends_documentation_fragment:
  - foresight.capacity.store
options:
  _terms:
    description: The metrics, such as V(used_bytes).
    type: list
    elements: str
    required: true
  entities:
    description:
      - Globs over entity keys (C(lv:web1/vg0/*)) or JMESPath expressions over C(key), C(kind), C(host) and the attributes that were last recorded. What starts
        with C(!) excludes.
    type: list
    elements: str
    default: ['*']
  window:
    description: How far to look back from O(now), in seconds or as a text such as V(7d).
    type: raw
    default: 7d
  step:
    description: Distance to which samples are aligned, in seconds or as a text. Default is the usual distance of each series' samples.
    type: raw
  how:
    description: What several samples within one step become.
    type: str
    choices: [last, mean, max, min]
    default: last
seealso:
  - plugin: foresight.capacity.forecast
    plugin_type: lookup
"""

EXAMPLES = r"""
# Result: by how many bytes a day each volume of web1 has grown in the last week.
- name: Show the growth of every volume of web1
  ansible.builtin.debug:
    msg: "{{ item.entity }} grows by {{ item.slope_per_day | default(0, true) | int | human_readable }} a day"
  loop: "{{ query('foresight.capacity.series', 'used_bytes', entities=['lv:web1/*'], window='7d') }}"
  run_once: true
"""

RETURN = r"""
_raw:
  description: One document per series, sorted by entity.
  type: list
  elements: dict
  contains:
    entity:
      description: Key of the entity.
      type: str
      sample: lv:web1/vg0/data
    metric:
      description: What was measured.
      type: str
      sample: used_bytes
    unit:
      description: Unit of the values.
      type: str
      sample: bytes
    step_seconds:
      description: Distance to which the samples were aligned.
      type: int
      sample: 600
    window_seconds:
      description: How far back the series was read.
      type: int
      sample: 604800
    count:
      description: Number of steps with a value.
      type: int
      sample: 1008
    gaps:
      description: Number of steps without a value between the first and the last one.
      type: int
      sample: 0
    first:
      description: First value. This and all that follow are null when there is no value.
      type: float
      sample: 1.0
    first_at:
      description: Start of the step of the first value, in seconds since 1970-01-01 UTC.
      type: int
      sample: 1763095200
    last:
      description: Last value.
      type: float
      sample: 2.0
    last_at:
      description: Start of the step of the last value, in seconds since 1970-01-01 UTC.
      type: int
      sample: 1763699400
    min:
      description: Smallest value.
      type: float
      sample: 1.0
    mean:
      description: Mean of the values.
      type: float
      sample: 1.5
    max:
      description: Greatest value.
      type: float
      sample: 2.0
    p50:
      description: Median of the values.
      type: float
      sample: 1.5
    p90:
      description: 90th percentile of the values.
      type: float
      sample: 1.9
    p95:
      description: 95th percentile of the values.
      type: float
      sample: 1.95
    slope_per_day:
      description: Change per day of the straight line of least squares. Null for a single value.
      type: float
      sample: 0.14
    synthetic:
      description: Whether the series was generated.
      type: bool
      sample: false
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import run_lookup
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.series import series


class LookupModule(LookupBase):
    """Hands the options to the workflow."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Return one document per series."""
        return run_lookup(self, run=series, variables=variables, options=kwargs, more=lambda options: _renamed(options, terms))


def _renamed(options: dict[str, t.Any], terms: t.Any) -> dict[str, t.Any]:
    options.pop("_terms", None)
    return {"metrics": from_ansible(terms)}
