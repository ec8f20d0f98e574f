"""The verbs of ``python tests/lab``."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from lab import fleet, image, inventory, process, report, vm
from lab.errors import LabError
from lab.paths import INVENTORY
from lab.vm import Vm


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit status is 0, or 1 with the reason on stderr, or that of the ssh command."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"lab: {' '.join(map(str, error.cmd))} ended with {error.returncode}\n{error.stderr or ''}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests/lab", description="Real LVM and LXC hosts in QEMU VMs, for tests.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    verb = verbs.add_parser("image", help="build the guest image unless the cache holds it")
    verb.set_defaults(run=_image)

    verb = verbs.add_parser("up", help="make hosts run, write inventories/lab/hosts.yml")
    verb.add_argument("--hosts", type=int, metavar="N", help="lab1 … labN (2 when nothing is named)")
    verb.add_argument("--name", action="append", default=[], help="an extra host of this name, with an inventory of its own; repeatable")
    verb.set_defaults(run=_up)

    verb = verbs.add_parser("reset", help="back to the snapshot: fresh system, blank data disks (all hosts when none is named)")
    verb.add_argument("names", nargs="*", metavar="HOST")
    verb.set_defaults(run=_reset)

    verb = verbs.add_parser("down", help="end hosts and delete their disks (all hosts when none is named)")
    verb.add_argument("names", nargs="*", metavar="HOST")
    verb.set_defaults(run=_down)

    verb = verbs.add_parser("status", help="what is cached and what runs")
    verb.set_defaults(run=_status)

    verb = verbs.add_parser("ssh", help="a shell on a host, or one command")
    verb.add_argument("name", metavar="HOST")
    verb.add_argument("command", nargs=argparse.REMAINDER, metavar="CMD")
    verb.set_defaults(run=_ssh)

    verb = verbs.add_parser("report", help="write docs/volumes.md from what the tests have shown (make lab-full)")
    verb.add_argument("--partial", action="store_true", help="also while cases are missing, which are marked")
    verb.set_defaults(run=_report)
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"lab: {text}\n")
    sys.stdout.flush()


def _image(_options: argparse.Namespace) -> int:
    _say(f"image: {image.ensure(_say).directory}")
    return 0


def _up(options: argparse.Namespace) -> int:
    count = options.hosts if options.hosts is not None else (0 if options.name else 2)
    started = time.monotonic()
    fleet.up([*inventory.numbered(count), *options.name], _say)
    _say(f"up in {time.monotonic() - started:.1f} s")
    return _status(options)


def _reset(options: argparse.Namespace) -> int:
    started = time.monotonic()
    fleet.reset(options.names, _say)
    _say(f"reset in {time.monotonic() - started:.1f} s")
    return _status(options)


def _down(options: argparse.Namespace) -> int:
    ended = fleet.down(options.names)
    _say(f"down: {' '.join(ended) or 'nothing was up'}")
    return 0


def _status(_options: argparse.Namespace) -> int:
    built = image.cached()
    _say(f"image {built.directory if built else 'of the present sources is not built'}")
    for host in vm.known():
        pid = process.running_pid(host.sockets)
        state = f"pid {pid}" if pid else "not running"
        stale = "" if built and host.image == built else ", from an older image (reset renews it)"
        path = INVENTORY if inventory.is_numbered(host) else inventory.own_path(host)
        _say(f"{host.name}: {state}, ssh port {host.port}{stale}, inventory {path}")
    return 0


def _report(options: argparse.Namespace) -> int:
    path, missing = report.write(options.partial)
    _say(f"{path} written{f', {missing} cases are missing' if missing else ''}")
    return 0


def _ssh(options: argparse.Namespace) -> int:
    command = Vm(options.name).ssh_command()
    if not options.command:
        command.insert(1, "-t")
    os.execvp(command[0], [*command, *options.command])
