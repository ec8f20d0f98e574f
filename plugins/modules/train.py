#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: train
short_description: Train models out of the histories in the store
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads the samples of the chosen entities from the store, trains models with them and writes these into the store, where later forecasts find them.
  - With V(lstm) each series has a network of its own, with its own scaler and training curve. All of them are trained together, some hundred at a time,
    and each batch is stored as soon as it is done.
  - With V(global) all series of a season learn together, for one step and one O(horizon). Two small networks learn from windows of all their pasts, all
    methods are judged by what they would have said before, and it is noted how often forecasts were exceeded. Each of these models is stored as soon as it
    is done. A forecast that finds none learns it itself and stores it, so this is for having it done at a time of one's choice.
  - What was trained with the same samples by the same code is not trained again. So a run that was interrupted goes on where it was, and a daily run
    trains what has new samples; the network of a series begins where the stored one ended, the global model anew.
  - One entity never fails the task. What could not be trained, and why, is told in RV(entities).
  - No host is contacted. Run it once per play (C(run_once)).
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.engine
  - foresight.capacity.store
options:
  metrics:
    description: The metrics whose series are trained.
    type: list
    elements: str
    default: [used_bytes]
  entities:
    description:
      - Globs over entity keys or JMESPath expressions over attributes, as in the lookup P(foresight.capacity.forecast#lookup). What starts with C(!)
        excludes.
    type: list
    elements: str
    default: ['*']
  models:
    description:
      - What is trained. V(lstm) is a network for each series, V(global) what all of them have in common. The former come first, whatever the order here.
      - A global model takes the place of the one that is stored for the same metric, step, horizon and season. So train it from all entities that are
        forecast, not from a few.
    type: list
    elements: str
    choices: [lstm, global]
    default: [lstm, global]
  horizon:
    description:
      - For V(global), how far ahead its forecasts look, in seconds or as a text such as V(2d). It has to be that of the forecasts that are to use it
        (O(foresight.capacity.forecast#lookup:horizon)); another one needs a model of its own.
    type: str
    default: 6h
  step:
    description:
      - The step that the models foresee in, in seconds or as a text such as V(1h). Default is the usual distance of each series' samples, which is
        what forecasts use.
      - A network for another step than a series' own stays until it is old. One for a step that was a series' own once and is so no more is removed.
    type: str
  history:
    description: How much history to train with, in seconds or as a text. Default is as much as a forecast uses.
    type: str
  seed:
    description: The same seed and samples give the same model.
    type: int
    default: 0
  force:
    description: Train all of them, also those whose samples have not changed, and begin anew instead of where the stored model ended.
    type: bool
    default: false
  figures:
    description:
      - A folder on the controller for PNG figures of each series. C(training-METRIC-STEP-NAME.png) shows actual and predicted values over the training,
        validation and test parts, and the training curve, C(forecast-METRIC-STEP-NAME.png) the newest forecast of the series in the store, if it still
        looks ahead, with history, band, limit and dates.
      - It is made if it is missing. A figure that is there already and still right is not drawn again. About a third of a second each on one core.
    type: path
attributes:
  check_mode:
    details: Models are trained and stored in check mode as well, and the run is marked as a check run.
seealso:
  - plugin: foresight.capacity.forecast
    plugin_type: lookup
  - module: foresight.capacity.record
notes:
  - Needs the packages of C(requirements-ml.txt) where the models are trained, torch among them, whose build for the CPU is enough.
"""

EXAMPLES = r"""
# trained.summary says how many were trained, and how they do beside the last value.
- name: Train the network of every volume
  foresight.capacity.train:
    entities: ['lv:*']
  run_once: true
  register: trained

# Writes up to two PNG files for each volume of the database hosts.
- name: Train the volumes of the databases anew and draw what they learned
  foresight.capacity.train:
    entities: ["kind == 'lv' && starts_with(host, 'db')"]
    force: true
    figures: figures
  run_once: true

# The forecasts of all volumes for the next day then begin with what was learned.
- name: Learn what all volumes have in common
  foresight.capacity.train:
    entities: ['lv:*']
    models: [global]
    horizon: 1d
  run_once: true

- name: Train how much memory each guest uses in hours, on the workers of a cluster
  foresight.capacity.train:
    metrics: [memory_bytes]
    entities: ['guest:*']
    step: 1h
    dask_address: tcp://10.0.0.5:8786
  run_once: true
"""

RETURN = r"""
entities:
  description: One document for each metric, model and entity; for V(global) one for each step and season.
  returned: success
  type: list
  elements: dict
  contains:
    entity:
      description: Key of the entity; for V(global) that of the model, C(global/METRIC/STEP/HORIZON/SEASON), the horizon and the season in steps.
      type: str
      sample: lv:web1/vg0/data
    metric:
      description: What was trained.
      type: str
      sample: used_bytes
    model:
      description: The kind of model.
      type: str
      sample: lstm
    status:
      description:
        - V(trained). V(unchanged), nothing has changed since it was trained. V(skipped), there is too little to learn from. V(failed), training ended
          without a model, and a former one stays.
      type: str
      sample: trained
    reason:
      description: Why it is so, and what was left out of the series before it was learned from.
      type: str
      sample: ""
    step_seconds:
      description: The step it foresees in.
      type: int
      sample: 600
    season:
      description: Steps of one season, 1 = none was found.
      type: int
      sample: 144
    trained_at:
      description: When the model was trained, in seconds since 1970-01-01 UTC.
      type: int
      sample: 1763700000
    data:
      description: Time of the first and the last value that it was trained and tested with, and their number.
      type: dict
      sample: {"first": 1763527500, "last": 1763699700, "samples": 288}
    metrics:
      description:
        - Of V(global), C(series) is how many series there were, C(examined) by how many of them methods were judged (at most 400), C(networks) how many
          networks there are, C(weights) the shares of the methods that serve them best together.
        - Of V(lstm), C(error) is the mean absolute one-step error over the test part, in the unit of the series, C(last_error) what repeating the last
          value gives
          there. C(kept) is the epoch whose network was kept, counted from 0, -1 = no correction of what the own past says was worth it, C(epochs) how
          many there were, C(warm) whether it went on from a stored network.
      type: dict
      sample: {"error": 74086046.3, "last_error": 253063744.7, "kept": 46, "epochs": 59, "warm": false}
    figures:
      description: The figures of the series that are there.
      type: list
      elements: str
      sample: [/srv/figures/training-used_bytes-600s-lv_web1_vg0_data.png]
written:
  description: How many models were stored, how many of steps that are no longer used were removed, how many figures were drawn, and the id of the run.
  returned: success
  type: dict
  sample: {models: 212, removed: 0, figures: 0, run: 18}
summary:
  description: The result in a few lines.
  returned: success
  type: list
  elements: str
  sample:
    - "Models: 212 trained, 3 skipped, in 12s."
    - global/used_bytes/600/36/1 has learned from 215 series; together they are best served by 61 % global, 39 % empirical.
    - Of the networks of single series 40 correct what their own past says, the others found nothing worth correcting; 212 went on from a stored model.
    - "Mean one-step error over the test part, as a share of the last value's: median 1.00, from 0.31 to 1.04."
check:
  description: Whether this was a check run. Models are stored all the same.
  returned: success
  type: bool
  sample: false
"""
