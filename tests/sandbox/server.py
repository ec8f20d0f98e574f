"""The sandbox as a whole: world, servers, scheduler, HA manager, faults; what the command line and the tests start."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType

from . import ha_manager, power
from .certificates import make
from .clock import Clock
from .control import Control
from .faults import Faults
from .https import Servers
from .routes import register
from .seed import Seed
from .world import World


class Sandbox:
    """A running cluster. ``base_port`` 0 takes free ports; where it is ``steered`` from outside, its control channel is named after the first port."""

    def __init__(
        self,
        state: Path,
        base_port: int = 0,
        *,
        listen: int | None = None,
        speed: float = 1.0,
        faults: Path | None = None,
        steered: bool = False,
    ) -> None:
        register()
        self._folder = tempfile.TemporaryDirectory(prefix="foresight-sandbox-")
        self._certificates = make(Path(self._folder.name))
        self.clock = Clock(speed)
        self.world = World(self.clock)
        self.world.fingerprint = self._certificates.fingerprint
        self.seed = Seed(state)
        self.faults = Faults(self.world)
        self.servers = Servers(self.world, self._certificates.context, self.faults)
        self.world.power_changed = self.sync_listener
        self.bases: dict[str, str] = {}
        self.reseed()
        with self.world.lock:
            self.faults.load(faults)
        self._control: Control | None = None
        try:
            for index, node in enumerate(self.world.nodes.values()):
                if listen is not None and index >= listen:
                    break
                self.bases[node.name] = self.servers.listen(node.name, base_port + index if base_port else 0)
                if not (node.api_up and node.alive):
                    self.servers.close(node.name)
            if steered:
                self._control = Control(int(next(iter(self.bases.values())).rpartition(":")[2]), self.command)
        except OSError:
            self.stop()
            raise
        self.world.scheduler.run()
        self.servers.start()

    @property
    def ca(self) -> str:
        """The file that verifies the servers."""
        return str(self._certificates.ca)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End everything; connections are closed."""
        if self._control is not None:
            self._control.stop()
        self.servers.stop()
        self.world.scheduler.stop()
        self._folder.cleanup()

    def reseed(self, vmid: int | None = None) -> None:
        """Restore the whole state, or one guest."""
        with self.world.lock:
            if vmid is not None:
                self.seed.restore(self.world, vmid)
                return
            self.seed.fill(self.world)
            ha_manager.start(self.world)
            for node in self.world.nodes.values():
                if node.api_up and node.alive:
                    self.servers.open(node.name)
                else:
                    self.servers.close(node.name)

    def command(self, words: list[str]) -> None:
        """Carry out a command of ``ctl``; it has its effect when this returns.

        :raises ValueError, LookupError, OSError: the command is wrong
        """
        verb, *rest = words or [""]
        commands = {
            "reseed": (0, 1), "api_down": (1, 1), "api_up": (1, 1), "node_down": (1, 1), "node_up": (1, 1), "node_death": (1, 1), "node_return": (1, 1),
            "maintenance": (2, 2), "clock": (1, 1), "faults": (1, 1),
        }  # fmt: skip
        if verb not in commands:
            raise ValueError(f"unknown command {verb!r}: needs one of {', '.join(commands)}")
        least, most = commands[verb]
        if not least <= len(rest) <= most:
            raise ValueError(f"{verb} takes {least}{f' to {most}' if most > least else ''} arguments, got {len(rest)}")
        if verb == "reseed":
            self.reseed(int(rest[0]) if rest else None)
        elif verb == "clock":
            self.set_clock(0.0 if rest[0] == "hold" else float(rest[0]))
        elif verb == "faults":
            with self.world.lock:
                self.faults.load(None if rest[0] == "none" else Path(rest[0]))
        else:
            self._node_command(verb, rest)

    def set_clock(self, speed: float) -> None:
        """Another speed; 0 holds. What the nodes tell each other is fresh at the moment the clock stops."""
        if speed < 0:
            raise ValueError(f"the clock's speed must not be negative, got {speed}")
        with self.world.lock:
            if speed == 0:
                self.world.broadcast.refresh(force=True)
            self.clock.set_speed(speed)
            self.world.scheduler.clock_changed()
        self.servers.clock_changed()

    def _node_command(self, verb: str, rest: list[str]) -> None:
        with self.world.lock:
            node = self.world.nodes.get(rest[0])
            if node is None:
                raise LookupError(f"no node {rest[0]!r}: the cluster has {', '.join(list(self.world.nodes)[:10])}")
            if verb in ("api_down", "api_up"):
                node.api_up = verb == "api_up"
            elif verb in ("node_down", "node_up"):
                power.connect(self.world, node, connected=verb == "node_up")
            elif verb == "node_death":
                power.die(self.world, node)
            elif verb == "node_return":
                power.live(self.world, node)
            elif rest[1] in ("on", "off"):
                ha_manager.maintenance(self.world, node, on=rest[1] == "on")
            else:
                raise ValueError(f"maintenance takes on or off, got {rest[1]!r}")
            self.sync_listener(node.name)

    def sync_listener(self, name: str) -> None:
        """Accept connections for a node, or refuse them, as its state says."""
        node = self.world.nodes[name]
        if node.api_up and node.alive:
            self.servers.open(name)
        else:
            self.servers.close(name)
