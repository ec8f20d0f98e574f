# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The constraints on services of machine reassignment, kept while processes move: conflict, spread and dependency."""

from __future__ import annotations

import numpy as np
from roadef_instance import Instance


class Services:
    """Where the services of an instance are, and which of their processes may move where.

    present [s, m]: whether a machine has a process of the service; breaches: locations that services lack to be spread, and services that are
    missing where another needs them.
    """

    def __init__(self, instance: Instance, at: np.ndarray) -> None:
        self._service, self._spread = instance.service, instance.spread
        self._location, self._area = instance.location, instance.neighbourhood
        services, self._machines = len(instance.spread), len(instance.capacity)
        self._locations, self._areas = int(self._location.max()) + 1, int(self._area.max()) + 1
        self._needs = tuple(tuple(sorted(set(needed) - {service})) for service, needed in enumerate(instance.needs))
        needed_by: list[list[int]] = [[] for _service in range(services)]
        for service, needed in enumerate(self._needs):
            for other in needed:
                needed_by[other].append(service)
        self._needed_by = tuple(map(tuple, needed_by))
        self.tied = np.array([bool(needs or by) for needs, by in zip(self._needs, self._needed_by, strict=True)], dtype=bool)
        pairs = {(one, other) for one, needed in enumerate(self._needs) for other in needed}
        self._pairs = np.array(sorted(one * services + other for pair in pairs for one, other in (pair, pair[::-1])), dtype=np.int64)
        # Flat tables: an index into one dimension is found faster than one into two.
        self.present = np.zeros(services * self._machines, dtype=bool)
        self._at_location = np.zeros(services * self._locations, dtype=np.int32)
        self._at_area = np.zeros(services * self._areas, dtype=np.int32)
        self.present[self._service * self._machines + at] = True
        np.add.at(self._at_location, self._service * self._locations + self._location[at], 1)
        np.add.at(self._at_area, self._service * self._areas + self._area[at], 1)
        self._spare = (self._at_location.reshape(services, -1) > 0).sum(axis=1) - self._spread
        # How many services in a neighbourhood need a service, less those that it lacks itself: breaches more where it is missing than where it is.
        self._burden = np.zeros(services * self._areas, dtype=np.int32)
        there = self._at_area.reshape(services, -1) > 0
        burden = self._burden.reshape(services, -1)
        for service, needed in enumerate(self._needs):
            for other in needed:
                burden[service] -= ~there[other]
                burden[other] += there[service]
        self.breaches = -int(np.minimum(self._spare, 0).sum())
        self.breaches += sum(int((there[service] & ~there[other]).sum()) for service, needed in enumerate(self._needs) for other in needed)
        self._spreading = bool((self._spread > 1).any())
        self._depending = bool(len(self._pairs))

    def free(self, services: np.ndarray, machines: np.ndarray) -> np.ndarray:
        """Return whether machines have no process of services yet."""
        return ~self.present[services * self._machines + machines]

    def related(self, services: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return whether one of two services needs the other."""
        found = np.zeros(len(services), dtype=bool)
        if self._depending:
            wanted = services * len(self._spread) + others
            place = np.minimum(np.searchsorted(self._pairs, wanted), len(self._pairs) - 1)
            found |= self._pairs[place] == wanted
        return found

    def breached(self, services: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return how many breaches of spread and dependency more there are when one process of each service moves from a machine to another."""
        found = np.zeros(len(services), dtype=np.int32)
        if self._spreading:
            base = services * self._locations
            before, after = base + self._location[sources], base + self._location[targets]
            spare = self._spare[services]
            gone, new = self._at_location[before] == 1, self._at_location[after] == 0
            found += np.minimum(spare, 0) - np.minimum(spare + (before != after) * (new.astype(np.int8) - gone), 0)
        if self._depending:
            base = services * self._areas
            before, after = base + self._area[sources], base + self._area[targets]
            gone, new = self._at_area[before] == 1, self._at_area[after] == 0
            found += (before != after) * (gone * self._burden[before] - new * self._burden[after])
        return found

    def move(self, processes: np.ndarray, sources: np.ndarray, targets: np.ndarray) -> None:
        """Move processes of different services."""
        services = self._service[processes]
        self.present[services * self._machines + sources] = False
        self.present[services * self._machines + targets] = True
        before, after = services * self._locations + self._location[sources], services * self._locations + self._location[targets]
        self._at_location[before] -= 1
        self._spare[services] -= self._at_location[before] == 0
        self._spare[services] += self._at_location[after] == 0
        self._at_location[after] += 1
        before, after = services * self._areas + self._area[sources], services * self._areas + self._area[targets]
        self._at_area[before] -= 1
        gone, new = self._at_area[before] == 0, self._at_area[after] == 0
        self._at_area[after] += 1
        for number in np.flatnonzero(self.tied[services] & (gone | new) & (before != after)).tolist():
            service = int(services[number])
            if gone[number]:
                self._count(service, int(before[number]) - service * self._areas, -1)
            if new[number]:
                self._count(service, int(after[number]) - service * self._areas, 1)

    def _count(self, service: int, area: int, sign: int) -> None:
        """Note that a neighbourhood has a service from now on, or no more."""
        for other in self._needed_by[service]:
            self._burden[other * self._areas + area] += sign
        for other in self._needs[service]:
            self._burden[other * self._areas + area] += sign

    def touched(self, service: int) -> tuple[int, ...]:
        """Return the services whose processes may move elsewhere when one of this service has moved."""
        return (service, *self._needs[service], *self._needed_by[service])
