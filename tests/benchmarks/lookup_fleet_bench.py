# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long one lookup over a fleet takes in a real ansible-playbook (run_once): while it learns, with what it has learned, and again.

    .venv/bin/python tests/benchmarks/lookup_fleet_bench.py [--entities 5000] [--samples 300] [--workers 2]

Prints Markdown and fails when a later lookup learns again, or when an entity gets no forecast. All data is synthetic. CPU seconds are those of the
playbook and its workers.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import EntityRow, open_store

ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")
NOW, STEP, GIB = 1_763_700_000, 600, 2**30
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Forecast every volume at once
      ansible.builtin.set_fact:
        found: >-
          {{ query('foresight.capacity.forecast', 'used_bytes', store=store, entities=['lv:*'], horizon='6h', now=(at | int), workers=(workers | int)) }}
      run_once: true
    - name: Write what matters
      ansible.builtin.copy:
        content: "{{ {'status': found | map(attribute='status') | list, 'issued': found | map(attribute='issued_at') | list} | to_json }}"
        dest: "{{ playbook_dir }}/answer.json"
        mode: "0600"
      run_once: true
"""


def recorded(path: pathlib.Path, entities: int, samples: int) -> list[int]:
    """Record volumes that grow, wave over the day and are purged now and then; return the ids of their series."""
    random = np.random.default_rng(7)
    with open_store(str(path)) as store:
        rows = [
            EntityRow(f"lv:web{n}/{n}", f"lv:web{n}/vg0/data", "lv", f"web{n}", {"size_bytes": 900 * GIB}, NOW) for n in range(entities)
        ]
        found = store.put_entities(rows)
        series = store.put_series([(found[row.identity], "used_bytes", "bytes", True) for row in rows])
        ids = [series[found[row.identity], "used_bytes"] for row in rows]
        times = NOW - STEP * np.arange(samples)[::-1]
        for number in ids:
            changes = random.normal(size=samples) * random.lognormal(18, 1) + random.exponential(1e7)
            wave = random.choice([0.0, 1e9]) * np.sin(times * 2 * np.pi / 86400)
            store.write_samples([number] * samples, times, np.maximum(100 * GIB + np.cumsum(changes) + wave, 0.0))
        return ids


def played(folder: pathlib.Path, at: int, workers: int) -> tuple[float, float, dict[str, list[object]]]:
    """Return wall and CPU seconds of one play, and what came."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [str(ANSIBLE_PLAYBOOK), "-i", "localhost,", "-c", "local", str(folder / "play.yml"), "-e", f"store={folder}/store.db at={at} workers={workers}"],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begun, cpu, json.loads((folder / "answer.json").read_text())


def trained_at(folder: pathlib.Path) -> list[int]:
    with open_store(str(folder / "store.db")) as store:
        return [row[0]["trained_at"] for row in store.read_models(store.find_model_keys("global")).values()]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--entities", type=int, default=5000)
    options.add_argument("--samples", type=int, default=300)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "play.yml").write_text(PLAY)
        ids = recorded(folder / "store.db", chosen.entities, chosen.samples)
        print(f"{chosen.entities:,} synthetic volumes of {chosen.samples} samples, a horizon of 6 h, {chosen.workers} workers.\n")
        print("| lookup | wall seconds | CPU seconds |\n|---|---|---|")
        wrong = []
        for what, at in (
            ("the first: learns and chooses", NOW),
            ("with new samples", NOW + STEP),
            ("again, no new samples", NOW + STEP + 1),
        ):
            if at == NOW + STEP:
                with open_store(str(folder / "store.db")) as store:
                    store.write_samples(ids, [at] * len(ids), [100.0 * GIB] * len(ids))
            wall, cpu, answer = played(folder, at, chosen.workers)
            print(f"| {what} | {wall:.1f} | {cpu:.1f} |", flush=True)
            if answer["status"] != ["ok"] * chosen.entities:
                wrong.append(f"{what}: {chosen.entities - answer['status'].count('ok')} of {chosen.entities} without a forecast")
            if any(moment != NOW for moment in trained_at(folder)):
                wrong.append(f"{what}: it learned again")
        for line in wrong:
            print(line, file=sys.stderr)
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
