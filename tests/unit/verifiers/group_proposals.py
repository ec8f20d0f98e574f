# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks what `lv_allocate` proposes to a VG that lacks space, by doing plan and proposals on a model of the host.

Shares no code with the allocator. What a volume lacks is taken from its refusal, what it gets from its action.
"""

from __future__ import annotations

MIB = 2**20


def violations(volumes, groups, answer):
    """Return a sentence for every extension and move that would not do what it says; an empty list means all is well."""
    model = _Model(volumes, groups, answer)
    found, used = [], []
    extensions = [one for one in answer["proposals"] if one["kind"] == "vg_extend"]
    for extension in extensions:
        found += model.extension(extension, used)
    for extension in (one for one in extensions if "to" not in one):
        found += model.not_enough(extension, used)
    for move in (one for one in answer["proposals"] if one["kind"] == "lv_move"):
        wanted = next(-(-one["bytes"] // model.vg[one["vg"]]["extent_bytes"]) for one in extensions if one["vg"] == move["from"])
        found += model.move(move, wanted)
    return found


class _Model:
    def __init__(self, volumes, groups, answer):
        self.vg = {group["vg"]: group for group in groups}
        self.volumes = {volume["entity"]: volume for volume in volumes}
        self.grown = {action["target"]: self._extents(action) for action in answer["actions"]}
        resized = {one["target"]: self._extents(one) for one in answer["proposals"] if one["kind"] == "lv_resize"}
        self.proposed = {entity: extents for entity, extents in resized.items() if extents > 0}
        self.lacks = {
            one["entity"]: (one["needed"] - one["seen"]) // self._extent(one["entity"])
            for one in answer["refused"]
            if one["reason"] == "no_space"
        }
        self.given = dict.fromkeys(self.vg, 0)
        self.freed = dict.fromkeys(self.vg, 0)
        for entity, extents in [*self.grown.items(), *self.proposed.items()]:
            volume = self.volumes[entity]
            if extents > 0:
                self.given[volume["vg"]] += extents * volume["copies"]
            else:
                self.freed[volume["vg"]] -= extents * volume["copies_freed"]

    def extension(self, one, used):
        """Fill the new physical volumes in the worst order: each copy goes to the one with the least room."""
        if "to" not in one:
            return []
        group, names = self.vg[one["vg"]], one["to"].split()
        free = {pv["name"]: (pv["size_bytes"] - MIB) // group["extent_bytes"] for pv in group["free_pvs"]}
        found = [f"{one['vg']}: {name} is offered twice" for name in names if name in used]
        used += names
        kept = self._kept(one["vg"])
        if len(names) != max([1, *(volume["copies"] for volume in kept)]):
            found.append(f"{one['vg']}: {len(names)} physical volumes for {[volume['copies'] for volume in kept]} copies")
        room = [free[name] for name in names]
        rest = one["bytes"] // group["extent_bytes"]
        for volume in kept:
            room.sort()
            for place in range(min(volume["copies"], len(room))):
                room[place] -= self.lacks[volume["entity"]]
                rest -= self.lacks[volume["entity"]]
        if min(room) < 0 or sum(room) < rest:
            found.append(f"{one['vg']}: {names} do not hold {rest} extents and the copies of {len(kept)} volumes")
        if not all(name in one["message"] for name in names):
            found.append(f"{one['vg']}: names other physical volumes in its message")
        return found

    def not_enough(self, one, used):
        """Where nothing is offered, what is left of the free physical volumes would not have done."""
        group, kept = self.vg[one["vg"]], self._kept(one["vg"])
        count = max([1, *(volume["copies"] for volume in kept)])
        each = max(-(-one["bytes"] // group["extent_bytes"] // count), sum(self.lacks[volume["entity"]] for volume in kept))
        left = [pv for pv in group["free_pvs"] if pv["name"] not in used]
        found = [f"{one['vg']}: says that something suffices"] if "and suffice" in one["message"] else []
        if sum((pv["size_bytes"] - 2 * MIB) // group["extent_bytes"] > each for pv in left) >= count:
            found.append(f"{one['vg']}: {count} of the free physical volumes would suffice")
        return found

    def move(self, one, wanted):
        volume, source, target = self.volumes[one["target"]], self.vg[one["from"]], self.vg[one["to"]]
        entity, copies = volume["entity"], volume["copies"]
        size = volume["size_bytes"] + self.grown.get(entity, 0) * source["extent_bytes"]
        lacks, more = self.lacks.get(entity, 0), self.lacks.get(entity, 0) + self.proposed.get(entity, 0)
        self.given[one["to"]] += one["extents"]
        split = "vgsplit" in one["message"]
        lying = [pv for pv in source["pvs"] if volume["lv"] in pv["lvs"]]
        others = [other for other in self._kept(one["from"]) if other is not volume]
        checks = [
            (one["from"] != one["to"] and source["host"] == target["host"], "goes nowhere else"),
            (not (volume["refused_reason"] or source["refused_reason"] or target["refused_reason"]), "is refused for changes"),
            (target["extents_free"] - self.given[one["to"]] >= target["reserve_extents"], "takes the reserve of the other VG"),
            (one["bytes"] == size, "has another size after the plan"),
            (all(other["copies"] <= copies for other in others), "frees one physical volume where copies need several"),
        ]
        each = one["extents"] // copies
        if copies > 1:
            before = self.given[one["to"]] - one["extents"]
            roomy = [pv for pv in target["pvs"] if pv["free_bytes"] // target["extent_bytes"] >= each + before]
            checks.append((len(roomy) >= copies, "has no place for its copies"))
        if split:
            checks += [
                (source["extent_bytes"] == target["extent_bytes"], "goes to other extents"),
                (entity not in self.grown and entity not in self.proposed, "is split off although it grows onto another physical volume"),
                (all(pv["lvs"] == [volume["lv"]] and not pv["free_bytes"] for pv in lying), "takes something else along"),
                (len(lying) < len(source["pvs"]), "leaves no physical volume"),
                (each == lacks and one["extents"] >= wanted, "leaves something lacking"),
                (one["cost"] == {"bytes": 0}, "costs something"),
            ]
        else:
            freed = (size // source["extent_bytes"] + more) * copies
            checks += [
                (each * target["extent_bytes"] >= size + more * source["extent_bytes"], "does not get there what it wants"),
                (f"lvcreate -n {volume['lv']} -l {each} {one['to']}" in one["message"], "has another command"),
                (freed >= wanted, "leaves something lacking"),
                (one["cost"] == {"bytes": size}, "costs something else"),
            ]
        return [f"{entity}: {text}" for good, text in checks if not good]

    def _kept(self, vg):
        """The volumes of a VG that lack something and are kept more than once."""
        return [
            volume for volume in self.volumes.values() if volume["vg"] == vg and volume["copies"] > 1 and self.lacks.get(volume["entity"])
        ]

    def _extent(self, entity):
        return self.vg[self.volumes[entity]["vg"]]["extent_bytes"]

    def _extents(self, change):
        return (change["to"]["size"] - change["from"]["size"]) // self._extent(change["target"])
