#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: import_history
short_description: Write history from files or a Proxmox VE cluster into the store
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Reads samples from CSV files, wide (one column per metric) or long (one row per value), or facts documents from a recording, and writes
    them into the store, so that forecasts have a past from the first day.
  - Each file is imported as a whole or not at all, and importing it again changes nothing. Files may be packed (gzip, xz, bzip2) and of
    any length, and their rows in any order. Of two rows with one time and series the last one counts.
  - Values that cannot be true (negative bytes, a fraction above 1, not a number, a time in the future) are kept with a flag and never read
    into a forecast. Rows that cannot be read are counted, and told with their line numbers.
  - History of volumes that were never observed is kept under their names, and goes over to the volume when it is first observed.
  - With O(source=proxmox) it reads what a Proxmox VE cluster itself keeps (C(rrddata)) of CPU and memory of its nodes and guests and the use of its
    storages, into the series that M(foresight.capacity.record) goes on with. One call for each entity and timeframe, the next time only for what is
    new. What was imported stays where such a run is cut short, and the next one goes on from there.
  - A time that the store knows a sample of is left as it is, and of several timeframes the finest counts. Gaps stay gaps, and times in which a guest
    did not run have no samples.
options:
  source:
    description: Where the history is. With V(proxmox) the options of the connection count and those of files do not.
    type: str
    choices: [files, proxmox]
    default: files
  path:
    description: The files, or glob patterns. Needed with O(source=files).
    type: list
    elements: path
  timeframes:
    description:
      - O(source=proxmox) only. Which of the cluster's timeframes to ask. Points of V(hour) and V(day) are a minute apart, of V(week) and V(month) half
        an hour, of V(year) six hours. Before release 9 each holds 70 points, and all of them are worth asking.
      - A coarse timeframe is left out where finer ones reach back to what is known, and a shorter one of the same points is asked where it suffices.
    type: list
    elements: str
    choices: [hour, day, week, month, year]
    default: [month, year]
  entities:
    description:
      - O(source=proxmox) only. Which entities to import, as globs over their keys (C(guest:prod/*), C(node:prod/pve1), C(storage:*)) or JMESPath
        expressions over C(key), C(kind), C(name), C(node), C(status), C(pool) and C(tags). A leading C(!) excludes. None means all.
    type: list
    elements: str
    default: []
  peaks:
    description:
      - O(source=proxmox) only. Where a point of a guest stands for more than a minute, take the highest minute in it and not the mean, because
        demand is the forecast of a peak. Nodes and storages are always means.
    type: bool
    default: true
  parallel:
    description: O(source=proxmox) only. How many calls run at a time, 1 to 10.
    type: int
    default: 8
  api_host:
    description:
      - Nodes of the cluster, each a name or address, with a port where it has one of its own (C(pve1:8443)). Needed with O(source=proxmox). Any one
        answers for all; when it does not, the next is asked.
      - A text is split at commas. E(PROXMOX_HOST) is used where it is not set.
    type: list
    elements: str
  format:
    description:
      - What the files are. V(auto) takes a file that begins with a brace for a recording, every other one for CSV.
    type: str
    choices: [auto, csv, recording]
    default: auto
  time_column:
    description: CSV only, and needed there. The name of the column that holds the time.
    type: str
  time_format:
    description:
      - How times are written. One of V(iso8601), V(epoch) (seconds), V(epoch_ms), V(epoch_us), V(epoch_ns), or a format of C(strptime)
        such as V(%d.%m.%Y %H:%M).
      - V(auto) decides by the first row. Only digits are an epoch whose unit the number of digits tells, all else is ISO 8601.
    type: str
    default: auto
  time_zone:
    description:
      - The time zone of times that carry no offset, by its IANA name, such as V(Europe/Berlin) or V(UTC). There is no default.
        A time without an offset is an error unless this says what it means.
    type: str
  ambiguous_times:
    description:
      - What a time of O(time_zone) means that occurs twice, when clocks are set back.
      - V(order) takes the earlier of both, unless that is not after the row before of the same entity (and metric, in a long table). V(earlier)
        and V(later) always take that one. V(refuse) counts the row as bad.
      - A time that does not exist, when clocks are set forward, is always a bad row.
    type: str
    choices: [order, earlier, later, refuse]
    default: order
  entity:
    description:
      - Whose values these are. An entity key (V(host:web1), V(lv:web1/vg0/data), V(vg:web1/vg0), V(guest:prod/lxc/101), V(node:prod/pve1),
        V(kpi:shop/p99)), with names of columns in braces where the rows tell it, such as V(lv:{host}/{vg}/{lv}).
    type: str
  columns:
    description:
      - Wide files. For each column that holds values the metric, or a mapping with C(metric), C(unit) and C(entity) (if it is another one
        than O(entity)).
      - Without a unit, values are in the unit that the metric's name tells. Units of bytes are V(B), V(kB), V(MB), V(GB) (powers of 1000),
        V(KiB), V(MiB), V(GiB), V(K), V(M), V(G) (powers of 1024) and V(sectors). With C(/s) after them, and V(bit/s), V(kbit/s), V(Mbit/s), V(Gbit/s),
        of rates. V(percent) or V(fraction); V(cores), V(millicores) or V(percent_of_core); V(s), V(ms), V(us); V(count).
    type: dict
  metric_column:
    description: Long files. The column that names what is measured. Needs O(value_column) and O(metrics).
    type: str
  value_column:
    description: Long files. The column that holds the values.
    type: str
  metrics:
    description: Long files. For each name in O(metric_column) the metric, or a mapping with C(metric) and C(unit), as in O(columns).
    type: dict
  header:
    description: The names of the columns, for files whose first line does not name them.
    type: list
    elements: str
  delimiter:
    description: What divides the fields. V(auto) finds comma, semicolon, tab or bar.
    type: str
    default: auto
  decimal:
    description: The decimal point or comma. Thousands must not be divided.
    type: str
    choices: [".", ","]
    default: "."
  encoding:
    description: How the texts of a CSV file are encoded, such as V(latin-1). The default is UTF-8, with or without a byte order mark.
    type: str
    default: utf-8-sig
  shift_to_now:
    description:
      - Shift all times of a file so that the newest is now. Meant for demonstrations. The shift is told in the result and the report.
      - A file that was imported with a shift before keeps that shift. Shifted history is refused for entities that were observed live.
    type: bool
    default: false
  synthetic:
    description: The history was generated, not measured. Every figure will say so.
    type: bool
    default: false
  max_skew:
    description: Samples further ahead of now than this are flagged. Seconds, or a text such as V(5m).
    type: str
    default: 5m
  max_bad_rows:
    description: With more rows than this that cannot be read, nothing of the file is imported.
    type: int
    default: 100
extends_documentation_fragment:
  - foresight.capacity.controller_action
  - foresight.capacity.store
  - foresight.capacity.proxmox
attributes:
  check_mode:
    details: Everything is read in full and checked against the store; what is told is what would have been written.
notes:
  - proxmoxer and requests are needed on the controller, and only with O(source=proxmox). Environment variables are those of the controller.
  - With O(source=proxmox) this plugin does connect to the cluster, which it only reads, with the role that M(foresight.capacity.proxmox_facts) needs.
  - While a long file is imported, other runs that write into the same store wait. Divide very long files.
seealso:
  - module: foresight.capacity.record
  - module: foresight.capacity.proxmox_facts
  - plugin: foresight.capacity.cluster
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Import how full the volumes were, as the monitoring exported it
  foresight.capacity.import_history:
    path: exports/volumes-*.csv.gz
    time_column: timestamp
    time_zone: Europe/Berlin
    entity: lv:{host}/{vg}/{lv}
    columns:
      used_kib: {metric: used_bytes, unit: KiB}
      size_kib: {metric: fs_size_bytes, unit: KiB}
  run_once: true

- name: Import one row per value, with decimal commas
  foresight.capacity.import_history:
    path: sar.csv
    delimiter: ";"
    decimal: ","
    time_column: Zeit
    time_format: "%d.%m.%Y %H:%M:%S"
    time_zone: UTC
    entity: host:{Rechner}
    metric_column: Messwert
    value_column: Wert
    metrics:
      CPU: {metric: cpu_cores, unit: percent_of_core}
      RAM: {metric: memory_bytes, unit: MiB}
  run_once: true

- name: Import a recording as if its last observation were of now
  foresight.capacity.import_history:
    path: recordings/lab.jsonl.gz
    shift_to_now: true
  run_once: true

- name: Import what the cluster knows of its own past, with a token
  foresight.capacity.import_history:
    source: proxmox
    api_host: [pve1.example.com, pve2.example.com]
    api_token_id: foresight@pve!audit
    api_token_secret: "{{ vault_proxmox_token_secret }}"
    ca_path: /etc/foresight/pve-root-ca.pem
  run_once: true

- name: Import a week of all guests of a very large cluster but those in the pool scratch, with credentials from PROXMOX_* variables
  foresight.capacity.import_history:
    source: proxmox
    timeframes: [week]
    entities: ["guest:*", "!pool == 'scratch'"]
  run_once: true
"""

RETURN = r"""
files:
  description: What was read of each file.
  returned: success, with O(source=files)
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    format:
      description: V(csv) or V(recording).
      type: str
    rows:
      description: Rows or lines, without the header and empty ones.
      type: int
    bad_rows:
      description: Rows that could not be read, or of which one value could not.
      type: int
    bad:
      description: The first of them, with line number and reason.
      type: list
      elements: str
    empty:
      description: Values that were not there.
      type: int
    samples:
      description: Rows written into the store.
      type: int
    flagged:
      description: For each flag the number of samples that are kept out of models.
      type: dict
    duplicates:
      description: Samples whose series and time occurred before in the file.
      type: int
    out_of_order:
      description: Rows older than the row before of the same entity (and metric, in a long table).
      type: int
    ambiguous_times:
      description: Times that occur twice because clocks are set back.
      type: int
    entities:
      description: Entities with samples.
      type: int
    entities_made:
      description: Those of them that the store did not know.
      type: int
    series:
      description: Series with samples.
      type: int
    first:
      description: Time of the oldest sample, after the shift.
      type: int
    last:
      description: Time of the newest sample, after the shift.
      type: int
    shifted_by:
      description: Seconds by which all times were shifted.
      type: int
    synthetic:
      description: Whether the history was generated.
      type: bool
    run:
      description: Id of the run in the store; null in check mode.
      type: int
  sample:
    - {path: volumes.csv, format: csv, rows: 2016, bad_rows: 1, bad: ["line 17 has the value 'x', which is no number"], empty: 3, samples: 2012,
       flagged: {negative: 1}, duplicates: 0, out_of_order: 0, ambiguous_times: 0, entities: 1, entities_made: 0, series: 1, first: 1763000000,
       last: 1763700000, shifted_by: 0, synthetic: false, run: 12}
cluster:
  description: What was read of the cluster.
  returned: success, with O(source=proxmox)
  type: dict
  contains:
    name:
      description: Name of the cluster.
      type: str
    api_skew:
      description: Seconds that its clock is ahead of the controller's, null if it did not tell. Its history has its times.
      type: int
    entities:
      description: How many nodes, guests and storages were chosen, by kind.
      type: dict
    up_to_date:
      description: How many of them had nothing new to ask for.
      type: int
    calls:
      description: Calls of the API.
      type: int
    history_calls:
      description: Those of them that asked for history.
      type: int
    failed:
      description: Entities whose history could not be read. They are asked again the next time.
      type: int
    problems:
      description: The first of what could not be read.
      type: list
      elements: str
    problem_count:
      description: How many there are.
      type: int
    timeframes:
      description: The timeframes that were wanted.
      type: list
      elements: str
    peaks:
      description: Whether coarse points of guests are highest values.
      type: bool
    samples:
      description: Samples written into the store.
      type: int
    flagged:
      description: For each flag the number of samples that are kept out of models.
      type: dict
    entities_with_samples:
      description: Entities of which there was something new.
      type: int
    entities_made:
      description: Entities that the store did not know.
      type: int
    first:
      description: Time of the oldest new sample, null without any.
      type: int
    last:
      description: Time of the newest one.
      type: int
    run:
      description: Id of the run in the store; null in check mode.
      type: int
  sample: {name: prod, api_skew: 0, entities: {guest: 40, node: 3, storage: 4}, up_to_date: 0, calls: 99, history_calls: 94, failed: 0, problems: [],
           problem_count: 0, timeframes: [month, year], peaks: true, samples: 224640, flagged: {}, entities_with_samples: 43, entities_made: 47,
           first: 1732600000, last: 1763700000, run: 3}
written:
  description: What was written into the store, zero in check mode.
  returned: success
  type: dict
  sample: {samples: 2012, entities_made: 0}
summary:
  description: One line per file, or one of the cluster.
  returned: success
  type: list
  elements: str
  sample: ["volumes.csv: 2,012 samples of 1 entities written; 1 rows could not be read; 3 without a value; 1 flagged negative."]
check:
  description: Whether this was a check run.
  returned: success
  type: bool
  sample: false
"""
