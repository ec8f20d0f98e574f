"""Long lists of points to kill at: one that was interrupted goes on where it was."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from typing import TypeVar

Point = TypeVar("Point")


def resumed(points: Sequence[Point]) -> Iterator[tuple[int, Point]]:
    """Number and point of each, from FORESIGHT_LAB_START on (0, the first, by default; `pytest -s` shows how far a run came)."""
    start = int(os.environ.get("FORESIGHT_LAB_START", "0"))
    return itertools.islice(enumerate(points), start, None)
