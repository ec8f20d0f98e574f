# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the record task takes in a real ansible-playbook, and an import of a long file. Prints Markdown; fails when a goal is missed.

    .venv/bin/python tests/benchmarks/record_bench.py [--quick]

All data is synthetic. Times are wall times of this machine, the store lies on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import resource
import subprocess
import sys
import tempfile
import time

import yaml

from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import facts_documents as documents

ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).with_name("ansible-playbook")
GOAL_SECONDS = 5.0
ROUNDS = 3

# Written by the callback: one line per task with its name and wall time.
CALLBACK = """
import time
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True
    begun = None

    def finish(self):
        if self.begun:
            with open("times.tsv", "a") as stream:
                stream.write(f"{self.begun[0]}\\t{time.perf_counter() - self.begun[1]}\\n")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.finish()
        self.begun = (task.get_name(), time.perf_counter())

    def v2_playbook_on_stats(self, stats):
        self.finish()
"""

JINJA = "{{ ansible_play_hosts_all | map('extract', hostvars, ['ansible_facts', 'foresight_lvm', 'lvs']) | map('length') | sum }}"


def write_site(folder: pathlib.Path, hosts: int, volumes: int) -> None:
    """Write an inventory, the facts of every host for each round, and a playbook that records them."""
    names = [f"host{number:03d}" for number in range(hosts)]
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {name: {"ansible_connection": "local"} for name in names}}}))
    (folder / "callback_plugins").mkdir()
    (folder / "callback_plugins" / "task_times.py").write_text(CALLBACK)
    now = int(time.time())
    for step in range(ROUNDS):
        (folder / f"round{step}").mkdir()
        at = now - 200 + 60 * step
        for name in names:
            lvs = [documents.lv(f"lv{number:02d}", used=(number + step) * 2**20) for number in range(volumes)]
            facts = {
                "foresight_lvm": documents.lvm(at, lvs=lvs, vgs=[documents.vg(uuid=f"VG-{name}")]),
                "foresight_node": documents.node(at),
            }
            (folder / f"round{step}" / f"{name}.json").write_text(json.dumps(facts))
    tasks: list[dict[str, object]] = []
    for step in range(ROUNDS):
        source = f"{{{{ lookup('ansible.builtin.file', '{folder}/round{step}/' ~ inventory_hostname ~ '.json') | from_json }}}}"
        tasks += [
            {"name": f"Facts of round {step}", "ansible.builtin.set_fact": {"told": source}},
            {
                "name": f"Give facts {step}",
                "ansible.builtin.set_fact": {
                    "cacheable": True,
                    "foresight_lvm": "{{ told.foresight_lvm }}",
                    "foresight_node": "{{ told.foresight_node }}",
                },
            },
            {"name": f"jinja {step}", "ansible.builtin.debug": {"msg": JINJA}, "run_once": True},
            {
                "name": f"record {step}",
                "foresight.capacity.record": {"store": str(folder / "store.db")},
                "run_once": True,
                "register": "recorded",
            },
        ]
    tasks.append(
        {
            "name": "All of it",
            "ansible.builtin.assert": {"that": f"recorded.written.samples == {hosts * (4 * volumes + 11)}"},
            "run_once": True,
        }
    )
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))


def run_playbook(folder: pathlib.Path) -> dict[str, float]:
    """Run the playbook and return the wall time of each task by name."""
    environment = {**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "task_times", "ANSIBLE_DISPLAY_OK_HOSTS": "false"}
    command = [str(ANSIBLE_PLAYBOOK), "-i", "hosts.yml", "play.yml"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
    lines = (folder / "times.tsv").read_text().splitlines()
    return {name: float(wall) for name, wall in (line.split("\t") for line in lines)}


def run_workflow(folder: pathlib.Path) -> list[tuple[float, float]]:
    """Record the same facts in this process, into another store; return wall and processor time of each round."""
    times = []
    for step in range(ROUNDS):
        facts = {path.stem: json.loads(path.read_text()) for path in sorted((folder / f"round{step}").iterdir())}
        begun, cpu = time.perf_counter(), time.process_time()
        now = facts[min(facts)]["foresight_node"]["observed_at"]
        record(store=str(folder / "alone.db"), now=now, hosts=list(facts), lost=[], facts=facts)
        times.append((time.perf_counter() - begun, time.process_time() - cpu))
    return times


def import_rows(folder: pathlib.Path, rows: int) -> tuple[float, float, float, float]:
    """Import a long CSV file of 1,000 volumes; return wall and CPU seconds, bytes of the file, and the growth of peak memory in bytes."""
    path = folder / "long.csv"
    now = int(time.time())
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("time,host,vg,lv,used_kib\n")
        for number in range(rows):
            at = now - (rows - number) // 1000 * 60
            stream.write(f"{at},host{number % 50:02d},vg0,lv{number // 50 % 20:02d},{number % 1_000_000}\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, cpu = time.perf_counter(), time.process_time()
    table = {"time_column": "time", "entity": "lv:{host}/{vg}/{lv}", "columns": {"used_kib": {"metric": "used_bytes", "unit": "KiB"}}}
    result = import_history(store=str(folder / "import.db"), now=now, path=[str(path)], table=table)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if result["written"]["samples"] != rows:
        raise SystemExit(f"{result['written']['samples']} samples of {rows} rows: {result['summary']}")
    return seconds, cpu, path.stat().st_size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def main() -> int:
    """Print the tables and return 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the data, no goals")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the imported file")
    options = parser.parse_args()
    hosts, volumes = (20, 50) if options.quick else (200, 50)
    rows = options.rows // 20 if options.quick else options.rows
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the run.\n")
    with tempfile.TemporaryDirectory(prefix="record_bench") as name:
        folder = pathlib.Path(name)
        write_site(folder, hosts, volumes)
        times = run_playbook(folder)
        alone = run_workflow(folder)
        with open_store(str(folder / "store.db")) as store:
            count = len(store.find_entities(kinds=["lv"]))
        print(f"### `record`, {hosts} hosts × {volumes} volumes ({count:,} volumes in the store), wall time of the task\n")
        print(
            "| round | `record` | its workflow alone | of it processor time | only reading the facts through Jinja |\n|---|---|---|---|---|"
        )
        for step in range(ROUNDS):
            seconds = (times[f"record {step}"], *alone[step], times[f"jinja {step}"])
            print(f"| {step + 1}{' (new store)' if step == 0 else ''} | {' | '.join(f'{value:.2f} s' for value in seconds)} |")
        took, cpu, size, memory = import_rows(folder, rows)
        print(f"\n### `import_history`, CSV of {rows:,} rows, {size / 2**20:.0f} MiB, 1,000 volumes\n")
        print("| time | of it processor time | rows/s | growth of peak memory | store |\n|---|---|---|---|---|")
        stored = (folder / "import.db").stat().st_size
        print(f"| {took:.1f} s | {cpu:.1f} s | {rows / took:,.0f} | {memory / 2**20:.0f} MiB | {stored / 2**20:.0f} MiB |")
    worst = max(times[f"record {step}"] for step in range(ROUNDS))
    if not options.quick and worst >= GOAL_SECONDS:
        print(f"\nMissed: record took {worst:.2f} s, the goal is {GOAL_SECONDS:.0f} s.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
