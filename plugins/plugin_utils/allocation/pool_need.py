# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What thin pools want from their VG. Their data share it with the volumes; their metadata, tiny and fatal when full, come first."""

from __future__ import annotations

import dataclasses
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation import pool_refusals, refusals
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.documents import Group, Volume
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.need import Need, Wish, assess
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.policy import Policy
from ansible_collections.foresight.capacity.plugins.plugin_utils.allocation.pools import METADATA_BYTES_PER_CHUNK, METADATA_MOST, Pool
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.sizes import format_bytes

Document = dict[str, t.Any]
_UNBOUNDED = 2**62


@dataclasses.dataclass(slots=True)
class _Wanted:
    """What one pool wants, in extents of metadata: `least` it has now, `own` they want by themselves, `metadata` with what its data
    may grow by, `given` it gets. `told` = why they want more by themselves. `data_extents` = what its data may grow by with all of that."""

    pool: Pool
    data: Need
    least: int
    own: int
    metadata: int
    told: str
    given: int
    data_extents: int

    @property
    def lacking(self) -> int:
        """Return the extents that its metadata did not get."""
        return self.metadata - self.given

    @property
    def is_urgent(self) -> bool:
        """Return whether its metadata want more by themselves and get some of it now."""
        return bool(self.told) and self.given > self.least


