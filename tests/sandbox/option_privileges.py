"""Which privilege each option of a container needs, and what containers and VMs share of it: tags and bridges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .access import ROOT
from .errors import Forbidden, Refused
from .formats import split_list
from .guest import LXC, VOLUME_OPTION, is_disk
from .properties import split_properties

if TYPE_CHECKING:
    from .api import Call

_LXC = {
    "cores": "CPU",
    "cpuunits": "CPU",
    "cpulimit": "CPU",
    "memory": "Memory",
    "swap": "Memory",
    "nameserver": "Network",
    "searchdomain": "Network",
    "hostname": "Network",
}


def check_lxc(call: Call, given: Iterable[str], old: dict[str, str] | None, *, unprivileged: bool, delete: bool = False) -> None:
    """:raises Forbidden: an option that the caller may not set (or delete)"""
    if call.who == ROOT:
        return
    before = old or {}
    for option in given:
        if option == "features":
            _features(call, before, unprivileged=unprivileged, delete=delete)
        elif option == "hookscript":
            raise Forbidden("changing the hookscript is only allowed for root@pam")
        elif re.fullmatch(r"dev\d+", option):
            raise Forbidden("configuring device passthrough is only allowed for root@pam")
        elif is_disk(LXC, option):
            call.need(f"/vms/{call.vmid}", "VM.Config.Disk")
            if not delete:
                _check_path(call, option)
        elif re.fullmatch(r"net\d+", option):
            call.need(f"/vms/{call.vmid}", "VM.Config.Network")
            for value in (before.get(option), None if delete else call.get(option)):
                check_bridge(call, value)
        elif option == "tags":
            check_tags(call, before.get("tags", ""), "" if delete else call.get("tags"))
        else:
            call.need(f"/vms/{call.vmid}", f"VM.Config.{_LXC.get(option, 'Options')}")


def _check_path(call: Call, option: str) -> None:
    """:raises Forbidden, Refused: a mount point that is no volume of a storage"""
    volume = split_properties(call.get(option), "volume").get("volume", "")
    if volume.startswith("/"):
        kind = "device" if volume.startswith("/dev/") else "bind"
        raise Forbidden(f"mount point type {kind} is only allowed for root@pam")
    if not VOLUME_OPTION.fullmatch(volume):
        raise Refused("Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 573.")


def _features(call: Call, old: dict[str, str], *, unprivileged: bool, delete: bool) -> None:
    if not unprivileged:
        raise Forbidden("changing feature flags for privileged container is only allowed for root@pam")
    before = split_properties(old.get("features", ""))
    after = {} if delete else split_properties(call.get("features"))
    changed = {key for key in before.keys() | after.keys() if before.get(key, "") != after.get(key, "")}
    if changed - {"nesting"}:
        raise Forbidden("changing feature flags (except nesting) is only allowed for root@pam")
    if changed:
        call.need(f"/vms/{call.vmid}", "VM.Allocate")


def check_tags(call: Call, old: str, new: str) -> None:
    """:raises Forbidden: tags need a privilege, those that the datacenter registers (or does not allow) a greater one"""
    call.need(f"/vms/{call.vmid}", "VM.Config.Options")
    if call.may("/", "Sys.Modify"):
        return
    privileged = set(split_list(call.world.datacenter.get("registered-tags", "")))
    style = split_properties(call.world.datacenter.get("user-tag-access", ""))
    allow = style.get("user-allow", "free")
    allowed = set(split_list(style.get("user-allow-list", ""))) if allow != "none" else set()
    if allow == "existing":
        for guest in call.world.guests.values():
            if call.may(f"/vms/{guest.vmid}", "VM.Audit"):
                allowed |= set(split_list(guest.config.get("tags", "")))
    before, after = Counter(split_list(old)), Counter(split_list(new))
    for tag in sorted(before.keys() | after.keys()):
        if before[tag] != after[tag] and (tag in privileged or not (allow == "free" or tag in allowed)):
            raise Forbidden(f"/, Sys.Modify for modifying tag '{tag}'")


def check_bridge(call: Call, net: str | None) -> None:
    """:raises Forbidden: a network device on a bridge, or in a VLAN, that the caller may not use"""
    parts = split_properties(net or "")
    if call.who == ROOT or "bridge" not in parts:
        return
    path = f"/sdn/zones/localnetwork/{parts['bridge']}"
    tags = [parts[key] for key in ("tag",) if key in parts] + sorted(split_list(parts.get("trunks", "")))
    for tag in tags:
        call.need(f"{path}/{tag}", "SDN.Use")
    if not tags:
        call.need(path, "SDN.Use")
