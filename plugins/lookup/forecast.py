# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: forecast
short_description: Forecast a metric of many entities out of the store
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads the samples of the chosen entities from the store and returns for each of them quantiles of its future values, of their peak, and of the time
    until a limit is reached.
  - A forecast is a mixture of methods. How much each of them counts is decided per series by what they would have said at past moments of this series and
    of all others in the lookup. One of them is a network that has learned from all series (V(global)), another one the network of the series itself, where
    M(foresight.capacity.train) has trained one. Quantiles are then moved by how often such forecasts were exceeded.
  - The weights are remembered in the store. They are chosen anew when a forecast turned out clearly worse than the backtest, when there are twice as many
    samples, and once when the series has got a network of its own.
  - What series have in common is remembered too, for each metric, step, horizon and season. It is learned anew after a week, and when there is twice as much
    to learn from. The first lookup over a fleet takes minutes for it, unless M(foresight.capacity.train) has done it before.
  - Forecasts are given again as long as there is no newer sample, for at most one step.
  - One entity never fails the lookup. Its problem is RV(_raw[].status) and RV(_raw[].note).
  - Nothing is contacted and nothing but the store is written.
  - All entities of a run belong in one lookup with C(run_once). In a variable it would run again at every use.
extends_documentation_fragment:
  - foresight.capacity.store
  - foresight.capacity.engine
