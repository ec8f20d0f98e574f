# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Other devices that bear the name of a file system: copies of it, or what it is a copy of."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import BlockDevice
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume


def copies(devices: dict[str, BlockDevice], volume: Volume, by_label: bool = False) -> list[str]:
    """Paths of the devices with its UUID, or its label; none of those that it is made of, for a leg of a mirror holds the same bytes."""
    own = next((device for device in devices.values() if device.path == volume.lv["filesystem"]["device"]), None)
    name = None if own is None else own.label if by_label else own.uuid
    if own is None or not name:
        return []
    alike = [device for device in devices.values() if device.number != own.number and name == (device.label if by_label else device.uuid)]
    return sorted(device.path for device in alike if own.number not in _above(devices, device.number))


def _above(devices: dict[str, BlockDevice], number: str) -> set[str]:
    """Numbers of all devices that lie on this one."""
    found: set[str] = set()
    waiting = [number]
    while waiting:
        for child in devices[waiting.pop()].children:
            if child in devices and child not in found:
                found.add(child)
                waiting.append(child)
    return found
