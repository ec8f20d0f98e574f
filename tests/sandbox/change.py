"""What changes of configurations share: reading the request, tags, network devices, disks that are made or let go."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import schema, volumes
from .errors import BadParameters, Refused
from .formats import split_list
from .guest import LXC, NEW_VOLUME, QEMU, Guest, is_disk
from .model import GIB
from .properties import join_properties, split_properties
from .units import format_size, parse_size

if TYPE_CHECKING:
    from .api import Call
    from .world import World

_CONTROL = ("node", "vmid", "digest", "delete", "revert", "skiplock", "force")
_MAC_PREFIX = "BC:24:11"


@dataclass
class Change:
    """What a request wants to set, delete and revert."""

    values: dict[str, str]
    delete: list[str]
    revert: list[str]

    @classmethod
    def of(cls, call: Call) -> Change:
        """:raises Refused: nothing at all"""
        values = {name: call.get(name) for name in call.params if name not in _CONTROL}
        change = cls(values, split_list(call.get("delete")), split_list(call.get("revert")))
        if not (values or change.delete or change.revert):
            raise Refused("no options specified")
        return change

    def conflicts(self, call: Call) -> None:
        """:raises BadParameters: one option in two roles, or one that does not exist"""
        for kind, names in (("delete", self.delete), ("revert", self.revert)):
            for name in names:
                if name in self.values:
                    raise BadParameters.of({kind: f"you can't use '-{name}' and -{kind} {name}' at the same time"})
                if name in _CONTROL or schema.describe(call.method.parameters, name) is None:
                    raise BadParameters.of({kind: f"unknown option '{name}'"})
        for name in self.delete:
            if name in self.revert:
                raise BadParameters(delete=f"you can't use '-delete {name}' and '-revert {name}' at the same time")


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
    if is_disk(guest.kind, option):
        return disk(world, guest, option, value)
    if option.startswith("net") and option[3:].isdigit():
        return _net(world, guest, option, value)
    if guest.kind == QEMU and option == "memory":
        return split_properties(value, "current")["current"]
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
        wanted = NEW_VOLUME.match(value)
        if wanted is not None:
            call.need(f"/storage/{wanted[1]}", "Datastore.AllocateSpace")


def write(call: Call, guest: Guest) -> None:
    """:raises Refused: the configuration file cannot be written without quorum"""
    if not call.world.quorate(call.node):
        raise Refused(f"unable to open file '/etc/pve/{guest.path}.tmp.{guest.vmid + 1000}' - Permission denied")


def disk_bytes(guest: Guest, option: str) -> int:
    """The size of a disk."""
    return parse_size(guest.disks[option].get("size", "0"))
