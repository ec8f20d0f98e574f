"""The lab as a whole: several hosts brought up, reset and taken down together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import image, inventory, vm
from lab.hosts import LabHost
from lab.paths import INVENTORY
from lab.vm import Vm

Say = Callable[[str], None]


def up(names: list[str], say: Say) -> Path:
    """Make these hosts run (those that run already stay as they are) and write the inventories; gives the path."""
    built = image.ensure(say)
    _together(lambda host: _up(host, built, say), names)
    return inventory.write([Vm(name) for name in names])


def reset(names: list[str], say: Say) -> Path:
    """Bring these hosts back to the snapshot, blank data disks included; all known ones when none is named."""
    built = image.ensure(say)
    chosen = names or [host.name for host in vm.known()]
    _together(lambda host: host.reset(built), chosen)
    return inventory.write([Vm(name) for name in chosen])


def down(names: list[str]) -> list[str]:
    """End these hosts (all known ones when none is named) and delete their disks; gives the names."""
    chosen = names or [host.name for host in vm.known()]
    _together(lambda host: host.down(), chosen)
    inventory.write([Vm(name) for name in chosen])
    return chosen


class Lab:
    """The hosts in the hands of a test session. Group tests that share a state, and ``reset`` the hosts between groups."""

    inventory = INVENTORY

    def __init__(self, say: Say) -> None:
        self._say = say

    def host(self, name: str) -> LabHost:
        """The host of this name; restored if it does not run."""
        up([name], self._say)
        return LabHost(name)

    def reset(self, *names: str) -> list[LabHost]:
        """These hosts as they are in the snapshot, blank data disks included, all at once (restored if they did not run)."""
        reset(list(names), self._say)
        return [LabHost(name) for name in names]

    def down(self, *names: str) -> None:
        """End these hosts and delete their disks."""
        down(list(names))


def _up(host: Vm, built: image.Image, say: Say) -> None:
    say(f"{host.name}: {'restored' if host.up(built) else 'runs already'}")


def _together(change: Callable[[Vm], None], names: list[str]) -> None:
    hosts = [Vm(name) for name in dict.fromkeys(names)]
    with ThreadPoolExecutor(max_workers=4) as pool:
        for ended in [pool.submit(change, host) for host in hosts]:
            ended.result()