options:
  _terms:
    description: The metrics to forecast, such as V(used_bytes).
    type: list
    elements: str
    required: true
  entities:
    description:
      - Globs over entity keys (C(lv:web1/vg0/*), or C(web1/vg0/*) without the kind) or JMESPath expressions over C(key), C(kind), C(host) and the attributes
        that were last recorded (C(host == 'web1' && fs.type == 'xfs')). What starts with C(!) excludes.
    type: list
    elements: str
    default: ['*']
  horizon:
    description: How far to look ahead of O(now), in seconds or as a text such as V(6h) or V(2d). Rounded up to whole steps.
    type: raw
    default: 6h
  step:
    description:
      - Distance of the forecast values, in seconds or as a text. Default is the usual distance of each series' samples, longer where the horizon has more
        than 1,500 of them. Of several samples in a much longer step the greatest counts.
    type: raw
  quantiles:
    description: Ascending probabilities between 0 and 1.
    type: list
    elements: float
    default: [0.1, 0.5, 0.9]
  model:
    description:
      - V(auto) is a mixture of those that serve the series, weighed by a rolling-origin backtest. The others are one method each, mostly to compare.
      - V(empirical) are the series' own past changes over as many steps, recent ones counting more; V(drift) are they with the mean change, V(snaive)
        around the value one season before. V(theta), V(ets) and V(mstl) are fitted with statsforecast and have the spread of the series' own past errors.
      - V(global) is the network that has learned from all series, V(lstm) the series' own, which is trained on the spot where none is stored. Both need
        torch to learn.
      - V(last) repeats the last value, V(naive) has the spread of a random walk around it, V(classic_lstm) is a plain recurrent network that is trained on
        the spot. They are baselines.
    type: str
    choices: [auto, last, naive, drift, snaive, empirical, theta, ets, mstl, lstm, global, classic_lstm]
    default: auto
  limit:
    description:
      - Up to where the runway goes. V(capacity) is what the entity holds (a volume its file system, a fraction 1), V(80%) a share of that, V(40 GiB) or a
        plain number a value, V(none) asks for no runway.
    type: raw
    default: capacity
  max_age:
    description: A forecast whose newest sample is older is V(stale). In seconds or as a text. Default is three steps.
    type: raw
  min_samples:
    description: With fewer samples a forecast is a V(cold_start). Never less than 14.
    type: int
    default: 14
  history:
    description: How much history to use, in seconds or as a text. Default is two weeks, but at least 400 and at most 2,016 steps.
    type: raw
  seed:
    description: The same seed and samples give the same forecast.
    type: int
    default: 0
seealso:
  - plugin: foresight.capacity.series
    plugin_type: lookup
  - plugin: foresight.capacity.volumes
    plugin_type: lookup
"""

EXAMPLES = r"""
# Result: one document per volume of the hosts web*, swap left out.
- name: Forecast every logical volume of the web hosts for the next six hours
  ansible.builtin.set_fact:
    forecasts: "{{ query('foresight.capacity.forecast', 'used_bytes', entities=['lv:web*', '!*/swap*'], horizon='6h') }}"
  run_once: true

# Result: volumes that reach 90 % of their file system within two days with a probability of 10 %, with the early date in seconds.
- name: Show which xfs volumes may fill up within two days
  ansible.builtin.debug:
    msg: "{{ item.entity }} may be at 90 % in {{ item.runway.seconds['0.1'] | int }} s"
  loop: >-
    {{ query('foresight.capacity.forecast', 'used_bytes', entities=["fs.type == 'xfs'"], horizon='2d', limit='90%')
       | selectattr('status', 'equalto', 'ok') | selectattr('runway') | rejectattr('runway.seconds.0\\.1', 'none') }}
  run_once: true
"""

RETURN = r"""
_raw:
  description: One document per entity and metric, sorted by entity.
  type: list
  elements: dict
  contains:
    entity:
      description: Key of the entity.
      type: str
      sample: lv:web1/vg0/data
    metric:
      description: What is forecast.
      type: str
      sample: used_bytes
    unit:
      description: Unit of all values.
      type: str
      sample: bytes
    issued_at:
      description: When the forecast was made, in seconds since 1970-01-01 UTC. The n-th value is that of this time plus n steps, within half a step.
      type: int
      sample: 1763700000
    step_seconds:
      description: Distance of the values.
      type: int
      sample: 600
    horizon:
      description: How far the values reach, in seconds.
      type: int
      sample: 21600
    method:
      description: The methods that count, the most important one first. Null when RV(_raw[].status) is V(invalid).
      type: str
      sample: global+empirical
    reason:
      description: Why these methods serve the series.
      type: str
      sample: 51 % global, 49 % empirical; scores over 6 past origins and those of series like this one decided (global 0.91, empirical 1.07, drift 1.15)
    quantiles:
      description: The values by probability, one list of equal length each. Null when RV(_raw[].status) is V(invalid).
      type: dict
      sample: {"0.1": [1.0, 1.0], "0.5": [1.5, 2.0], "0.9": [2.0, 3.5]}
    peak:
      description: Quantiles of the greatest value within C(window_seconds), which is the whole horizon.
      type: dict
      sample: {"window_seconds": 1200, "quantiles": {"0.1": 1.0, "0.5": 2.1, "0.9": 3.6}}
    runway:
      description:
        - Quantiles of the seconds until C(limit) is reached, null = not within the horizon; V(0.1) is the early date that policies act on.
        - Null without a limit.
      type: dict
      sample: {"limit": 3.0, "limit_kind": "capacity", "seconds": {"0.1": 1200, "0.5": null, "0.9": null}, "reach_probability": 0.2, "horizon_seconds": 1200}
    backtest:
      description: How the model did over past origins. Loss and error are in units of the series' mean change; null where there was no backtest.
      type: dict
      sample: {"mase": 0.9, "pinball": 0.61, "coverage80": 0.83, "origins": 6}
    history:
      description: What the forecast was made out of. Number of samples, time of the first and the last, missing steps between, and their mean.
      type: dict
      sample: {"samples": 288, "first": 1763527500, "last": 1763699700, "gaps": 0, "mean": 1.2}
    status:
      description:
        - V(ok); V(cold_start), too few samples; V(stale), the newest sample is too old; V(invalid), no usable sample. Only V(ok) ever causes an action.
      type: str
      sample: ok
    note:
      description:
        - What is wrong when RV(_raw[].status) is not V(ok), and which option changes it. What was left out of the history, where it breaks, and which
          stored models could not be used.
      type: str
      sample: 2 of 288 steps are missing
    explain:
      description: Why the forecast is as it is, and what would change it. Null when RV(_raw[].status) is V(invalid).
      type: dict
      contains:
        method:
          description: As RV(_raw[].method).
          type: str
          sample: global+empirical
        weights:
          description: The share of each method, the largest first; they sum to one.
          type: dict
          sample: {"global": 0.51, "empirical": 0.49}
        why:
          description: As RV(_raw[].reason).
          type: str
          sample: 51 % global, 49 % empirical; scores over 6 past origins and those of series like this one decided (global 0.91, empirical 1.07, drift 1.15)
        scores:
          description:
            - What each method that was tried would have scored alone at the past moments, the smaller the better (continuous ranked probability score in
              units of the series' usual change). Empty where nothing could be measured.
          type: dict
          sample: {"global": 0.91, "empirical": 1.07, "drift": 1.15}
        would_change:
          description:
            - What would change the weights, each with C(cause) and C(text). V(score) has the C(method) that comes next and how far its score is C(behind)
              that of the most important one (a share, negative = ahead). V(samples) has how many values are C(missing) until the weights are chosen
              anew. V(failure) has the C(loss) from which a forecast makes them anew. V(break) is a break in the history, before which it counts less.
              V(global) and V(network) have C(trained_at) of the network that counts, V(global) the number of C(series) as well.
          type: list
          elements: dict
          sample:
            - cause: score
              method: drift
              behind: 0.26
              text: "drift does not count: its past score is 26 % worse than that of global (1.15 to 0.91)"
"""

import typing as t

from ansible.plugins.lookup import LookupBase

from ansible_collections.foresight.capacity.plugins.plugin_utils.faces import run_lookup
from ansible_collections.foresight.capacity.plugins.plugin_utils.native import from_ansible
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.forecast import forecast


class LookupModule(LookupBase):
    """Hands the options to the workflow."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> t.Any:
        """Return one document per entity and metric."""
        return run_lookup(self, run=forecast, variables=variables, options=kwargs, more=lambda options: _renamed(options, terms))


def _renamed(options: dict[str, t.Any], terms: t.Any) -> dict[str, t.Any]:
    options.pop("_terms", None)
    return {"metrics": from_ansible(terms)}
