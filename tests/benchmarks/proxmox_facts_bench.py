# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reading a wide Proxmox VE cluster costs the module, against the sandbox in a process of its own. Prints Markdown; fails when the goal is missed.

    .venv/bin/python tests/benchmarks/proxmox_facts_bench.py [--nodes 1000] [--guests 20]

The cluster is generated. CPU seconds are those of our own process; the sandbox's are not ours.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.client import Client
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.facts import read_document
from support.sandbox_states import wide

GOAL_SECONDS = 10.0
STATE = ROOT / "tests" / "unit" / "sandbox" / "data" / "state.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--guests", type=int, default=20, help="of each node")
    parser.add_argument("--base-port", type=int, default=28406)
    chosen = parser.parse_args()
    state = wide(json.loads(STATE.read_text(encoding="utf-8")), chosen.nodes, chosen.guests)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        sandbox = [str(ROOT / "tests" / "sandbox"), "serve", "--state", str(file), "--base-port", str(chosen.base_port), "--listen", "2"]
        with subprocess.Popen([sys.executable, *sandbox], stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                cpu, wall, calls, document = measure(json.loads(server.stdout.readline()), state["tokens"][0])
            finally:
                server.terminate()
    print("| nodes | guests | calls | own CPU seconds | wall seconds | problems |\n|---|---|---|---|---|---|")
    print(f"| {len(document['nodes'])} | {len(document['guests'])} | {calls} | {cpu:.1f} | {wall:.1f} | {len(document['problems'])} |")
    return int(cpu > GOAL_SECONDS)


def measure(ready: dict[str, t.Any], token: dict[str, t.Any]) -> tuple[float, float, int, dict[str, t.Any]]:
    """CPU and wall seconds, calls and the document of one read."""
    params = {
        "api_host": [base.partition("//")[2] for base in ready["bases"].values()],
        "api_token_id": token["tokenid"],
        "api_token_secret": token["value"],
        "ca_path": ready["ca"],
        "api_timeout": 120,
        "nodes": [],
        "host": None,
        "reserve": {},
        "reserves": {},
        "link_bytes_per_second": None,
        "links": {},
        "parallel": 8,
    }
    client = Client(read_access(params))
    cpu, wall = time.process_time(), time.monotonic()
    document = read_document(client, params)
    return time.process_time() - cpu, time.monotonic() - wall, client.calls, document


if __name__ == "__main__":
    sys.exit(main())
