# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random small instances of machine reassignment, as the files of the ROADEF/EURO challenge 2012 write them."""

from __future__ import annotations

import numpy as np


def random_texts(seed, *, processes=30, machines=6, resources=3, fill=0.7):
    """Return the model and the assignment of an instance that breaks nothing at the beginning."""
    random = np.random.default_rng(seed)
    services = max(2, processes // 2)
    service = random.integers(services, size=processes)
    home = np.zeros(processes, dtype=np.int64)
    location, area = random.integers(3, size=machines), random.integers(2, size=machines)
    for one in range(services):
        inside = np.flatnonzero(service == one)
        # What does not fit beside others of its service becomes a service of its own.
        service[inside[machines:]] = services + inside[machines:]
        home[inside[:machines]] = random.permutation(machines)[: len(inside)]
    home[service >= services] = random.integers(machines, size=int((service >= services).sum()))
    _names, service = np.unique(service, return_inverse=True)
    services = int(service.max()) + 1
    demand = random.integers(1, 20, size=(processes, resources))
    used = np.zeros((machines, resources), dtype=np.int64)
    np.add.at(used, home, demand)
    capacity = np.maximum((used / fill).astype(np.int64), used.mean(axis=0).astype(np.int64)) + 5
    safety = (capacity * 0.6).astype(np.int64)
    lines = [str(resources)] + [f"{int(number == resources - 1)} {number + 1}" for number in range(resources)] + [str(machines)]
    costs = random.integers(0, 5, size=(machines, machines))
    lines += [_line([area[one], location[one], *capacity[one], *safety[one], *costs[one]]) for one in range(machines)]
    lines.append(str(services))
    for one in range(services):
        places, areas = home[service == one], set(area[home[service == one]].tolist())
        spread = int(random.integers(len(set(location[places].tolist())) + 1))
        needed = [other for other in range(services) if other != one and areas <= set(area[home[service == other]].tolist())]
        needed = needed[: int(random.integers(3))]
        lines.append(_line([spread, len(needed), *needed]))
    lines.append(str(processes))
    lines += [_line([service[one], *demand[one], random.integers(1, 9)]) for one in range(processes)]
    lines += ["1", "0 1 2", "3", "1 10 2"]
    return "\n".join(lines), _line(home)


def _line(numbers):
    return " ".join(str(int(number)) for number in numbers)
