# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of LVM on the simulated host, as lvm2 2.03.16 answers them: what lvs shows, and what lvextend and lvreduce do and refuse."""

from __future__ import annotations

import json

from simulated_host import Answer, SimulatedHost
from simulated_volume import EXTENT, Volume


def _lvs(host: SimulatedHost, _args: list[str]) -> Answer:
    rows = [
        {
            "lv_uuid": volume.uuid,
            "lv_name": volume.name,
            "lv_attr": "swi-a-s---" if volume.role == "snapshot" else "-wi-a-----",
            "lv_size": str(volume.extents * EXTENT),
            "origin": volume.origin,
            "segtype": volume.segment,
            "stripes": str(volume.stripes),
            "data_copies": str(volume.copies),
            "seg_start_pe": "0",
        }
        for volume in host.volumes.values()
    ]
    for volume in host.volumes.values():
        if volume.metadata_extents is not None:
            rows += [_hidden(volume, part) for part in ("tdata", "tmeta")]
    if host.spare is not None:
        rows.append(
            {
                **rows[0],
                "lv_uuid": "uuid-spare",
                "lv_name": "[lvol0_pmspare]",
                "lv_attr": "ewi-------",
                "lv_size": str(host.spare * EXTENT),
            }
        )
    return 0, json.dumps({"report": [{"lv": rows}]}), ""


def _hidden(pool: Volume, part: str) -> dict[str, str]:
    row = {"lv_uuid": f"uuid-{part}", "lv_name": f"[{pool.name}_{part}]", "lv_attr": "Twi-ao----", "origin": "", "seg_start_pe": "0"}
    size = pool.extents if part == "tdata" else pool.metadata_extents or 0
    return {
        **row,
        "lv_size": str(size * EXTENT),
        "segtype": pool.below,
        "stripes": "2" if pool.below == "raid1" else "1",
        "data_copies": "1",
    }


def _extend_metadata(host: SimulatedHost, name: str, args: list[str]) -> Answer:
    volume = host.volumes[name]
    wanted = int(args[args.index("--poolmetadatasize") + 1].rstrip("b")) // EXTENT
    assert volume.metadata_extents is not None
    if wanted <= volume.metadata_extents:
        return 0, f"  Size of logical volume vg0/{name}_tmeta unchanged from 8 MiB ({volume.metadata_extents} extents).\n", ""
    needed = (wanted - volume.metadata_extents) * (2 if volume.below == "raid1" else 1)
    needed += max(0, wanted - (host.spare or 0))
    if needed > host.free:
        return 5, "", f"  Insufficient free space: {needed} extents needed, but only {host.free} available"
    if "--test" not in args:
        host.spare = max(host.spare or 0, wanted)
        volume.metadata_extents, host.free = wanted, host.free - needed
    return 0, f"  Size of logical volume vg0/{volume.name}_tmeta changed\n", ""


def _lvextend(host: SimulatedHost, args: list[str]) -> Answer:
    name = args[-2 if args[-1] == "--test" else -1].split("/")[1]
    if "--poolmetadatasize" in args:
        answer = _extend_metadata(host, name, args)
        if answer[0] or "--extents" not in args:
            return answer
    else:
        assert host.volumes[name].metadata_extents is None, "LVM would enlarge the metadata unasked"
    wanted = int(args[args.index("--extents") + 1])
    volume = host.volumes[name]
    if any(other.origin == name and other.role == "snapshot" for other in host.volumes.values()):
        return 5, "", "  Snapshot origin volumes can be resized only while inactive: try lvchange -an."
    data_stripes = volume.stripes if volume.segment == "striped" else 1
    extents = -(-wanted // data_stripes) * data_stripes
    if extents == volume.extents:
        return 5, "", f"  New size ({extents} extents) matches existing size ({extents} extents)."
    if extents < volume.extents:
        return 5, "", f"  New size given ({extents} extents) not larger than existing size ({volume.extents} extents)"
    factor = 0 if volume.pool else volume.stripes if volume.segment in ("raid1", "mirror") else 2 if volume.below == "raid1" else 1
    needed = (extents - volume.extents) * factor
    if needed > host.free:
        return 5, "", f"  Insufficient free space: {needed} extents needed, but only {host.free} available"
    out = f"  Size of logical volume vg0/{name} changed from 1 MiB ({volume.extents} extents) to 2 MiB ({extents} extents).\n"
    if "--test" not in args:
        volume.extents, host.free = extents, host.free - needed
    return 0, out + f"  Logical volume vg0/{name} successfully resized.\n", ""


def _lvreduce(host: SimulatedHost, args: list[str]) -> Answer:
    assert "--yes" in args, "it would ask, and nobody answers"
    wanted = int(args[args.index("--extents") + 1])
    name = next(word for word in args if word.startswith("vg0/")).split("/")[1]
    volume = host.volumes[name]
    extents = -(-wanted // volume.stripes) * volume.stripes if volume.segment == "striped" else wanted
    if extents >= volume.extents:
        return 5, "", f"  New size given ({extents} extents) not less than existing size ({volume.extents} extents)"
    out = f"  Size of logical volume vg0/{name} changed from 1 MiB ({volume.extents} extents) to 2 MiB ({extents} extents).\n"
    if "--test" not in args:
        factor = 0 if volume.pool else volume.stripes if volume.segment in ("raid1", "mirror") else 1
        host.free += (volume.extents - extents) * factor
        volume.extents = extents
        # What lay behind the new end is gone.
        if volume.fs is not None and volume.fs.size > extents * EXTENT:
            volume.fs.lost = True
    return 0, out + f"  Logical volume vg0/{name} successfully resized.\n", "  WARNING: Reducing active logical volume to 2 MiB.\n"


TOOLS = {"lvs": _lvs, "lvextend": _lvextend, "lvreduce": _lvreduce}
