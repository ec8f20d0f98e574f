# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A generated fleet: facts documents of a few hosts over time, in the shapes of the facts modules, and a store filled from them by `record`.

Nothing here was measured. It is for tests and pictures of the report; the names say what each volume is there for.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import allocate
from ansible_collections.foresight.capacity.plugins.plugin_utils.history.recording import write_recording
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.plan import plan
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.record import record
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.volumes import volumes

Document = dict[str, Any]
GIB, MIB = 2**30, 2**20
STEP = 600
STEPS = 96
START = 1_763_640_000  # 2025-11-20 12:00 UTC
NOW = START + (STEPS - 1) * STEP + 5
NASTY_MOUNT = "/srv/</script><b>ü\"'&"
LIVE = ("web1", "db1", "files1", "files2", "edge1", "empty1")
HOSTS = [*LIVE, "lab1", "gen1", "never1"]
MANAGE: list[Document] = [
    {"match": "lv:web1/vg0/data", "max": "60 GiB"},
    {"match": "lv:web1/vg0/logs"},
    {"match": "lv:web1/vg0/www"},
    {"match": "lv:web1/vg0/blo*", "min": "6 GiB"},
    {"match": "lv:db1/vg0/*", "priority": 2},
    {"match": "lv:files*/*"},
    {"match": "lv:lab1/*"},
    {"match": "lv:edge1/*"},
]


def logical_volume(
    name: str, size: float, used: float | None = None, *, fs: str = "ext4", mount: str | None = None, **fields: Any
) -> Document:
    """Return one entry of `lvs`; size and used in GiB, used None = no file system."""
    total, filesystem = int(size * GIB), None
    if used is not None:
        space = total - total // 50
        filled = min(int(used * GIB), space)
        filesystem = {
            "type": fs, "uuid": f"fs-{name}", "label": None, "device": f"/dev/mapper/{name}", "size": space, "used": filled, "avail": space - filled,
            "inodes": 524288, "inodes_used": 1000, "mountpoints": [mount or f"/srv/{name}"], "read_only": False, "reason": None,
        }  # fmt: skip
    return {
        "vg": "vg0", "vg_uuid": None, "name": name, "uuid": f"lv-{name}", "path": f"/dev/vg0/{name}", "dm_path": None, "size": total, "active": True,
        "segment_type": "linear", "attr": "-wi-ao----", "tags": [], "origin": None, "pool": None, "snapshot_fraction": None, "sync_fraction": None,
        "data_fraction": None, "metadata_fraction": None, "metadata_size": None, "role": "plain", "stack": [], "in_progress": None,
        "filesystem": filesystem, **fields,
    }  # fmt: skip


def unmounted(volume: Document) -> Document:
    """Return the volume with a file system that nobody has mounted, so that its use is unknown."""
    unknown = {"used": None, "avail": None, "inodes_used": None, "mountpoints": [], "reason": "not_mounted"}
    return {**volume, "filesystem": {**volume["filesystem"], **unknown}}


def facts(host: str, at: int, lvs: Sequence[Document], *, groups: dict[str, float] | None = None, uuid: str | None = None) -> Document:
    """Return the facts documents of a host; groups: GiB by VG name, what the volumes leave of it is free."""
    vgs = []
    own = [{**lv, "uuid": f"{lv['uuid']}-{host}", "vg_uuid": f"{lv['vg']}-{host}"} for lv in copy.deepcopy(list(lvs))]
    for name, size in (groups or {"vg0": 100}).items():
        total = int(size * GIB)
        taken = sum(lv["size"] for lv in own if lv["vg"] == name and lv["pool"] is None and lv["role"] != "internal")
        extent = 4 * MIB
        vgs.append(
            {
                "name": name, "uuid": uuid or f"{name}-{host}", "size": total, "free": total - taken, "extent_bytes": extent, "extents": total // extent,
                "extents_free": (total - taken) // extent, "tags": [], "lock_type": None, "system_id": None, "foreign": False, "partial": False,
                "exported": False, "pv_count": 1,
            }
        )  # fmt: skip
    return {
        "foresight_lvm": {
            "schema": "foresight.lvm/1", "observed_at": at, "machine_id": f"machine-{host}", "boot_id": "00000000-0000-0000-0000-000000000001",
            "available": True, "reason": None, "message": None, "lvm_version": "2.03.16", "pvs": [], "vgs": vgs, "lvs": own,
        }
    }  # fmt: skip


def _wobble(number: int, size: float) -> float:
    """Return something irregular between -size and size, the same in every run."""
    return size * math.sin(number * 1.7) * math.cos(number * 0.61)


def web1(number: int, at: int) -> Document:
    saw = 3 + (number % 24) * 0.55
    return facts("web1", at, [
        logical_volume("data", 24, 9 + 0.135 * number + _wobble(number, 0.15)),
        logical_volume("logs", 20, saw + _wobble(number, 0.2), fs="xfs", mount="/var/log"),
        logical_volume("www", 12, 4.2 + _wobble(number, 0.02), mount=NASTY_MOUNT, tags=["</script><script>boom()</script>", 'a"b\'c']),
        logical_volume("tmp", 8, 4.4 + 0.03 * number + _wobble(number, 0.1), mount="/var/tmp"),
        logical_volume("blob", 4),
    ])  # fmt: skip


