"""Work that takes time: generators that yield how many seconds of the cluster's clock they wait. One thread runs all of them, under the world's lock."""

from __future__ import annotations

import heapq
import itertools
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from .clock import Clock

Work = Generator[float, None, None]


@dataclass(order=True)
class Job:
    """A generator and when it goes on."""

    due: float
    order: int
    work: Work = field(compare=False)
    ended: Callable[[BaseException | None], None] = field(compare=False)
    cancelled: bool = field(default=False, compare=False)
    error: BaseException | None = field(default=None, compare=False)


def told(error: BaseException | None) -> None:
    """For work that nobody waits for: a defect is shown where the sandbox runs."""
    if error is not None:
        traceback.print_exception(error)


class Scheduler:
    """Runs jobs when the clock reaches them. ``lock`` guards the whole world; whoever starts a job holds it."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._changed = threading.Condition(lock)
        self._jobs: list[Job] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._ended = False

    def start(self, work: Work, ended: Callable[[BaseException | None], None], delay: float = 0.0) -> Job:
        """Run ``work``; ``ended`` hears its exception or None."""
        job = Job(self._clock.now() + delay, next(self._numbers), work, ended)
        heapq.heappush(self._jobs, job)
        self._changed.notify_all()
        return job

    def interrupt(self, job: Job, error: BaseException) -> Job:
        """Throw ``error`` into a job at once, where it waits."""
        again = Job(self._clock.now(), next(self._numbers), job.work, job.ended, error=error)
        job.cancelled = True
        heapq.heappush(self._jobs, again)
        self._changed.notify_all()
        return again

    def clear(self) -> None:
        """Forget all jobs."""
        for job in self._jobs:
            job.work.close()
        self._jobs.clear()

    def clock_changed(self) -> None:
        """The clock runs at another speed."""
        self._changed.notify_all()

    def run(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._loop, name="sandbox scheduler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _loop(self) -> None:
        with self._changed:
            while not self._ended:
                if not self._jobs:
                    self._changed.wait()
                    continue
                wait = self._jobs[0].due - self._clock.now()
                if wait > 0:
                    self._changed.wait(wait / self._clock.speed if self._clock.speed else None)
                    continue
                job = heapq.heappop(self._jobs)
                if not job.cancelled:
                    self._step(job)

    def _step(self, job: Job) -> None:
        error: BaseException | None = None
        with self._clock.pretend(job.due):
            try:
                wait = job.work.throw(job.error) if job.error is not None else next(job.work)
            except StopIteration:
                pass
            except Exception as caught:  # noqa: BLE001 - handed to whoever started the job
                error = caught
            else:
                job.error = None
                job.due += wait
                job.order = next(self._numbers)
                heapq.heappush(self._jobs, job)
                return
            job.ended(error)
