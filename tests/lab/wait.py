"""Waiting for a condition: polls, never a blind sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def wait_for(condition: Callable[[], Seen | None], timeout: float, what: str, every: float = 0.1) -> Seen:
    """Poll ``condition`` until it gives something true, and return that.

    ``timeout`` and ``every`` are seconds; ``what`` names the awaited thing in the error.
    Raises TimeoutError, which also tells what the condition gave last.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = condition()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}; last seen: {seen!r}")
        time.sleep(every)
