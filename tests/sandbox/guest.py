"""A guest: its configuration as the real server keeps it (texts, pending section, snapshots), and what runs."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from . import schema
from .load import Load
from .properties import split_properties
from .units import parse_size

MIB = 1 << 20
LXC, QEMU = "lxc", "qemu"
_FOLDERS = {LXC: "lxc", QEMU: "qemu-server"}
_LXC_DISK = re.compile(r"rootfs|mp\d+")
_QEMU_DISK = re.compile(r"(ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0")
# A volume as a mount point or a drive names it, or the wish for a new one of some GiB.
VOLUME_OPTION = re.compile(r"[a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]:\S+")
NEW_VOLUME = re.compile(r"([a-zA-Z][a-zA-Z0-9\-_.]*[a-zA-Z0-9]):(\d+(?:\.\d+)?)")
_UNKNOWN_ROOT = 4 << 30  # bytes that lists show for a container's root of unknown size
# Kept in configuration files but no option of the API.
_EXTRA = {"snaptime": "integer", "ctime": "integer"}


class Event(NamedTuple):
    """From ``at`` on the guest was on ``node``, ran or not, with these limits; what metrics of the past are computed from.

    ``limit`` is the cores that it could use (0 while paused), ``killed`` the fraction of its processes that were gone.
    """

    at: float
    node: str
    running: bool
    cpus: float
    memory: int
    swap: int
    limit: float
    killed: float


@dataclass
class Guest:
    """One container or VM. ``config`` holds the values in force, ``pending`` and ``pending_delete`` what waits for a restart."""

    kind: str
    vmid: int
    node: str
    config: dict[str, str]
    load: Load
    snapshots: dict[str, dict[str, str]] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    pending_delete: list[str] = field(default_factory=list)
    running: bool = False
    paused: bool = False
    started_at: float = 0.0
    pid: int = 0
    killed: float = 0.0  # fraction of its processes that the kernel killed since its start
    events: list[Event] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.kind}/{self.vmid}"

    @property
    def sid(self) -> str:
        return f"{'ct' if self.kind == LXC else 'vm'}:{self.vmid}"

    @property
    def word(self) -> str:
        """How messages call it."""
        return "CT" if self.kind == LXC else "VM"

    @property
    def name(self) -> str:
        return self.config.get("hostname") or f"CT{self.vmid}" if self.kind == LXC else self.config.get("name") or f"VM {self.vmid}"

    @property
    def lock(self) -> str | None:
        return self.config.get("lock")

    @property
    def template(self) -> bool:
        return self.config.get("template") == "1"

    @property
    def memory(self) -> int:
        """The memory limit in bytes."""
        return mebibytes(self.config.get("memory", "512")) * MIB

    @property
    def swap(self) -> int:
        return int(self.config.get("swap", "0")) * MIB if self.kind == LXC else 0

    def cpus(self, host: int) -> float:
        """What status calls ``cpus``: containers cores, else cpulimit, else the host's; VMs vcpus, else sockets times cores but at most the host's."""
        if self.kind == LXC:
            return float(self.config.get("cores") or 0) or float(self.config.get("cpulimit") or 0) or float(host)
        if self.config.get("vcpus"):
            return float(self.config["vcpus"])
        return float(min(self.vcpus, host))

    @property
    def vcpus(self) -> int:
        """Sockets times cores of a VM."""
        return int(self.config.get("sockets", "1")) * int(self.config.get("cores", "1"))

    def cpu_limit(self, host: int) -> float:
        """Cores that it can use at most."""
        limit = float(self.config.get("cpulimit") or 0)
        return min(self.cpus(host), limit) if limit else min(self.cpus(host), host)

    @property
    def disks(self) -> dict[str, dict[str, str]]:
        """Its disks: option → parts, with ``volume`` for the volume's id."""
        return disks_of(self.kind, self.config)

    @property
    def maxdisk(self) -> int:
        """What lists show: of a container its root, of a VM the boot disk (none = 0)."""
        disks = self.disks
        if self.kind == LXC:
            return parse_size(disks.get("rootfs", {}).get("size", "0")) or _UNKNOWN_ROOT
        order = split_properties(self.config.get("boot", "")).get("order", "").split(";")
        first = next((disks[name] for name in order if name in disks), next(iter(disks.values()), {}))
        return parse_size(first.get("size", "0"))

    @property
    def path(self) -> str:
        return config_path(self.kind, self.node, self.vmid)

    @property
    def digest(self) -> str:
        """SHA1 of the configuration file."""
        lines = [f"{key}: {value}" for key, value in sorted(self.config.items())]
        lines += [
            "[PENDING]",
            *(f"{key}: {value}" for key, value in sorted(self.pending.items())),
            f"delete: {','.join(self.pending_delete)}",
        ]
        for name, section in sorted(self.snapshots.items()):
            lines += [f"[{name}]", *(f"{key}: {value}" for key, value in sorted(section.items()))]
        return hashlib.sha1("\n".join(lines).encode()).hexdigest()

    def event(self, at: float, host: int) -> Event:
        """The present state."""
        limit = 0.0 if self.paused else self.cpu_limit(host)
        return Event(at, self.node, self.running, self.cpus(host), self.memory, self.swap, limit, self.killed)

    def note(self, at: float, host: int) -> None:
        """Remember the present state for the metrics."""
        self.events.append(self.event(max(at, self.events[-1].at) if self.events else at, host))

    def at(self, time: float) -> Event | None:
        """What it was at a time of the past; None before it existed."""
        index = bisect_right(self.events, time, key=lambda event: event.at)
        return self.events[index - 1] if index else None


