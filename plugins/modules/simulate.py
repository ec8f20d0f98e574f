#!/usr/bin/python
# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: simulate
short_description: Show what strategies would make of a cluster, without contacting it
version_added: 1.0.0
author: Foresight Capacity contributors (@foresight-capacity)
description:
  - Takes a cluster that is made up, or one out of a file, balances it by one strategy or several side by side, and writes what comes out. No host is
    contacted, nothing is moved.
  - Writes C(index.html), one file that needs no network, a C(placement-STRATEGY.png) for each strategy, C(comparison.png) if there are several,
    C(simulation.json) with the whole answers (moves, waves, figures), and of a cluster made up here C(cluster.json), which O(file) takes.
  - The pictures show each node before and after as a bar for each resource, stacked by guest. A guest that moves has its colour on both sides, and an
    arrow for each move in the order of the waves. Of a cluster with more than O(bars) nodes curves and distributions tell of all nodes, and bars of
    those that change most.
  - A strategy that cannot do it, for example V(exact) on a large cluster, says why and does not stop the others.
  - The same input gives the same files. Those that are there already and show the same are left as they are. What no simulation wrote, and a
    C(cluster.json) that was changed by hand, is never written over; the task fails before the search begins.
extends_documentation_fragment:
  - foresight.capacity.controller_action
options:
  cluster:
    description: A cluster document, as P(foresight.capacity.cluster_balance#filter) takes it. Large ones had better come as O(file).
    type: dict
  file:
    description:
      - A file on the controller with a cluster document, as JSON (up to 256 MiB) or YAML (up to 16 MiB), gzipped or not; relative to where
        C(ansible-playbook) was started.
    type: path
  preset:
    description:
      - A made-up cluster. V(classic) has the 13 nodes of the classic capacity list, V(small) 3 nodes, V(rules) 50 nodes with rules, pins, reserve,
        maintenance and an offline node, V(opposed) 50 nodes whose CPU is full where memory is empty, V(large) 200 and V(huge) 1,000 nodes.
      - Without O(cluster), O(file) and O(synthetic) it is V(classic).
    type: str
  synthetic:
    description: Options of P(foresight.capacity.synthetic_cluster#lookup), C(seed) for example. They change O(preset), or stand alone without it.
    type: dict
  strategies:
    description: Names of strategies (O(foresight.capacity.cluster_balance#filter:_policy.strategy)), or V(all).
    type: list
    elements: str
    default: [foresight]
  goal:
    description: Short for C(goal) in O(policy). Strategies differ in V(balance) only; other goals are done once.
    type: str
  policy:
    description: The policy of P(foresight.capacity.cluster_balance#filter), without a strategy.
    type: dict
    default: {}
  path:
    description: The folder to write to, on the controller. It is made if it is missing.
    type: path
    required: true
  bars:
    description: Up to how many nodes each has a bar. Of a larger cluster the 24 nodes that change most have one.
    type: int
    default: 60
attributes:
  check_mode:
    details: The files are written in check mode as well; they are notes of the controller.
seealso:
  - plugin: foresight.capacity.cluster_balance
    plugin_type: filter
  - plugin: foresight.capacity.migration_waves
    plugin_type: filter
  - plugin: foresight.capacity.synthetic_cluster
    plugin_type: lookup
"""

EXAMPLES = r"""
# simulated.summary is a table with moves, bytes, waves, violations and time, and one for each resource.
- name: Compare all strategies on the classic cluster
  foresight.capacity.simulate:
    preset: classic
    strategies: [all]
    path: simulation
  run_once: true
  register: simulated

- name: See what it takes to empty a node of a real cluster
  foresight.capacity.simulate:
    file: production.json
    goal: evacuate
    policy:
      goal_options: {nodes: [pve3]}
      limits: {per_node_in: 1, per_node_out: 1}
    path: simulation
  run_once: true

- name: Balance CPU and memory of 120 made-up nodes, two of them in maintenance
  foresight.capacity.simulate:
    synthetic: {nodes: 120, guests_per_node: 15, correlation: 0.3, maintenance: 2, seed: 7}
    policy:
      resources: {cpu: 1.0, memory: 1.0}
      target_spread: 0.1
    path: simulation
  run_once: true
"""

RETURN = r"""
files:
  description: The files of the simulation, the page first.
  returned: success
  type: list
  elements: str
  sample: [/srv/simulation/index.html, /srv/simulation/placement-foresight.png, /srv/simulation/simulation.json, /srv/simulation/cluster.json]
written:
  description: How many files were written, how many showed the same already, and how many figures of a former simulation were removed.
  returned: success
  type: dict
  sample: {files: 4, unchanged: 0, removed: 0}
  contains:
    files:
      description: Files written.
      type: int
    unchanged:
      description: Files left as they were.
      type: int
    removed:
      description: Figures of a former simulation that were removed.
      type: int
simulation:
  description: What C(simulation.json) says, without the lists that grow with the cluster.
  returned: success
  type: dict
  contains:
    schema:
      description: V(foresight.simulation/1).
      type: str
    cluster:
      description: C(name), whether it is C(synthetic), C(observed_at), and how many C(nodes), C(guests) and C(rules) it has.
      type: dict
    policy:
      description: The policy.
      type: dict
    notes:
      description: What to know besides.
      type: list
      elements: str
    strategies:
      description: One for each strategy.
      type: list
      elements: dict
      contains:
        strategy:
          description: Its name.
          type: str
        failed:
          description: Why it gave no answer. All else is absent then.
          type: str
        verdict:
          description: As of the filter C(cluster_balance), with C(why).
          type: str
        why:
          description: The verdict in words.
          type: str
        figures:
          description:
            - For each resource C(before) and C(after) with C(std) (standard deviation of the load, in bytes or cores), C(std_ratio), C(spread) and C(highest)
              of load / usable capacity, C(improvement) (the share by which C(std_ratio) falls; null for other goals than balance), and whether it is
              C(balanced).
          type: dict
        violations:
          description: Broken hard limits C(before) and C(after).
          type: dict
        moves:
          description: How many moves there are.
          type: int
        bytes:
          description: What they carry.
          type: float
        waves:
          description: How many waves they take.
          type: int
        wall_seconds:
          description: How long the waves take, one after the other. Null where that is not known.
          type: float
        cpu_seconds:
          description: CPU time of the search.
          type: float
summary:
  description: The tables as lines, and where the page lies.
  returned: success
  type: list
  elements: str
  sample:
    - synthetic (synthetic data) has 13 nodes and 203 guests.
    - Improved, 13 moves.
    - What it takes
    - "strategy   moves    bytes  waves  they take  violations  CPU time  verdict"
    - "(now)          –        –      –          –           0         –"
    - "foresight     13  584 GiB      4          –           0    0.28 s  improved"
    - "Pictures: /srv/simulation/index.html"
"""
