"""The virtual machine: everything a snapshot and its restored copies must have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

QEMU = "qemu-system-x86_64"
MEMORY_MIB = 1536
CPUS = 2
GIB = 1024**3
ROOT_BYTES = 4 * GIB
DATA_DISKS_BYTES = (12 * GIB, 4 * GIB)  # blank; /dev/vdb and /dev/vdc in the guest

# The host's kernel does the guarding here; a guest without mitigations is a third faster under emulation.
KERNEL_COMMAND_LINE = (
    "root=/dev/vda rw console=ttyS0 quiet psi=1 apparmor=0 mitigations=off nopti net.ifnames=0 "
    "systemd.show_status=false no_timer_check tsc=reliable random.trust_cpu=on"
)


@dataclass(frozen=True)
class Sockets:
    """Files of one running QEMU."""

    directory: Path

    @property
    def qmp(self) -> Path:
        return self.directory / "qmp.sock"

    @property
    def pid(self) -> Path:
        return self.directory / "qemu.pid"

    @property
    def console(self) -> Path:
        return self.directory / "console.log"


def qemu_command(
    name: str,
    kernel: Path,
    initrd: Path,
    root: Path,
    data: list[Path],
    sockets: Sockets,
    port: int,
    kernel_options: str = "",
) -> list[str]:
    """The command line of one VM; ``port`` on 127.0.0.1 leads to its ssh, ``kernel_options`` serve a cold boot.

    Always TCG: where /dev/kvm exists it may still be unusable, and a snapshot restores only under the
    accelerator it was taken with. The guest reaches no network (``restrict``): tests get the same everywhere.
    """
    command = [
        QEMU,
        *("-name", name, "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max"),
        *("-smp", str(CPUS), "-m", str(MEMORY_MIB), "-nodefaults", "-no-user-config", "-display", "none"),
        *("-kernel", str(kernel), "-initrd", str(initrd), "-append", f"{KERNEL_COMMAND_LINE} {kernel_options}".strip()),
        *("-blockdev", f"driver=qcow2,node-name=root,cache.no-flush=on,file.driver=file,file.filename={root},file.cache.no-flush=on"),
        *("-device", "virtio-blk-pci,drive=root"),
    ]
    for number, disk in enumerate(data, start=1):
        node = f"data{number}"
        command += [
            *(
                "-blockdev",
                f"driver=raw,node-name={node},cache.no-flush=on,discard=unmap,file.driver=file,file.filename={disk},file.discard=unmap",
            ),
            *("-device", f"virtio-blk-pci,drive={node},serial={node}"),
        ]
    command += [
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=net,mac=52:54:00:12:34:56,romfile="),
        *("-device", "virtio-rng-pci"),
        *("-chardev", f"file,id=console,path={sockets.console}", "-serial", "chardev:console"),
        *("-qmp", f"unix:{sockets.qmp},server=on,wait=off"),
        *("-daemonize", "-pidfile", str(sockets.pid)),
    ]
    return command
