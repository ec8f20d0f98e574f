"""The cluster's clock: real time, scaled or held. Task times, metrics, ``Date`` and ``/nodes/X/time`` all read it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Seconds since the epoch that run ``speed`` times as fast as real ones, 0 while held.

    It never jumps: a change of speed goes on from the present reading.
    """

    def __init__(self, speed: float = 1.0, source: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._real = source()
        self._reading = time.time()
        self.speed = speed
        self._pretended = threading.local()

    def now(self) -> float:
        """The present reading; inside ``pretend`` the one that is pretended."""
        pretended: float | None = getattr(self._pretended, "time", None)
        if pretended is not None:
            return pretended
        return self._reading + (self._source() - self._real) * self.speed

    @contextmanager
    def pretend(self, time: float) -> Iterator[None]:
        """For this thread it is ``time``: what was due then happens then, however late its thread is."""
        self._pretended.time = time
        try:
            yield
        finally:
            self._pretended.time = None

    def set_speed(self, speed: float) -> None:
        """Run at ``speed`` from now on; 0 holds."""
        self._reading, self._real = self.now(), self._source()
        self.speed = speed

    def hold(self) -> None:
        """Stand still."""
        self.set_speed(0.0)
