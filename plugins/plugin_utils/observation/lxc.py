# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""C(foresight_lxc) documents → the containers of a host, as guests of its cluster (or of the host itself)."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.counters import Counters
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import (
    INVALID_NAME,
    Attributes,
    Issue,
    Last,
    ObservedEntity,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.node import CORES_TOLERANCE, add_pressures
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import (
    Part,
    Samples,
    is_host,
    show,
    tell_duplicate,
)

_ID = re.compile(r"(lxc|qemu)/[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}\Z")


def guest_key(cluster: str, guest: t.Any) -> str | None:
    """Return the entity key of a guest id such as C(lxc/101), or None if it is no such id."""
    return f"guest:{cluster}/{guest}" if isinstance(guest, str) and _ID.match(guest) else None


def observe_lxc(
    host: str,
    document: t.Mapping[str, t.Any],
    *,
    at: int,
    boot_id: str | None,
    cores: float | int | None,
    memory_total: float | int | None,
    recorded: dict[str, t.Any] | None,
    last: Last,
    samples: Samples,
    issues: list[Issue],
) -> tuple[list[ObservedEntity], dict[str, set[str]]]:
    """Map one document.

    :param at: the time of the observation, UTC seconds.
    :param cores: of the host, if known: a container that used more is flagged.
    :param memory_total: of the host, in bytes, if known.
    :param last: what was last recorded of this host (for the counters).
    :returns: the guests, and per kind the identities of everything the document lists. A host of a cluster sees only its own
              share of the cluster's guests, so nothing is complete there.
    """
    part = Part(document, f"host:{host}", issues)
    cluster = part.text("cluster")
    if cluster is not None and not is_host(cluster):
        part.tell("cluster", INVALID_NAME, f"is {show(cluster)}; needed is a name without slashes or blanks")
        return [], {}
    entities: list[ObservedEntity] = []
    seen: set[str] = set()
    for data in part.items("containers"):
        container = Part(data, part.entity, issues, "containers.")
        key = guest_key(cluster or host, container.data.get("id"))
        if key is None:
            container.tell("id", INVALID_NAME, f"is {show(container.data.get('id'))}; needed is a guest id such as lxc/101")
            continue
        container = Part(data, key, issues)
        if key in seen:
            tell_duplicate(container, key)
            continue
        seen.add(key)
        before = last["entities"].get(key) or {}
        counters = Counters(before.get("counters"), at=at, boot_id=boot_id)
        _sample(container, key, counters, cores, memory_total, samples)
        attributes = _attributes(host, cluster, container, counters, at=at, recorded=recorded)
        entities.append(ObservedEntity(key, key, "guest", host, attributes, at))
    return entities, {} if cluster is not None else {"guest": seen}


def _sample(
    part: Part,
    key: str,
    counters: Counters,
    cores: float | int | None,
    memory_total: float | int | None,
    samples: Samples,
) -> None:
    filesystem, io, net, swap = (part.inner(name) for name in ("filesystem", "io", "net", "swap"))
    upper = None if cores is None else cores * CORES_TOLERANCE
    samples.add(key, "cpu_cores", counters.rate("cpu_seconds", part.measured("cpu_seconds"), upper=upper))
    samples.add(key, "cpu_cores_limit", part.measured("cpu_cores_limit"))
    samples.add(key, "memory_bytes", part.measured("memory_bytes", upper=memory_total))
    samples.add(key, "memory_limit_bytes", part.measured("memory_limit"))
    samples.add(key, "swap_bytes", swap.measured("used"))
    samples.add(key, "filesystem_used_bytes", filesystem.measured("used", upper=filesystem.number("total")))
    samples.add(key, "pids", part.measured("pids"))
    for metric, rate in (
        ("disk_read_bytes_per_second", counters.rate("io.read_bytes", io.measured("read_bytes"))),
        ("disk_write_bytes_per_second", counters.rate("io.write_bytes", io.measured("write_bytes"))),
        ("network_rx_bytes_per_second", counters.rate("net.rx_bytes", net.measured("rx_bytes"))),
        ("network_tx_bytes_per_second", counters.rate("net.tx_bytes", net.measured("tx_bytes"))),
    ):
        samples.add(key, metric, rate)
    add_pressures(part, key, samples)


def _attributes(
    host: str, cluster: str | None, part: Part, counters: Counters, *, at: int, recorded: dict[str, t.Any] | None
) -> Attributes:
    filesystem = part.inner("filesystem")
    return {
        "cluster": cluster or host,
        "id": part.data["id"],
        "name": part.text("name"),
        "node_host": host,
        "state": part.text("state"),
        "cpu_cores_limit": part.number("cpu_cores_limit"),
        "memory_limit_bytes": part.integer("memory_limit"),
        "swap_total_bytes": part.inner("swap").integer("total"),
        "filesystem_total_bytes": filesystem.integer("total"),
        "filesystem_used_bytes": filesystem.integer("used", upper=filesystem.number("total")),
        "pids_limit": part.integer("pids_limit"),
        "oom_kills": part.integer("oom_kills"),
        "counters": counters.attributes(),
        "observed_at": at,
        "recorded": recorded,
    }