def db1(number: int, at: int) -> Document:
    return facts("db1", at, [
        logical_volume("wal", 16, 6 + 0.1 * number + _wobble(number, 0.1), fs="xfs", mount="/var/lib/postgresql/wal"),
        logical_volume("pg", 50, 30 + 0.04 * number + _wobble(number, 0.2), fs="xfs", mount="/var/lib/postgresql"),
        unmounted(logical_volume("archive", 6, 1)),
        logical_volume("raw", 4),
        logical_volume("nightly", 4, role="snapshot", origin="pg", segment_type="linear", snapshot_fraction=0.31),
        logical_volume("pool", 30, vg="thin", role="pool", segment_type="thin-pool", data_fraction=0.4 + number / 400, metadata_fraction=0.12),
        logical_volume("box", 40, 8 + 0.05 * number, vg="thin", pool="pool", segment_type="thin"),
    ], groups={"vg0": 86, "thin": 50})  # fmt: skip


def files(host: str) -> Callable[[int, int], Document]:
    """Return a host that shares its VG with another one."""
    return lambda number, at: facts(
        host, at, [logical_volume("share", 30, 16 + 0.12 * number + _wobble(number, 0.2), mount="/export")], uuid="vg-of-both"
    )


def edge1(number: int, at: int) -> Document:
    return facts("edge1", at, [logical_volume("spool", 10, 5 + 0.03 * number, mount="/var/spool")], groups={"vg0": 20})


def empty1(number: int, at: int) -> Document:
    return facts("empty1", at, [], groups={"vg0": 20})


def lab1(number: int, at: int) -> Document:
    return facts(
        "lab1", at, [logical_volume("home", 12, 5 + 0.06 * number + _wobble(number, 0.15), fs="xfs", mount="/home")], groups={"vg0": 40}
    )


def gen1(number: int, at: int) -> Document:
    return facts("gen1", at, [logical_volume("made", 10, 3 + 0.05 * number, mount="/srv/made")], groups={"vg0": 20})


def fill(folder: Any, *, now: int = NOW, steps: int = STEPS, synthetic: bool = False) -> str:
    """Record the whole fleet into a store in this folder; return its path.

    edge1 was silent in the last run, lab1 comes from a recording that is a month old, the history of gen1 is imported as synthetic, never1 was
    never observed.

    :param steps: how many of the STEPS observations there are, the newest ones.
    :param synthetic: import all but the last observation as a synthetic history instead of recording it run by run.
    """
    store = f"{folder}/store.db"
    last = now - (now - START) % STEP
    times = [(number, last - (STEPS - 1 - number) * STEP) for number in range(STEPS - steps, STEPS)]
    makers = {"web1": web1, "db1": db1, "files1": files("files1"), "files2": files("files2"), "edge1": edge1, "empty1": empty1}
    _import_recording(folder, "month_old", [("lab1", lab1(number, at - 30 * 86400)) for number, at in times], now, synthetic, shift=True)
    _import_made(folder, times[:-1])
    if synthetic:
        past = [(host, maker(number, at)) for number, at in times[:-1] for host, maker in makers.items()]
        _import_recording(folder, "past", past, times[-2][1], True, shift=False)
    else:
        for number, at in times[:-1]:
            _record(store, at, {host: maker(number, at) for host, maker in makers.items()}, list(LIVE))
    answering = {host: maker(STEPS - 1, last) for host, maker in {**makers, "gen1": gen1}.items() if host != "edge1"}
    _record(store, last, answering, HOSTS, facts_from=f"{folder}/month_old.jsonl.gz", shift_to_now=True)
    return store


def _record(store: str, at: int, documents: Document, hosts: list[str], **options: Any) -> None:
    lost = [host for host in hosts if host not in documents and host != "lab1"]
    record(store=store, now=at + 2, hosts=hosts, lost=lost, facts=documents, **options)


def _import_recording(folder: Any, name: str, lines: list[tuple[str, Document]], now: int, synthetic: bool, *, shift: bool) -> None:
    path = f"{folder}/{name}.jsonl.gz"
    write_recording(path, lines)
    import_history(store=f"{folder}/store.db", now=now, path=[path], shift_to_now=shift, synthetic=synthetic)


def _import_made(folder: Any, times: Sequence[tuple[int, int]]) -> None:
    path = f"{folder}/gen1.csv"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("time,made\n")
        for number, at in times:
            stream.write(f"{at},{gen1(number, at)['foresight_lvm']['lvs'][0]['filesystem']['used']}\n")
    table = {"time_column": "time", "entity": "lv:gen1/vg0/made", "columns": {"made": {"metric": "used_bytes"}}}
    import_history(store=f"{folder}/store.db", now=times[-1][1], path=[path], synthetic=True, table=table)


def make_plan(
    store: str,
    *,
    now: int = NOW,
    hosts: Sequence[str] = tuple(HOSTS),
    manage: Sequence[Document] = tuple(MANAGE),
    horizon: str = "6h",
    **options: Any,
) -> Document:
    """Forecast, share and plan as playbooks/plan.yml does; return what the workflow `plan` returns."""
    document = volumes(store=store, now=now, hosts=list(hosts), manage=list(manage), horizon=horizon, reserve="5%")
    policy = {"now": now, "headroom": 0.1, "max_step_fraction": 0.5}
    allocation = allocate(document["volumes"], document["groups"], policy, document["pools"], document["snapshots"])
    return plan(store=store, now=now, inventory=list(hosts), hosts=list(hosts), **allocation, **options)


def fill_many(store: str, *, hosts: int, volumes: int, observations: int, now: int = NOW) -> None:
    """Record a large fleet of hosts many0, many1 … with volumes that grow at different speeds, all observations by `record`."""
    names = [f"many{number}" for number in range(hosts)]
    for number in range(observations):
        at = now - 5 - (observations - 1 - number) * STEP
        documents = {
            host: facts(
                host,
                at,
                [logical_volume(f"v{lv:03}", 8, 2 + (lv * 7 + place) % 50 / 10 + number * (lv % 5) * 0.01) for lv in range(volumes)],
                groups={"vg0": 10 * volumes},
            )
            for place, host in enumerate(names)
        }
        _record(store, at, documents, names)
