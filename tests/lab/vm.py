"""One lab host: a copy of the snapshot with a root overlay, blank data disks and an ssh port of its own."""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import disks, ports, process, snapshot, ssh
from lab.errors import LabError
from lab.image import Image
from lab.machine import Sockets, qemu_command
from lab.paths import host_disks, host_run, run_root
from lab.qmp import Qmp
from lab.wait import wait_for

_STATE = "host.json"
PERSONALISE = "/usr/bin/python3 /usr/local/lib/foresight-lab/personalise.py"


@dataclass(frozen=True)
class Vm:
    """A lab host by its name; what there is to know of it lies in its run directory."""

    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", self.name):
            raise LabError(
                f"{self.name!r} cannot be a lab host's name: a letter, then letters, digits and hyphens, 31 at most, all lower case"
            )

    @property
    def directory(self) -> Path:
        return host_run(self.name)

    @property
    def sockets(self) -> Sockets:
        return Sockets(self.directory)

    @property
    def exists(self) -> bool:
        return (self.directory / _STATE).is_file()

    @property
    def running(self) -> bool:
        return self.exists and process.running_pid(self.sockets) is not None

    @property
    def port(self) -> int:
        return int(self._state()["port"])

    @property
    def image(self) -> Image:
        """The image this host was restored from (the sources may have moved on since)."""
        return Image(Path(self._state()["image"]))

    def up(self, image: Image) -> bool:
        """Restore the host unless it runs already; True when it was restored."""
        with self._lock():
            if self.running:
                return False
            self._restore(image)
            return True

    def reset(self, image: Image) -> None:
        """Throw the host's state away, disks included, and restore it from the snapshot at the same port."""
        with self._lock():
            self._end()
            self._restore(image)

    def boot(self, image: Image, kernel_options: str) -> None:
        """Boot the host instead of restoring it, with more kernel options (half a minute); its disks are as after a reset."""
        with self._lock():
            self._end()
            self._start(image, kernel_options=kernel_options)
            self._await_ssh()
            self._personalise()

    def power_cycle(self) -> None:
        """Cut the power and boot again (half a minute): what the guest had not written to its disks is lost, the disks stay."""
        with self._lock():
            (self.directory / "ssh").unlink(missing_ok=True)
            with Qmp(self.sockets.qmp) as qmp:
                qmp.execute("system_reset")
            self._await_ssh()

    def slow_writes(self, bytes_per_second: int) -> None:
        """Let the data disks take so many bytes a second; 0 is as fast as they can."""
        others = dict.fromkeys(("bps", "bps_rd", "iops", "iops_rd", "iops_wr"), 0)
        with Qmp(self.sockets.qmp) as qmp:
            for disk in qmp.execute("query-block"):
                if disk.get("inserted", {}).get("node-name", "").startswith("data"):
                    qmp.execute("block_set_io_throttle", id=disk["qdev"], bps_wr=bytes_per_second, **others)

    def down(self) -> None:
        """End the host and delete its disks."""
        with self._lock():
            self._end()
            shutil.rmtree(host_disks(self.name), ignore_errors=True)
            (self.directory / _STATE).unlink(missing_ok=True)

    def ssh_command(self) -> list[str]:
        """The ssh command line into the host, up to the place where a remote command goes."""
        image = self.image
        return ["ssh", *ssh.options(image.key, image.known_hosts, self.directory / "ssh"), "-p", str(self.port), "root@127.0.0.1"]

    def _restore(self, image: Image) -> None:
        self._start(image, "-incoming", "defer")
        snapshot.restore(image, self.sockets)
        self._personalise()

    def _start(self, image: Image, *more: str, kernel_options: str = "") -> None:
        store = host_disks(self.name)
        store.mkdir(parents=True, exist_ok=True)
        data = disks.make_blank(store)
        disks.make_overlay(store / "root.qcow2", backing=str(image.root), backing_format="qcow2")
        wanted = self.port if self.exists else None
        with ports.reserved(wanted) as port:
            command = qemu_command(self.name, image.kernel, image.initrd, store / "root.qcow2", data, self.sockets, port, kernel_options)
            process.start([*command, *more], self.sockets)
        self._remember(image, port)

    def _await_ssh(self) -> None:
        wait_for(lambda: ssh.answers(self.ssh_command()), snapshot.BOOT_SECONDS, f"ssh into {self.name} after its boot", every=1.0)

    def _personalise(self) -> None:
        """Give the copy its clock, names and randomness; also proves that ssh answers."""
        command = [*self.ssh_command(), PERSONALISE, self.name, secrets.token_hex(64)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as guest:
            assert guest.stdout is not None
            said = guest.stdout.readline()
            _output, errors = guest.communicate(f"{time.time():.3f}\n" if said else None, timeout=300)
        if guest.returncode:
            raise LabError(f"{self.name} was restored but does not answer as it should ({guest.returncode}): {errors}")

    def _end(self) -> None:
        process.kill(self.sockets)
        for left_over in ("qmp.sock", "qemu.pid", "ssh"):
            (self.directory / left_over).unlink(missing_ok=True)

    def _remember(self, image: Image, port: int) -> None:
        in_use = host_disks(self.name) / "image"
        in_use.unlink(missing_ok=True)
        in_use.symlink_to(image.directory)
        state = {"name": self.name, "port": port, "image": str(image.directory)}
        partial = self.directory / f"{_STATE}.partial"
        partial.write_text(json.dumps(state) + "\n")
        partial.rename(self.directory / _STATE)

    def _state(self) -> dict[str, str]:
        try:
            state: dict[str, str] = json.loads((self.directory / _STATE).read_text())
        except FileNotFoundError:
            raise LabError(f"There is no lab host {self.name}; bring it up: .venv/bin/python tests/lab up --name {self.name}") from None
        return state

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def known() -> list[Vm]:
    """Every host that was brought up and not taken down, running or not."""
    return [Vm(path.parent.name) for path in sorted(run_root().glob(f"*/{_STATE}"))]
