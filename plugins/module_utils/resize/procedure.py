# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changing commands of a resize, in their order."""

from __future__ import annotations

import typing as t


class Step(t.NamedTuple):
    """One changing command. ``name`` is what C(stopped_at) says when it fails; ``reason`` the code of that failure."""

    name: str
    reason: str
    command: list[str]
    good: tuple[int, ...] = (0,)


class Released(t.NamedTuple):
    """What unmounts a file system, and what mounts it again. ``restore`` alone: an earlier run did not come to mounting it."""

    release: t.Sequence[Step] = ()
    restore: t.Sequence[Step] = ()


class Procedure(t.NamedTuple):
    """How a file system follows its volume.

    ``before``: on the present volume, a check, and the shrinking itself; ``after``: on the volume of its new size, the growing or a check.
    """

    released: Released = Released()
    before: t.Sequence[Step] = ()
    after: t.Sequence[Step] = ()


class Work(t.NamedTuple):
    """All steps of a resize around the one step that changes the volume, which is None where the volume has its size already."""

    procedure: Procedure
    volume: Step | None

    @property
    def steps(self) -> list[Step]:
        change = [self.volume] if self.volume is not None else []
        return [*self.procedure.released.release, *self.procedure.before, *change, *self.procedure.after, *self.procedure.released.restore]
