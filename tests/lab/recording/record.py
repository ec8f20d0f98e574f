"""Make the demo's recording: two lab hosts with services that fill their volumes, observed for a while on real clocks.

    .venv/bin/python tests/lab/recording/record.py --minutes 60 --step 30

Writes inventories/recordings/sandbox.jsonl.gz: a header line with how it was made, then one line per host and observation.
The workload runs in the hosts as workload.py; an interrupted recording keeps what it has.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
sys.path.insert(0, str(HERE.parents[1]))

from lab import fleet
from lab.hosts import LabHost
from lab.inventory import own_path
from lab.vm import Vm

HOSTS = ("db1", "files1")
OUTPUT = CHECKOUT / "inventories" / "recordings" / "sandbox.jsonl.gz"


def observe(folder: pathlib.Path) -> list[str]:
    """Run the facts modules once; return one JSON line per host that answered."""
    for host in HOSTS:
        (folder / f"{host}.json").unlink(missing_ok=True)
    inventories = [word for host in HOSTS for word in ("-i", str(own_path(Vm(host))))]
    command = [str(CHECKOUT / ".venv/bin/ansible-playbook"), *inventories, str(HERE / "observe.yml"), "-e", f"recording_folder={folder}"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "ANSIBLE_PIPELINING": "1"})
    found = [folder / f"{host}.json" for host in HOSTS]
    return [json.dumps(json.loads(path.read_text()), separators=(",", ":")) for path in found if path.exists()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--step", type=int, default=30, help="seconds between observations")
    options = parser.parse_args()
    fleet.up(list(HOSTS), print)
    writers = []
    for host in HOSTS:
        lab = LabHost(host)
        lab.reset()
        lab.put(HERE / "workload.py", "/root/workload.py")
        writer = lab.start(f"python3 /root/workload.py {host}")
        if writer.stdout is None or writer.stdout.readline().strip() != "ready":
            sys.exit(f"record: the workload did not start on {host}")
        writers.append(writer)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.strip()
    header = {
        "schema": "foresight.recording/1",
        "made": "tests/lab/recording/record.py in the VM lab: real LVM, a workload of our own, real clocks",
        "commit": commit,
        "step_seconds": options.step,
        "hosts": list(HOSTS),
    }
    lines = [json.dumps(header)]
    started = time.monotonic()
    end = started + options.minutes * 60
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        try:
            number = 0
            while time.monotonic() < end:
                lines += observe(folder)
                print(f"record: {len(lines) - 1} documents", flush=True)
                # The next full step: a slow observation leaves a gap, as it does on a busy controller.
                number = max(number + 1, int((time.monotonic() - started) / options.step) + 1)
                time.sleep(max(0.0, started + number * options.step - time.monotonic()))
        finally:
            with gzip.open(OUTPUT, "wt", encoding="utf-8", compresslevel=9) as file:
                file.write("\n".join(lines) + "\n")
            for writer in writers:
                writer.terminate()
            for host in HOSTS:
                LabHost(host).vm.down()
    print(f"record: {len(lines) - 1} documents, {OUTPUT.stat().st_size} bytes in {OUTPUT.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
