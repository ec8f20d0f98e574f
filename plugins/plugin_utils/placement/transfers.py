# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long migrations take that run at the same time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.cluster import Cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.journey import Hop


class Durations:
    """Seconds that a guest's `migration` tells, for the target or for any, or else its bytes over its share of the links.

    What leaves a node at the same time shares its link, and so does what comes; `bandwidth` (bytes a second, None = no limit) is how much of each
    link migrations may use.
    """

    def __init__(self, cluster: Cluster, bandwidth: float | None) -> None:
        self._cluster = cluster
        most = math.inf if bandwidth is None else bandwidth
        self._rates = [min(most, math.inf if math.isnan(link) else link) for link in cluster.links.tolist()]

    def of(self, hops: Sequence[Hop]) -> list[float | None]:
        """Return the seconds of each of these migrations when they run together; None = not known."""
        sizes = [self._cluster.bytes_to(hop.guest, hop.target) for hop in hops]
        sending = [hop for hop, size in zip(hops, sizes, strict=True) if size > 0]
        out_of, into = Counter(hop.source for hop in sending), Counter(hop.target for hop in sending)
        return [self._seconds(hop, size, out_of, into) for hop, size in zip(hops, sizes, strict=True)]

    def _seconds(self, hop: Hop, size: float, out_of: Counter[int], into: Counter[int]) -> float | None:
        told = self._cluster.predicted(hop.guest, hop.target, "seconds")
        if told is not None:
            return told
        if not size:
            return 0.0
        rate = min(self._rates[hop.source] / out_of[hop.source], self._rates[hop.target] / into[hop.target])
        return None if math.isinf(rate) else size / rate


def modes(cluster: Cluster) -> list[str]:
    """Return how each guest migrates: as `migration` tells, or else live (a running virtual machine), restart (a container) or offline."""
    found = []
    for name, running, migration in zip(cluster.guests, cluster.running.tolist(), cluster.migrations, strict=True):
        usual = "offline" if not running else "restart" if name.startswith("lxc/") else "live"
        found.append(migration.mode if migration is not None and migration.mode else usual)
    return found
