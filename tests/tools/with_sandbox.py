"""Serve the demo's cluster, inventories/clusters/sandbox.json, in the background for as long as something needs it.

`python tests/tools/with_sandbox.py [--clock SPEED] COMMAND …` runs a command with the PROXMOX_* variables of the cluster, and ends the sandbox
whatever becomes of the command.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import demo_cluster

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SANDBOX = CHECKOUT / "tests" / "sandbox"


@dataclass(frozen=True)
class Cluster:
    """A cluster that is being served."""

    bases: dict[str, str]
    ca: str

    @property
    def environment(self) -> dict[str, str]:
        """Where it is and who may change it, as foresight.capacity and community.proxmox read it; addresses of all nodes, so that another can answer."""
        return {
            "PROXMOX_HOST": ",".join(base.partition("//")[2] for base in self.bases.values()),
            "PROXMOX_USER": demo_cluster.USER,
            "PROXMOX_TOKEN_ID": demo_cluster.TOKEN,
            "PROXMOX_TOKEN_SECRET": demo_cluster.SECRET,
            "PROXMOX_CA_PATH": self.ca,
        }

    def ctl(self, *words: str) -> None:
        """Steer it: `clock hold`, `clock 1`, `reseed` … (docs/sandbox.md)."""
        base_port = next(iter(self.bases.values())).rpartition(":")[2]
        subprocess.run([sys.executable, str(SANDBOX), "ctl", "--base-port", base_port, *words], check=True)


@contextmanager
def cluster(clock: float = 1.0) -> Iterator[Cluster]:
    """Serve it until the block is left; also when this process is killed.

    :param clock: how many times as fast as real time it lives; 0 holds it.
    """
    command = [sys.executable, str(SANDBOX), "serve", "--state", str(demo_cluster.STATE), "--base-port", "0", "--clock", str(clock)]
    with subprocess.Popen([*command, "--with-parent"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            ready = json.loads(server.stdout.readline() or "{}")
            if "ready" not in ready:
                raise OSError(f"the Proxmox sandbox did not start; what it said stands above ({' '.join(command)})")
            yield Cluster(ready["bases"], ready["ca"])
        finally:
            server.terminate()


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command with a Proxmox sandbox at hand.")
    parser.add_argument("--clock", type=float, default=1.0, help="speed of its clock, 0 = held (default: 1)")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("a COMMAND is needed")
    with cluster(arguments.clock) as served:
        return subprocess.run(arguments.command, env={**os.environ, **served.environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