def mebibytes(memory: str) -> int:
    """The MiB of an option ``memory``: a number, or ``current=NUMBER``."""
    return int(split_properties(memory, "current")["current"])


def disks_of(kind: str, config: dict[str, str]) -> dict[str, dict[str, str]]:
    """The disks of a configuration; CD-ROMs and cloud-init drives are none."""
    found = {}
    pattern, default = (_LXC_DISK, "volume") if kind == LXC else (_QEMU_DISK, "file")
    for key, value in config.items():
        if not pattern.fullmatch(key):
            continue
        parts = split_properties(value, default)
        if "file" in parts:
            parts["volume"] = parts.pop("file")
        if parts.get("media") != "cdrom" and ":" in parts.get("volume", "") and not parts["volume"].startswith("/"):
            found[key] = parts
    return found


def is_disk(kind: str, option: str) -> bool:
    """Whether an option names a disk (or a drive) of the guest."""
    return bool((_LXC_DISK if kind == LXC else _QEMU_DISK).fullmatch(option))


def config_path(kind: str, node: str, vmid: int) -> str:
    """The configuration file as messages name it."""
    return f"nodes/{node}/{_FOLDERS[kind]}/{vmid}.conf"


def options_of(kind: str) -> dict[str, Any]:
    """The descriptions of a guest's options: the parameters of the method that changes them."""
    return schema.load().methods["PUT", f"/nodes/{{node}}/{kind}/{{vmid}}/config"].parameters


def typed(kind: str, key: str, value: str) -> Any:
    """A configuration's value as the API sends it: integers and booleans as numbers, all else as text."""
    description = schema.describe(options_of(kind), key)
    type_ = description["type"] if description else _EXTRA.get(key, "string")
    if type_ in ("integer", "boolean"):
        return int(value)
    if key == "description":  # stored line by line
        return value.rstrip("\n") + "\n" if kind == LXC else value.rstrip()
    return value


def texts(config: dict[str, Any]) -> dict[str, str]:
    """A configuration of a state file as the texts of the configuration file."""
    return {key: as_text(value) for key, value in config.items()}


def as_text(value: Any) -> str:
    """A number without a needless fraction, a truth value as 0 or 1."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