class PoolNeeds:
    """The needs of all pools of one VG. Metadata are served before everybody else of their kind: `serve`, then, out of what neighbours
    give, `serve_more`, and for the pools that are not managed `serve_others`; `complete` writes the documents.

    :ivar taken: extents of the VG that the metadata of managed pools got, spare metadata included.
    """

    def __init__(self, pools: Sequence[Pool], group: Group, policy: Policy) -> None:
        self._spare = self._spare_told = max((-(-pool.spare // group.extent_bytes) for pool in pools), default=0)
        self._wanted = [_assess(pool, group, policy) for pool in pools]
        self._group = group
        self.taken = 0

    @property
    def needs(self) -> list[Need]:
        """Return what their data want, to be served like any volume."""
        return [one.data for one in self._wanted]

    @property
    def urgent(self) -> set[str]:
        """Return the managed pools (entities) whose metadata are served at once: nothing of them waits for anybody."""
        return {one.pool.entity for one in self._managed(True) if one.is_urgent}

    @property
    def short(self) -> list[str]:
        """Return the pools (entities) whose metadata did not get all they want."""
        return [one.pool.entity for one in self._wanted if one.lacking]

    @property
    def missing(self) -> int:
        """Return the extents of the VG that metadata lack, with those of the data that cannot grow for it."""
        return self._missing(self._wanted)

    @property
    def asked_of_neighbours(self) -> int:
        """Return those of the managed pools that can wait for a neighbour."""
        return self._missing([one for one in self._managed(True) if not one.is_urgent])

    def serve(self, spendable: int) -> int:
        """Serve the metadata of managed pools and return the extents this takes."""
        self.taken = self._serve(self._managed(True), spendable)
        return self.taken

    def serve_more(self, left: int) -> tuple[int, list[str]]:
        """Go on with what neighbours give; return the extents this takes, and the pools (entities) that get them and wait for it."""
        waiting = [one for one in self._managed(True) if one.lacking and not one.is_urgent]
        before = [one.given for one in waiting]
        taken = self._serve(waiting, left)
        self.taken += taken
        return taken, [one.pool.entity for one, given in zip(waiting, before, strict=True) if one.given > given]

    def serve_others(self, left: int) -> int:
        """Serve the metadata of the pools that are not managed and return the extents this takes."""
        return self._serve(self._managed(False), left)

    def complete(self, actions: list[Document], proposals: list[Document]) -> None:
        """Write the metadata into the documents of the pools, and tell what they do not get."""
        for one in self._managed(True) + self._managed(False):
            self._refuse(one)
            found = actions if one.data.volume.managed else proposals
            place = next((place for place, document in enumerate(found) if document["target"] == one.pool.entity), None)
            if place is not None:
                found[place] = self._document(one, found[place])
                if found[place]["from"] == found[place]["to"]:
                    del found[place]
            if one.pool.matched and not one.data.volume.managed and place is not None:
                one.data.refused.append(pool_refusals.not_named(one.pool))
            if one.pool.overprovisioned and any(refusal["reason"] in pool_refusals.CANNOT_GROW for refusal in one.data.refused):
                one.data.refused.append(pool_refusals.overprovisioned(one.pool))

    def _managed(self, is_managed: bool) -> list[_Wanted]:
        return [one for one in self._wanted if one.data.volume.managed is is_managed]

    def _missing(self, wanted: Sequence[_Wanted]) -> int:
        lacking = sum(one.lacking * one.pool.metadata.copies for one in wanted if one.pool.metadata is not None)
        spare = max((one.metadata - self._spare for one in wanted if one.lacking), default=0)
        data = sum((one.data_extents - one.data.allowed) * one.data.volume.copies for one in wanted)
        return lacking + max(0, spare) + data

    def _serve(self, wanted: Sequence[_Wanted], left: int) -> int:
        """Give metadata as far as there is space, and return the extents of the VG that this takes, spare metadata included."""
        taken = 0
        for one in wanted:
            if one.pool.metadata is None:
                continue
            while one.lacking:
                more = one.pool.metadata.copies + max(0, one.given + 1 - self._spare)
                if taken + more > left:
                    break
                one.given, taken = one.given + 1, taken + more
                self._spare = max(self._spare, one.given)
            one.data.allowed = self._reach(one) if one.lacking else one.data_extents
        return taken

    def _reach(self, one: _Wanted) -> int:
        """Return how far the data may grow with the metadata they have: LVM would take the rest by itself, from the reserve too."""
        pool, chunk, extent = one.pool, one.pool.chunk, self._group.extent_bytes
        if chunk is None:
            return one.data_extents
        reach = one.given * extent // METADATA_BYTES_PER_CHUNK * chunk // extent
        return max(0, min(one.data_extents, reach - pool.data.size_bytes // extent))

    def _refuse(self, one: _Wanted) -> None:
        """Tell what its metadata lack, and its data for it."""
        if not one.lacking or one.pool.metadata is None:
            return
        granted, asked = one.given - one.least, one.metadata - one.least
        left = self._group.spendable
        refused = [refusals.no_space(one.pool.metadata, self._group, one.least, asked, granted, left)]
        if one.data.allowed < one.data_extents:
            data = one.data
            refused.append(refusals.no_space(data.volume, self._group, data.extents, one.data_extents, data.allowed, left))
            refused[1]["message"] += " Its metadata reach no further."
        one.data.refused.extend({**refusal, "entity": one.pool.entity} for refusal in refused)

    def _document(self, one: _Wanted, document: Document) -> Document:
        pool, extent = one.pool, self._group.extent_bytes
        if pool.metadata is None:
            return document
        size = pool.metadata.size_bytes
        # Less data than hoped for needs less metadata, unless they want more by themselves.
        for_data = -(-(pool.metadata_for(document["to"]["size"]) or 0) // extent)
        extents = max(one.least, min(one.given, max(for_data, one.own)))
        after = size if extents == one.least else extents * extent
        grown = extents - one.least
        spare = max(0, extents - self._spare_told) if grown else 0
        self._spare_told += spare
        texts = [document["message"] if document["to"]["size"] > pool.data.size_bytes else "", one.told if grown else ""]
        if grown and not one.told:
            texts.append(f"Its metadata grow along to {format_bytes(after)}.")
        return {
            **document,
            "expect": {**document["expect"], "metadata_size": size},
            "from": {**document["from"], "metadata_size": size},
            "to": {**document["to"], "metadata_size": after},
            "message": " ".join(text for text in texts if text) or document["message"],
            "cost": {"bytes": document["cost"]["bytes"] + (grown * pool.metadata.copies + spare) * extent},
        }


def pools_by_group(
    pools: Sequence[Pool], groups: Mapping[tuple[str, str], Group], refused: list[refusals.Refusal]
) -> dict[tuple[str, str], list[Pool]]:
    """Return the pools of each VG; one whose VG is not known is refused.

    :raises InputError: for a pool whose VG is not among the groups, unless it carries a reason for that.
    """
    found: dict[tuple[str, str], list[Pool]] = {}
    for pool in pools:
        data = pool.data
        if (data.host, data.vg) in groups:
            found.setdefault((data.host, data.vg), []).append(pool)
        elif data.refused_reason is None:
            raise InputError(
                f"{pool.entity} lies in vg:{data.host}/{data.vg}, which is not among the groups; needed is each pool's VG (O(groups))."
            )
        elif data.managed:
            refused.append(refusals.blocked(data, data.refused_reason))
    return found


def _assess(pool: Pool, group: Group, policy: Policy) -> _Wanted:
    data = assess(_capped(pool), group, policy)
    _bound(data, pool, group)
    data.wish = data.wish and _in_words(data.wish, data, pool, "data", policy)
    least = own = metadata = 0
    told = ""
    if pool.metadata is not None:
        least = -(-pool.metadata.size_bytes // group.extent_bytes)
        need = assess(pool.metadata, group, policy)
        most = METADATA_MOST // group.extent_bytes
        wanted = need.allowed if need.wish is not None else 0
        if least + wanted > most:
            need.refused = [pool_refusals.metadata_limit(pool)]
            wanted = max(0, most - least)
        own = metadata = least + wanted
        if need.wish is not None and wanted:
            told = _in_words(need.wish, need, pool, "metadata", policy).message
            data.finish = Wish(need.wish.reason, 0, told)
            data.wish = data.wish or data.finish
        if data.allowed:
            metadata = max(metadata, -(-(pool.metadata_for((data.extents + data.allowed) * group.extent_bytes) or 0) // group.extent_bytes))
        known = {refusal["reason"] for refusal in data.refused} - {"max_step"}
        data.refused += [{**refusal, "entity": pool.entity} for refusal in need.refused if refusal["reason"] not in known]
    data.refused = [pool_refusals.in_words(refusal, pool, group) for refusal in data.refused]
    return _Wanted(pool, data, least, own, metadata, told, least, data.allowed)


def _capped(pool: Pool) -> Volume:
    """Return the data as a volume whose demand is never more than what its volumes can fill."""
    demand = pool.data.demand_bytes
    return (
        pool.data
        if demand is None or pool.virtual is None
        else dataclasses.replace(pool.data, demand_bytes=float(min(demand, pool.virtual)))
    )


def _bound(data: Need, pool: Pool, group: Group) -> None:
    """Let data grow no further than its volumes can fill it, nor than its metadata can ever address."""
    if data.wish is None:
        return
    fill = _UNBOUNDED if pool.virtual is None or data.wish.reason == "minimum" else -(-pool.virtual // group.extent_bytes) - data.extents
    if data.wish.extents > fill:
        data.wish = dataclasses.replace(data.wish, extents=max(0, fill))
        data.allowed = max(0, min(data.allowed, fill))
        if data.allowed == data.wish.extents:
            data.refused = [refusal for refusal in data.refused if refusal["reason"] not in ("max_step", "max_bytes")]
    most = _UNBOUNDED if pool.most_data is None else pool.most_data // group.extent_bytes - data.extents
    if data.allowed > most:
        data.allowed = max(0, most)
        data.refused.append(pool_refusals.data_limit(pool))
    if not data.wish.extents:
        data.wish = None


def _in_words(wish: Wish, need: Need, pool: Pool, part: str, policy: Policy) -> Wish:
    """Return the wish with a message that says which part of the pool it is about."""
    volume = need.volume
    has = f"they have {format_bytes(volume.size_bytes)}"
    if wish.reason == "forecast" and volume.demand_bytes is not None:
        quantile = f" (quantile {volume.forecast['quantile']} of the peak)" if volume.forecast and "quantile" in volume.forecast else ""
        most = pool.virtual if part == "data" else None
        bound = (
            f"; its volumes can fill {format_bytes(most)}"
            if most is not None and volume.demand_bytes * (1 + policy.headroom) > most
            else ""
        )
        text = f"Its {part} need {format_bytes(volume.demand_bytes)}{quantile}, with {policy.headroom:.0%} headroom{bound}; {has}."
    elif wish.reason == "floor" and volume.filesystem is not None and volume.filesystem.used is not None:
        free = 1 - volume.filesystem.used / volume.size_bytes
        text = f"Only {free:.1%} of its {part} are free, less than {policy.floor.free_fraction:.0%}: one step of {policy.floor.step_fraction:.0%}; {has}."
    else:
        text = wish.message
    return dataclasses.replace(wish, message=text)
