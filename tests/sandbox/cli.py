"""``serve`` starts the sandbox, ``ctl`` steers a running one."""

from __future__ import annotations

import argparse
import ctypes
import json
import signal
import sys
from pathlib import Path

from .control import send
from .server import Sandbox


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="sandbox", description="An imitation of a Proxmox VE 9.2 cluster on loopback (docs/sandbox.md).")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="serve a cluster until SIGTERM")
    serve.add_argument("--state", type=Path, required=True, help="state file: the cluster that is served")
    serve.add_argument(
        "--base-port", type=int, required=True, help="the i-th node of the state file answers at this port + i (0 = free ports)"
    )
    serve.add_argument("--listen", type=int, help="answer for the first N nodes only; the others through them")
    serve.add_argument("--clock", type=float, default=1.0, help="how many times as fast as real time the cluster lives (0 = held)")
    serve.add_argument("--faults", type=Path, help="JSON list of faults")
    serve.add_argument("--with-parent", action="store_true", help="end when the process that started this one ends, however it does")
    ctl = verbs.add_parser("ctl", help="steer a running sandbox; returns when the effect is there")
    ctl.add_argument("--base-port", type=int, required=True, help="the port of the first node")
    ctl.add_argument(
        "words",
        nargs="+",
        metavar="COMMAND",
        help="reseed [VMID] | api_down NODE | api_up NODE | node_down NODE | node_up NODE | node_death NODE | node_return NODE"
        " | maintenance NODE on|off | clock hold|SPEED | faults FILE|none",
    )
    arguments = parser.parse_args()
    return _ctl(arguments) if arguments.verb == "ctl" else _serve(arguments)


def _ctl(arguments: argparse.Namespace) -> int:
    words = [
        str(Path(word).resolve()) if i and arguments.words[0] == "faults" and word != "none" else word
        for i, word in enumerate(arguments.words)
    ]
    error = send(arguments.base_port, words)
    if error is not None:
        print(f"sandbox ctl {' '.join(arguments.words)}: {error}", file=sys.stderr)
    return 1 if error is not None else 0


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent is gone (prctl, PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, ctypes.c_ulong(signal.SIGTERM))


def _serve(arguments: argparse.Namespace) -> int:
    ends = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # in every thread, so that the one that waits for them gets them
    if arguments.with_parent:
        _end_with_parent()
    try:
        started = Sandbox(
            arguments.state,
            arguments.base_port,
            listen=arguments.listen,
            speed=arguments.clock,
            faults=arguments.faults,
            steered=True,
        )
    except (OSError, OverflowError) as error:
        print(f"sandbox serve: {error} (the ports from {arguments.base_port} on must be free, the files readable)", file=sys.stderr)
        return 1
    with started as sandbox:
        print(json.dumps({"ready": True, "bases": sandbox.bases, "ca": sandbox.ca}), flush=True)
        signal.sigwait(ends)
    return 0
