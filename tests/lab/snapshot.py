"""The stopped-VM snapshot: boot the image once, warm it up, stop it, keep its disk and memory."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lab import disks, ports, process, ssh
from lab.errors import LabError
from lab.machine import Sockets, qemu_command
from lab.qmp import Qmp
from lab.wait import wait_for

if TYPE_CHECKING:
    from lab.image import Image

BOOT_SECONDS = 600
FULL_SPEED = 1 << 40  # bytes per second: QEMU's default cap is made for networks
Say = Callable[[str], None]


def take(image: Image, say: Say) -> None:
    """Write ``root.qcow2`` and ``memory.zst`` of the booted and stopped VM beside the image's other files."""
    started = time.monotonic()
    say("booting the image once (a minute or two)")
    # Sockets need a short path, which a cache folder does not promise.
    work = Path(tempfile.mkdtemp(prefix="foresight-lab-"))
    sockets = Sockets(work)
    data = disks.make_blank(work)
    # A relative name: the folder is renamed when the image is complete.
    disks.make_overlay(image.root, backing="root.raw", backing_format="raw")
    with ports.reserved() as port:
        process.start(qemu_command("foresight-lab", image.kernel, image.initrd, image.root, data, sockets, port), sockets)
    try:
        connect = ["ssh", *ssh.options(image.key, image.known_hosts, work / "ssh"), "-p", str(port)]
        command = [*connect, "root@127.0.0.1"]
        wait_for(lambda: ssh.answers(command), BOOT_SECONDS, "ssh into the freshly booted image", every=1.0)
        say(f"booted in {time.monotonic() - started:.0f} s; warming up and stopping")
        _checked([*command, "/usr/local/lib/foresight-lab/warm-up"])
        _checked([*connect, "-O", "exit", "root@127.0.0.1"])
        with Qmp(sockets.qmp) as qmp:
            qmp.execute("stop")
            qmp.execute("migrate-set-parameters", **{"max-bandwidth": FULL_SPEED})
            qmp.execute("migrate", uri=f"exec:exec zstd -q -1 -o {shlex.quote(str(image.memory))}")
            qmp.await_migration(BOOT_SECONDS)
            with process.ending(sockets):
                qmp.execute("quit")
    finally:
        process.kill(sockets)
        shutil.rmtree(work)
    size = image.memory.stat().st_size // 1024**2
    say(f"snapshot taken, {size} MiB of memory, {time.monotonic() - started:.0f} s since power-on")


def restore(image: Image, sockets: Sockets) -> None:
    """Fill the QEMU that waits with ``-incoming defer`` from the snapshot and let it run."""
    with Qmp(sockets.qmp) as qmp:
        qmp.execute("migrate-incoming", uri=f"exec:exec zstd -q -dc {shlex.quote(str(image.memory))}")
        qmp.await_migration(BOOT_SECONDS)
        qmp.execute("cont")


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"{command[-1]} ended with {done.returncode} in the freshly booted image:\n{done.stdout}{done.stderr}")
