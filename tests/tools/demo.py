"""The demo: this machine's facts, a history recorded in the VM lab, a Proxmox cluster out of balance, and the whole of site.yml on all of them.

Needs no root and no VM: the cluster is that of the sandbox (docs/sandbox.md), served while the demo runs.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

from with_sandbox import Cluster, cluster

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SANDBOX = CHECKOUT / "inventories" / "sandbox"
RECORDING = CHECKOUT / "inventories" / "recordings" / "sandbox.jsonl.gz"
HOME = CHECKOUT / ".cache" / "demo"
REPORT = CHECKOUT / "report"
POLICY = {
    "foresight_store": str(HOME / "store.db"),
    "foresight_apply": True,
    "foresight_plan_path": str(HOME / "plan.yml"),
    "foresight_facts_from": str(RECORDING),
    "volumes_manage": [{"match": "db1/vg0/*", "max": "4 GiB"}, {"match": "files1/vg0/home", "priority": 2}, {"match": "files1/vg1/*"}],
    "volumes_horizon": "45m",
    "report_path": str(REPORT),
}


def say(number: int, text: str) -> None:
    print(f"[{number}/5] {text}", flush=True)


def play(name: str, served: Cluster, **variables: object) -> str:
    """Run one playbook of the collection as its user would; return what it printed."""
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(SANDBOX), f"foresight.capacity.{name}"]
    environment = {**os.environ, **served.environment, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    lines = []
    with subprocess.Popen(
        [*command, "-e", json.dumps({**POLICY, **variables})],
        cwd=HOME,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if line.startswith("TASK ["):
                print("      " + line[6:].split("]")[0].rsplit(" : ", 1)[-1], flush=True)
    if process.returncode != 0:
        sys.exit(f"{''.join(lines)}\ndemo: {name} ended with {process.returncode}; its output stands above.")
    return "".join(lines)


def summary(plan: str) -> str:
    """Return what a reviewer reads first in a plan file: its headline, and the comment above each action, refusal and proposal."""
    first, *rest = plan.splitlines()
    told = [line.replace("  # ", "  ", 1) for line in rest if line.startswith("  # ") or line in ("actions:", "refused:", "proposals:")]
    return "\n".join([first.removeprefix("# "), *told])


def changed(output: str) -> int:
    """Return how many tasks changed something, by the recap of a play."""
    return sum(map(int, re.findall(r"changed=(\d+)", output)))


def verdict(output: str) -> str:
    """Return what was said of the cluster."""
    found = re.search(r"msg: '?(sandbox: [^\n]*?)'?\n", output)
    return found.group(1) if found else "nothing was said of the cluster"


def main() -> None:
    started = time.monotonic()
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    with cluster() as served:
        say(1, f"Importing the history that was recorded in the VM lab ({RECORDING.name}), moved to the present …")
        play("import", served, foresight_import=str(RECORDING), foresight_shift_to_now=True)
        say(2, "Importing two weeks that the Proxmox cluster of the sandbox has kept of itself …")
        play("import", served, foresight_import_options={"source": "proxmox"})
        say(3, "Observe, forecast, plan, apply (a recorded host is refused; guests of the cluster move, in waves), report …")
        first = play("site", served)
        plan = summary((HOME / "plan.yml").read_text())
        (HOME / "plan.yml").rename(HOME / "plan-1.yml")
        say(4, "The same once more, the cluster's clock held: nothing is left to do …")
        served.ctl("clock", "hold")
        second = play("site", served)
    say(5, f"Done in {time.monotonic() - started:.0f} s. The first plan:\n")
    print(plan + "\n")
    refused = first.count("recorded_host")
    print(f"The gate refused what the plan has for recorded hosts ({'recorded_host' if refused else 'nothing to refuse'}).")
    print(f"The cluster, first run:  {verdict(first)}; changed={changed(first)}")
    print(f"The cluster, second run: {verdict(second)}; changed={changed(second)}")
    print(f"Plans:  {HOME / 'plan-1.yml'}, {HOME / 'plan.yml'}")
    print(f"Report: {REPORT / 'index.html'}")
    if changed(second):
        sys.exit("demo: the second run changed something; it should not.")


if __name__ == "__main__":
    main()
