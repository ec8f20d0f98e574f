# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which guests of a cluster the policy names (rule 12: everything is observed, changing is opt-in)."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.fields import Fields
from ansible_collections.foresight.capacity.plugins.plugin_utils.selection import check_exclude, describe, matches

Document = dict[str, t.Any]

NOT_NAMED = "no entry of manage names it"
EXCLUDED = "it is excluded"


class Naming:
    """What a policy names.

    :param manage: entries `{match}`, a glob over keys (`guest:prod/lxc/*`, `lxc/101`) or a JMESPath expression over the guest's document each; None
      and an empty list name nothing.
    :param exclude: expressions of guests that are never moved, whatever `manage` says.
    :raises InputError: for anything else.
    """

    def __init__(self, manage: t.Any, exclude: t.Any) -> None:
        if not isinstance(manage, (list, tuple, type(None))):
            raise InputError(f"manage is {manage!r:.60}; needed is a list of mappings such as {{match: 'lxc/101'}} (O(manage)).")
        if isinstance(exclude, str) or not all(isinstance(expression, str) for expression in exclude or ()):
            raise InputError(f"exclude is {exclude!r:.60}; needed is a list of globs or JMESPath expressions (O(exclude)).")
        self._manage = [_expression(entry, number) for number, entry in enumerate(manage or (), start=1)]
        self._exclude = list(exclude or ())
        check_exclude(self._exclude)

    def marked(self, guests: Sequence[Document], *, cluster: str, host: str) -> list[Document]:
        """Return the guests with `managed`: whether they may be changed.

        Where some are named, the others stay where they are (`movable: false`, with the reason), so that no plan rests on their moving. Where none is,
        everything that is not excluded stays as movable as it was: what would help is shown, never done.
        """
        return [self._marked(guest, f"{cluster}/{guest['id']}", host) for guest in guests]

    def unused(self, guests: Sequence[Document], *, cluster: str, host: str) -> list[str]:
        """Return the expressions of `manage` and `exclude` that fit no guest: misspelt, or about one that is gone."""
        return [
            text
            for text in (*self._manage, *self._exclude)
            if not any(_fits(text, f"{cluster}/{guest['id']}", guest, host) for guest in guests)
        ]

    def _marked(self, guest: Document, name: str, host: str) -> Document:
        excluded = any(_fits(text, name, guest, host) for text in self._exclude)
        named = not excluded and any(_fits(text, name, guest, host) for text in self._manage)
        if named or not (excluded or self._manage):
            return {**guest, "managed": named}
        because = [*(guest.get("unmovable_because") or []), EXCLUDED if excluded else NOT_NAMED]
        return {**guest, "managed": False, "movable": False, "unmovable_because": because}


def _expression(entry: t.Any, number: int) -> str:
    fields = Fields(entry, f"Entry {number} of manage", "manage[]")
    fields.only(("match",))
    match = fields.text("match")
    if match.startswith("!"):
        raise fields.wrong("match", match, "an expression that chooses; what is to be left out goes to O(exclude)")
    return match


def _fits(expression: str, name: str, guest: Mapping[str, t.Any], host: str) -> bool:
    """Return whether an expression is about a guest, whose name need not hold the cluster's (`lxc/101`)."""
    attributes = describe(guest, key=f"guest:{name}", kind="guest", host=host)
    return any(matches(expression, key, attributes) for key in (f"guest:{name}", f"guest:{guest['id']}"))
