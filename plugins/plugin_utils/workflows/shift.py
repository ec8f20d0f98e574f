# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By how much the times of a recording are shifted, the same for its history and for its facts."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import Entity


def shift_of(known: Iterable[Entity], wanted: int | None) -> int:
    """Return the shift to use: the one these entities already have in the store, else the wanted one.

    A recording laid down twice with two shifts would be two histories in one, so the first shift stays.

    :param known: the entities of the recording that the store knows already.
    :param wanted: seconds to shift what the store does not know yet; None: true times, that live hosts take as well.
    :raises InputError: where shifted and true times, or recorded and live facts, would mix.
    """
    marks = {entity.key: entity.attributes.get("recorded") for entity in known}
    shifts = {key: int(mark.get("shifted_by") or 0) for key, mark in marks.items() if isinstance(mark, dict)}
    live = sorted(key for key, mark in marks.items() if not isinstance(mark, dict))
    if wanted is None:
        shifted = {key: shift for key, shift in shifts.items() if shift}
        if shifted:
            raise InputError(
                f"{_first(shifted)} has a history here whose times were shifted by {next(iter(shifted.values()))} s; true times do not go "
                "with it. Set O(shift_to_now) (the same shift is used again), or take another store (O(store))."
            )
        return 0
    if live:
        raise InputError(
            f"{live[0]} is known here as live; neither recorded facts nor a history with shifted times go with it. Leave O(facts_from) and "
            "O(shift_to_now) away, or take another store (O(store))."
        )
    if len(set(shifts.values())) > 1:
        raise InputError(f"{_first(shifts)} and others were imported with different shifts before; take another store (O(store)).")
    return next(iter(shifts.values()), wanted)


def _first(names: Iterable[str]) -> str:
    return min(names)
