# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A synthetic fleet whose volumes grow day by day, for the comparison of sharing strategies in allocation_bench.py."""

from __future__ import annotations

import numpy as np

EXTENT = 4 * 2**20


class Fleet:
    """Volumes of many VGs that grow day by day; what is written while a volume is full is lost.

    Growth per day is gamma distributed with a mean that differs by volume; now and then a volume gets ten days' worth at once.
    """

    def __init__(self, groups, each, days, scarcity, seed):
        random = np.random.default_rng(seed)
        count = groups * each
        self.groups, self.each, self.days = groups, each, days
        self.size = (random.lognormal(2.5, 1.0, count) * 256).astype(np.int64).clip(128, 256 * 300)
        self.used = self.size * 0.98 * random.uniform(0.4, 0.88, count)
        mean = self.used * random.lognormal(-4.6, 1.0, count)
        bursts = random.random((days, count)) < 0.01
        self.growth = random.gamma(1.0, 1.0, (days, count)) * mean * np.where(bursts, 10, 1)
        self.past = random.gamma(1.0, 1.0, (30, count)) * mean
        self.level = self.used.copy()
        wanted = self.growth.sum(axis=0).reshape(groups, each).sum(axis=1)
        self.free = (wanted * scarcity).astype(np.int64)

    def documents(self, day, now):
        """Return what the lookup would: demand = the 0.9 quantile of the growth of seven days, from the days before."""
        known = np.concatenate([self.past, self.growth[:day]])[-30:]
        weeks = np.stack([known[start : start + 7].sum(axis=0) for start in range(len(known) - 6)])
        demand = self.used + np.quantile(weeks, 0.9, axis=0)
        listed = []
        for number in range(self.groups * self.each):
            vg, total = f"vg{number // self.each}", int(self.size[number] * EXTENT * 0.98)
            used = min(int(self.used[number] * EXTENT), total)
            listed.append(
                {
                    "entity": f"lv:h/{vg}/d{number}", "host": "h", "vg": vg, "lv": f"d{number}", "uuid": f"u{number}",
                    "size_bytes": int(self.size[number]) * EXTENT, "fs": {"type": "xfs", "size": total, "used": used, "avail": total - used},
                    "managed": True, "mounted": True, "demand_bytes": float(demand[number] * EXTENT), "demand_status": "ok",
                    "history_mean_bytes": float(self.level[number] * EXTENT), "observed_at": now,
                }
            )  # fmt: skip
        grouped = [
            {
                "entity": f"vg:h/vg{vg}", "host": "h", "vg": f"vg{vg}", "uuid": f"g{vg}", "extent_bytes": EXTENT,
                "extents_free": int(self.free[vg]), "reserve_extents": 0,
            }
            for vg in range(self.groups)
        ]  # fmt: skip
        return listed, grouped

    def grow(self, answer):
        """Carry out the actions."""
        for action in answer["actions"]:
            number = int(action["target"].rsplit("/d", 1)[1])
            extents = (action["to"]["size"] - action["from"]["size"]) // EXTENT
            self.size[number] += extents
            self.free[number // self.each] -= extents

    def live(self, day):
        """Let a day pass; return which volumes ran full and what they could not write, in extents."""
        wanted = self.used + self.growth[day]
        room = self.size * 0.98
        self.used = np.minimum(wanted, room)
        self.level = 0.97 * self.level + 0.03 * self.used
        return wanted > room, np.maximum(wanted - room, 0).sum()
