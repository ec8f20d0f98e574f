"""What changes of configurations share: reading the request, tags, network devices, disks that are made or let go."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import schema, volumes
from .errors import Refused
from .formats import split_list
from .guest import LXC, NEW_VOLUME, QEMU, Guest, is_disk
from .model import GIB
from .properties import join_properties, split_properties
from .units import format_size, parse_size

if TYPE_CHECKING:
    from .api import Call
    from .world import World

# Parameters of the call itself, no options of the guest.
_CONTROL = ("node", "vmid", "digest", "delete", "revert", "skiplock", "force", "background_delay", "import-working-storage")
# Options that the API shows, and knows as such, but nobody sets through it.
_KEPT = {LXC: ("parent", "snaptime"), QEMU: ("parent", "snaptime", "vmstate", "runningmachine", "runningcpu", "meta")}
_MOST_SHARES = 10_000  # of cgroup v2, which takes no more
_MAC_PREFIX = "BC:24:11"


@dataclass
class Change:
    """What a request wants to set, delete and revert."""

    values: dict[str, str]
    delete: list[str]
    revert: list[str]

    @classmethod
    def of(cls, call: Call) -> Change:
        """What a call asks for."""
        values = {name: call.get(name) for name in call.params if name not in _CONTROL}
        if "cpuunits" in values:
            values["cpuunits"] = str(min(int(values["cpuunits"]), _MOST_SHARES))
        return cls(values, split_list(call.get("delete")), split_list(call.get("revert")))


def known(call: Call, kind: str, option: str) -> bool:
    """Whether a guest has such an option."""
    if option in _KEPT[kind]:
        return True
    return option not in _CONTROL and schema.describe(call.method.parameters, option) is not None


def tags(world: World, text: str) -> str:
    """Tags as they are stored: as the datacenter's tag-style says, else lower-case, sorted and unique."""
    style = split_properties(world.datacenter.get("tag-style", ""))
    found = split_list(text)
    if style.get("case-sensitive") != "1":
        found = [tag.lower() for tag in found]
    found = list(dict.fromkeys(found))
    return ";".join(found if style.get("ordering") == "config" else sorted(found))


def mac(world: World, vmid: int, option: str) -> str:
    """An address of the datacenter's prefix, the same for the same device in every run."""
    prefix = world.datacenter.get("mac_prefix", _MAC_PREFIX).rstrip(":").split(":")
    source = random.Random(f"{vmid} {option}")
    return ":".join([*prefix, *(f"{source.randrange(256):02X}" for _unused in range(6 - len(prefix)))])


def stored(world: World, guest: Guest, option: str, value: str) -> str:
    """An option's value as the configuration keeps it; new disks are made."""
    if option == "tags":
        return tags(world, value)
    if guest.kind == LXC and option in ("nameserver", "searchdomain"):
        return " ".join(split_list(value))
    if is_disk(guest.kind, option):
        return disk(world, guest, option, value)
    if option.startswith("net") and option[3:].isdigit():
        return _net(world, guest, option, value)
    return value


def _net(world: World, guest: Guest, option: str, value: str) -> str:
    if guest.kind == LXC:
        parts = split_properties(value)
        parts = {"name": parts.pop("name")} | dict(sorted(({"type": "veth", "hwaddr": mac(world, guest.vmid, option)} | parts).items()))
        return join_properties(parts)
    form = schema.load().methods["PUT", "/nodes/{node}/qemu/{vmid}/config"].parameters["net[n]"]["format"]
    parts = schema.load().properties(option, form, value)
    model, address = parts.pop("model"), parts.pop("macaddr", None) or _old_mac(guest, option) or mac(world, guest.vmid, option)
    return join_properties({model: address} | dict(sorted(parts.items())))


def _old_mac(guest: Guest, option: str) -> str | None:
    return next((part.partition("=")[2] for part in guest.config.get(option, "").split(",") if part.count(":") == 5), None)


def disk(world: World, guest: Guest, option: str, value: str) -> str:
    """A disk's value: ``STORAGE:GIB`` makes a volume, anything else names one.

    :raises Refused: no such storage or volume
    """
    default = "volume" if guest.kind == LXC else "file"
    parts = split_properties(value, default)
    if "volume" in parts and guest.kind == QEMU:
        parts["file"] = parts.pop("volume")
    name = parts.pop(default)
    form = parts.pop("format", None)
    wanted = NEW_VOLUME.fullmatch(name)
    if guest.kind == QEMU and name.endswith(":cloudinit"):
        storage = world.storage(name.partition(":")[0])
        volume = (
            f"{storage.id}:{guest.vmid}/vm-{guest.vmid}-cloudinit.qcow2" if storage.files else f"{storage.id}:vm-{guest.vmid}-cloudinit"
        )
        return join_properties({default: volume, "media": "cdrom"}, default)
    if wanted is not None:
        source = parts.pop("import-from", None)
        size = int(float(wanted[2]) * GIB) or (GIB if source else 4 << 20)
        content = "rootdir" if guest.kind == LXC else "images"
        made = volumes.allocate(world, world.storage(wanted[1]), guest.node, guest.vmid, size, content, form or "raw")
        name, parts["size"] = made.id, format_size(size)
    elif ":" in name and not name.startswith("/") and parts.get("media") != "cdrom":
        world.storage(name.partition(":")[0])
        found = world.volume(name, guest.node)
        if found is None:
            raise Refused(f"volume '{name}' does not exist")
        parts["size"] = format_size(found.size)
    return join_properties({default: name} | dict(sorted(parts.items())), default)


def let_go(world: World, guest: Guest, option: str) -> None:
    """Delete a disk option: its volume stays as an unused disk; deleting that one removes it."""
    value = guest.config.pop(option, None)
    if value is None:
        return
    volume = split_properties(value, "volume" if guest.kind == LXC else "file")
    name = volume.get("volume") or volume.get("file") or ""
    if option.startswith("unused"):
        volumes.remove(world, name, guest.node)
    elif is_disk(guest.kind, option) and volume.get("media") != "cdrom" and world.volume(name, guest.node):
        number = next(i for i in range(256) if f"unused{i}" not in guest.config)
        guest.config[f"unused{number}"] = name


def need_space(call: Call, options: dict[str, str]) -> None:
    """:raises Forbidden: new volumes on a storage that the caller may not use"""
    for value in options.values():
        wanted = new_volume(value)
        if wanted is not None:
            call.need(f"/storage/{wanted[1]}", "Datastore.AllocateSpace")


def new_volume(value: str) -> re.Match[str] | None:
    """The storage and the size of a volume that a mount point or a drive asks for; None where it names one."""
    parts = split_properties(value, "file")
    return NEW_VOLUME.fullmatch(parts.get("file") or parts.get("volume", ""))


def forget_empty(guest: Guest) -> None:
    """A configuration file has no empty values: they are gone when it is read again."""
    for values in (guest.config, guest.pending):
        for name in [name for name, value in values.items() if value == ""]:
            del values[name]


def write(call: Call, guest: Guest) -> None:
    """:raises Refused: the configuration file cannot be written without quorum"""
    if not call.world.quorate(call.node):
        raise Refused(f"unable to open file '/etc/pve/{guest.path}.tmp.{guest.vmid + 1000}' - Permission denied")


def disk_bytes(guest: Guest, option: str) -> int:
    """The size of a disk."""
    return parse_size(guest.disks[option].get("size", "0"))
