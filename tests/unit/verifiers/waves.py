# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with waves of migrations, found by carrying them out on the documents. Shares no code with what orders them."""

from __future__ import annotations

from collections import Counter, defaultdict

EPSILON = 1e-7
DAY = 86400


def violations(moves, cluster, limits, waves):
    """Return what is wrong with the waves of a list of moves, in words; nothing = they can be carried out."""
    return _Course(cluster, limits or {}).run(waves, moves)


class _Course:
    def __init__(self, cluster, limits):
        self.nodes = {node["name"]: node for node in cluster["nodes"]}
        self.guests = {guest["id"]: guest for guest in cluster["guests"]}
        self.strict = [rule for rule in cluster.get("rules", []) if rule.get("strict", True)]
        self.limits = limits
        self.where = {name: guest["node"] for name, guest in self.guests.items()}
        self.capacity = self._capacity()
        self.hops = defaultdict(list)
        self.found = []

    def run(self, waves, moves):
        least, not_before = self.load(), 0
        for number, wave in enumerate(waves, start=1):
            self.wave = f"wave {number}"
            self.expect(wave["wave"] == number, f"it is numbered {wave['wave']}")
            self.at_once(wave["moves"])
            self.places(wave["moves"])
            self.measure(least, self.load(wave["moves"]))
            for move in wave["moves"]:
                self.where[move["guest"]] = move["to"]
                self.hops[move["guest"]].append(move)
            after = self.load()
            self.measure(least, after)
            # What is over its capacity may only lose.
            least = {key: min(amount, after[key]) for key, amount in least.items()}
            self.expect((wave["not_before"] or 0) >= not_before, "it may begin before the one that it follows")
            not_before = wave["not_before"] or 0
            self.window(wave)
        self.wave = "the whole"
        self.ends(moves)
        return self.found

    def expect(self, holds, otherwise):
        if not holds:
            self.found.append(f"{self.wave}: {otherwise}")

    def at_once(self, moves):
        limits = self.limits
        self.expect(moves, "it is empty")
        self.expect(len({move["guest"] for move in moves}) == len(moves), "it has a guest twice")
        self.expect(len(moves) <= limits.get("global", max(4, len(self.nodes) // 4)), f"{len(moves)} moves at once")
        for key, option in (("from", "per_node_out"), ("to", "per_node_in")):
            for node, count in Counter(move[key] for move in moves).items():
                self.expect(count <= limits.get(option, 2), f"{count} moves {key} {node} at once")

    def places(self, moves):
        """Check where each move begins and ends; a guest is on both nodes for the whole wave."""
        present = defaultdict(set)
        for guest, node in self.where.items():
            present[node].add(guest)
        for move in moves:
            guest, node = self.guests[move["guest"]], self.nodes[move["to"]]
            name, target = guest["id"], node["name"]
            self.expect(self.where[name] == move["from"], f"{name} is not on {move['from']}")
            self.expect(self.nodes[move["from"]].get("online", True), f"{move['from']} is offline")
            self.expect(node.get("online", True) and not node.get("maintenance", False), f"{target} is closed")
            self.expect(guest.get("movable", True), f"{name} must not move")
            self.expect(not guest.get("pinned_to") or target in guest["pinned_to"], f"{name} is not pinned to {target}")
            for disk in guest.get("disks", []):
                storages = node.get("storages", {})
                known = any(disk["storage"] in one.get("storages", {}) for one in self.nodes.values())
                self.expect(not storages or not known or disk["storage"] in storages, f"{target} lacks {disk['storage']}")
            for rule in self.strict:
                if name not in rule["guests"]:
                    continue
                if rule["kind"] == "on_nodes":
                    self.expect(target in rule["nodes"], f"{name} must not be on {target}")
                elif rule["kind"] == "not_on_nodes":
                    self.expect(target not in rule["nodes"], f"{name} must not be on {target}")
                elif rule["kind"] == "apart":
                    self.expect(not present[target].intersection(rule["guests"]), f"{name} meets another of its group on {target}")
            present[target].add(name)

    def load(self, coming=()):
        load = Counter()
        for name, node in self.nodes.items():
            for resource, amount in node.get("overhead", {}).items():
                load[name, resource] += amount
        for name, node in [*self.where.items(), *((move["guest"], move["to"]) for move in coming)]:
            guest = self.guests[name]
            if guest.get("running", True):
                for resource, amount in {"cpu": guest["cpu"], "memory": guest["memory"], **guest.get("more", {})}.items():
                    load[node, resource] += amount
            for disk in guest.get("disks", []):
                load[node, "disk", disk["storage"]] += disk["bytes"]
        return {key: load[key] for key in self.capacity}

    def _capacity(self):
        found = {}
        for name, node in self.nodes.items():
            for resource, amount in {"cpu": node["cpu"], "memory": node["memory"], **node.get("more", {})}.items():
                found[name, resource] = max(0, amount - node.get("reserve", {}).get(resource, 0))
            for storage, about in node.get("storages", {}).items():
                if not about.get("shared", False) and "bytes" in about:
                    mine = [disk for guest in self.guests.values() if guest["node"] == name for disk in guest.get("disks", [])]
                    held = sum(disk["bytes"] for disk in mine if disk["storage"] == storage)
                    found[name, "disk", storage] = max(0, about["bytes"] - about["used"]) + held
        return found

    def measure(self, least, now):
        for key, most in self.capacity.items():
            limit = max(most, least[key])
            self.expect(now[key] <= limit + EPSILON * max(1, limit), f"{key} holds {now[key]} of {most}, it held {least[key]}")

    def window(self, wave):
        windows = self.limits.get("windows")
        if not windows:
            self.expect(wave["not_before"] is None, "it waits for nothing")
            return
        begin = wave["not_before"]
        if begin is None:
            return
        second = begin % DAY
        starts = {clock["from"] for clock in windows}
        self.expect(f"{second // 3600:02}:{second % 3600 // 60:02}" in starts and second % 60 == 0, "it waits for the begin of no window")

    def ends(self, moves):
        """Check that each guest is where its moves lead, by at most one stop, and that nothing else moved."""
        wanted = {}
        for move in moves:
            ends = wanted.setdefault(move["guest"], Counter({self.guests[move["guest"]]["node"]: 1}))
            ends[move["from"]] -= 1
            ends[move["to"]] += 1
        for name, guest in self.guests.items():
            home = guest["node"]
            target = next((node for node, count in wanted.get(name, {home: 1}).items() if count == 1), None)
            hops = self.hops[name]
            self.expect(self.where[name] == target, f"{name} ends on {self.where[name]}, not on {target}")
            kinds = [hop["kind"] == "park" for hop in hops]
            if target == home:
                self.expect(not hops, f"{name} moves and need not")
            else:
                self.expect(
                    kinds in ([False], [True, False]) or [move["kind"] for move in moves if move["guest"] == name] == ["park"], f"{kinds}"
                )
            self.expect(len(hops) < 2 or hops[0]["to"] not in (home, target), f"{name} stops where it is or goes")
