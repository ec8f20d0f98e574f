"""What a guest wants: series of CPU, memory and traffic that are functions of the time, so any moment of the past can be asked for.

Around the values of the state file swings a wave of a day, with noise per minute from the seed; or a CSV file gives the values, repeated for ever.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

DAY = 86400.0
_DEFAULT_MEMORY = 64 << 20


class Demand(NamedTuple):
    """CPU in cores, memory in bytes."""

    cpu: float
    memory: float


@dataclass(frozen=True)
class Load:
    """The load of one guest while it runs.

    ``cpu`` cores, ``memory`` bytes, ``psi`` percent of pressure, ``dirty`` bytes per second that its memory changes,
    ``wave`` and ``noise`` as fractions of the values, ``rows`` (seconds, cpu, memory) of a CSV file instead of a wave.
    """

    cpu: float = 0.05
    memory: float = _DEFAULT_MEMORY
    psi: float = 0.0
    dirty: float | None = None
    net: float = 20_000.0
    disk: float = 50_000.0
    wave: float = 0.0
    noise: float = 0.0
    salt: int = 0
    shutdown_seconds: float = 1.0
    rows: tuple[tuple[float, float, float], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, data: dict[str, Any], salt: int, folder: Path, defaults: dict[str, Any]) -> Load:
        """From a guest's ``load`` and the state file's ``load_series`` (defaults of wave and noise)."""
        known = {k: float(data[k]) for k in ("cpu", "psi", "dirty", "net", "disk", "shutdown_seconds") if k in data}
        return cls(
            **known,
            memory=float(data.get("mem", _DEFAULT_MEMORY)),
            wave=float(data.get("wave", defaults.get("wave", 0.1))),
            noise=float(data.get("noise", defaults.get("noise", 0.05))),
            salt=salt ^ int(data.get("seed", defaults.get("seed", 1))) * 7919,
            rows=read_rows(str(folder / data["csv"])) if "csv" in data else (),
        )

    def at(self, time: float) -> Demand:
        """What it wants at a moment."""
        if self.rows:
            period = self.rows[-1][0] + (self.rows[1][0] - self.rows[0][0] if len(self.rows) > 1 else 1.0)
            index = bisect_right(self.rows, time % period, key=lambda row: row[0])
            _unused, cpu, memory = self.rows[index - 1]
            return Demand(cpu, memory)
        if not self.wave and not self.noise:
            return Demand(self.cpu, self.memory)
        swing = self.wave * math.sin(2 * math.pi * (time / DAY + self.salt % 997 / 997))
        minute = int(time // 60)
        cpu = self.cpu * (1 + swing + self.noise * noise(self.salt, minute))
        memory = self.memory * (1 + 0.5 * swing + 0.5 * self.noise * noise(self.salt + 1, minute))
        return Demand(max(0.0, cpu), max(1.0, memory))

    @property
    def dirty_rate(self) -> float:
        """Bytes per second of memory that change; without a figure 20 MiB/s per core in use."""
        return self.dirty if self.dirty is not None else self.cpu * (20 << 20)


def noise(salt: int, step: int) -> float:
    """A number of -1 to 1 that depends on its arguments only."""
    x = (salt * 2654435761 + step * 2246822519) & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 2246822519 & 0xFFFFFFFF
    x ^= x >> 13
    x = x * 3266489917 & 0xFFFFFFFF
    return ((x ^ x >> 16) & 0xFFFF) / 32767.5 - 1


@cache
def read_rows(path: str) -> tuple[tuple[float, float, float], ...]:
    """The rows of a CSV file with the columns ``seconds,cpu,mem``."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = tuple(sorted((float(row["seconds"]), float(row["cpu"]), float(row["mem"])) for row in csv.DictReader(file)))
    if not rows or rows[0][0] != 0:
        raise ValueError(f"{path}: needs rows from second 0 on")
    return rows
