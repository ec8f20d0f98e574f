# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of a guest: which there are, in which units, and how a configuration writes them.

Values are cores and bytes, as everywhere in this collection; keys are C(cores), C(cpulimit), C(memory), C(swap), C(balloon) and C(disk.NAME).
"""

from __future__ import annotations

import math
import re
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human

MIB = 1 << 20
DISK = "disk."
LXC, QEMU = "lxc", "qemu"
Value = t.Union[int, float, None]
Limits = t.Dict[str, Value]

# What each kind has, and what it is without a value: a container without cores has all of its node, a VM one; cpulimit 0 is none.
DEFAULTS: t.Dict[str, Limits] = {
    LXC: {"cores": None, "cpulimit": 0, "memory": 512 * MIB, "swap": 0},
    QEMU: {"cores": 1, "cpulimit": 0, "memory": 512 * MIB, "balloon": None},
}
_BYTES = ("memory", "swap", "balloon")
_LEAST: t.Dict[str, float] = {"cores": 1, "cpulimit": 0, "memory": 16 * MIB, "swap": 0, "balloon": 0, "disk": MIB}
_MOST = {(LXC, "cores"): 8192, (LXC, "cpulimit"): 8192, (QEMU, "cores"): 8192, (QEMU, "cpulimit"): 128}
# What nothing, or 0, means.
_NONE = {(LXC, "cores"): None, (LXC, "cpulimit"): 0, (LXC, "swap"): 0, (QEMU, "cpulimit"): 0}
_DISKS = {LXC: re.compile(r"rootfs|mp\d+"), QEMU: re.compile(r"(?:ide|sata|scsi|virtio)\d+|efidisk0|tpmstate0")}
_UNITS = {"": 1, "K": 1 << 10, "M": MIB, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
# Storages round a disk up to steps of their own, LVM to extents of 4 MiB unless it was told otherwise: so much more is still the size asked for.
ROUNDING = 32 * MIB


class Disk(t.NamedTuple):
    """A volume of a guest."""

    storage: str
    size: int


def normal(kind: str, key: str, value: t.Any) -> Value:
    """A value as the API can hold it, rounded up: memory to MiB, cpulimit to thousandths of a core.

    :raises ValueError: for what this kind of guest does not have, or cannot be that; the text follows the name of the option.
    """
    name = "disk" if key.startswith(DISK) else key
    if name != "disk" and key not in DEFAULTS[kind]:
        word = "container" if kind == LXC else "VM"
        raise ValueError(f"is no limit of a {word}; needed is one of {', '.join(DEFAULTS[kind])} or a disk")
    if name == "disk" and not _DISKS[kind].fullmatch(key[len(DISK) :]):
        raise ValueError(f"names no disk of a {'container, such as rootfs or mp0' if kind == LXC else 'VM, such as scsi0 or virtio1'}")
    if not value and not isinstance(value, str) and (kind, key) in _NONE:
        return _NONE[kind, key]
    if value is None and key == "balloon":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"is {value!r}; needed is a number")
    least, most = _LEAST[name], _MOST.get((kind, key), math.inf)
    if not least <= value <= most:
        shown = human(int(least)) if name in (*_BYTES, "disk") else f"{least:g}"
        raise ValueError(f"is {value:g}; needed is at least {shown}" + (f" and at most {most:g}" if most != math.inf else ""))
    if key == "cores":
        if value != int(value):
            raise ValueError(f"is {value:g}; needed is a whole number (O(guests[].cpulimit) takes fractions)")
        return int(value)
    if key == "cpulimit":
        return math.ceil(value * 1000 - 1e-6) / 1000
    return -(-math.ceil(value) // MIB) * MIB


def written(key: str, value: Value) -> t.Optional[str]:
    """A value as a parameter of the API; None = the option is deleted."""
    if value is None or (key == "cpulimit" and value == 0):
        return None
    if key in _BYTES:
        return str(int(value) // MIB)
    return f"{value:.3f}".rstrip("0").rstrip(".") if key == "cpulimit" else str(value)


def read_value(key: str, text: t.Any) -> Value:
    """A value of a configuration."""
    if key in _BYTES:
        # A VM's memory is a property string: 2048, or current=2048.
        return int(str(text).split(",", 1)[0].rpartition("=")[2]) * MIB
    number = float(text)
    return int(number) if number == int(number) else number


def read_disks(kind: str, config: t.Mapping[str, t.Any]) -> t.Dict[str, Disk]:
    """The disks of a configuration by name; CD-ROMs, and what is no volume of a storage, are none."""
    found = {}
    for name, text in config.items():
        if not _DISKS[kind].fullmatch(name):
            continue
        parts = dict(part.partition("=")[::2] for part in str(text).split(","))
        volume = parts.get("file") or parts.get("volume") or str(text).split(",", 1)[0]
        size = _SIZE.fullmatch(parts.get("size", ""))
        if size and ":" in volume and not volume.startswith("/") and parts.get("media") != "cdrom":
            found[name] = Disk(volume.partition(":")[0], int(float(size[1]) * _UNITS[size[2]]))
    return found


def same(key: str, seen: Value, wanted: Value) -> bool:
    """Whether a limit is what it shall be. A disk is also where its storage rounded it up."""
    if key.startswith(DISK) and seen is not None and wanted is not None:
        return wanted <= seen < wanted + ROUNDING
    return seen == wanted


def show(key: str, value: Value) -> str:
    """A value as people read it."""
    if key == "cores" and value is None:
        return "all"
    if key == "balloon":
        return "as memory" if value is None else "off" if value == 0 else human(int(value))
    if key == "cpulimit":
        return "none" if not value else f"{value:g}"
    return human(int(value or 0)) if key in _BYTES or key.startswith(DISK) else f"{value}"
