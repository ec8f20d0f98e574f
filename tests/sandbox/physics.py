"""What the machines do by themselves: times of starts and stops, memory below use, and how live memory is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .guest import LXC, Guest

if TYPE_CHECKING:
    from .model import Node
    from .world import World

START_SECONDS = {LXC: 0.6, "qemu": 0.9}
STOP_SECONDS = 0.3
MOVE_SECONDS = 0.4  # of a configuration to another node, with the tunnel that carries it
DOWNTIME_MS = 100


def memory_changed(world: World, guest: Guest) -> None:
    """A running container got another limit: what no longer fits swaps; if swap does not hold it the kernel kills, in the end the container's init."""
    if guest.kind != LXC or not guest.running:
        return
    wanted = guest.load.at(world.now()).memory * (1 - guest.killed)
    room = guest.memory + guest.swap
    if wanted <= room:
        return
    if room < 0.25 * wanted:
        world.set_running(guest, False)
        return
    guest.killed = 1 - (1 - guest.killed) * 0.9 * room / wanted
    world.note(guest)


@dataclass
class Link:
    """A transfer between two nodes; those that share a node share its link."""

    source: Node
    target: Node
    limit: float | None  # bytes per second

    def rate(self, links: list[Link]) -> float:
        """Bytes per second now."""
        busy = [sum(node in (link.source, link.target) for link in links) or 1 for node in (self.source, self.target)]
        share = min(self.source.link / busy[0], self.target.link / busy[1])
        return min(share, self.limit) if self.limit else share


class LiveMemory:
    """Pre-copy of a running VM's memory: it is sent while it changes, and what changed is sent again, until the rest fits into the downtime.

    Where it does not converge the allowed downtime is doubled, as the real one does.
    """

    def __init__(self, total: int, used: float, dirty: float, downtime_ms: float) -> None:
        self.total = total
        self.sent = 0.0
        self.left = used
        self.dirty = dirty
        self.working_set = used
        self.limit_ms = downtime_ms
        self._stalled = 0

    def step(self, seconds: float, rate: float) -> float:
        """Send for a while; seconds that were used (less than given when the rest now fits into the downtime)."""
        allowance = rate * self.limit_ms / 1000
        net = rate - self.dirty
        if self.left <= allowance:
            return 0.0
        needed = (self.left - allowance) / net if net > 0 else float("inf")
        used = min(seconds, needed)
        before = self.left
        self.sent += rate * used
        self.left = min(self.working_set, max(0.0, self.left - net * used))
        self._stalled = self._stalled + 1 if self.left > before * 0.95 else 0
        return used

    def ready(self, rate: float) -> bool:
        """Whether the rest fits into the downtime."""
        return self.left <= rate * self.limit_ms / 1000 * 1.001

    def stalls(self) -> bool:
        """Whether it stopped getting nearer; the allowed downtime is doubled then."""
        if self._stalled < 3:
            return False
        self._stalled = 0
        self.limit_ms *= 2
        return True

    def finish(self, rate: float) -> int:
        """Send the rest while the VM stands still; the downtime in milliseconds."""
        milliseconds = max(1, round(self.left / rate * 1000)) + 20  # handing over the devices
        self.sent += self.left
        self.left = 0.0
        return milliseconds


def crawl(links: list[Link], link: Link, size: float) -> float:
    """Seconds that a copy of ``size`` bytes takes at the present rate."""
    return size / link.rate(links) if size > 0 else 0.0
