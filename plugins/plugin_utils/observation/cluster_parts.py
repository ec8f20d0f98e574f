# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a C(foresight_cluster) document tells besides use: rules and names of the whole, storages, what only placement asks for."""

from __future__ import annotations

from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.model import INVALID_NAME, Attributes
from ansible_collections.foresight.capacity.plugins.plugin_utils.observation.reading import Part, is_name, show


def summary(part: Part, cluster: str, at: int) -> Attributes:
    """Return what belongs to the cluster and to none of its nodes and guests."""
    rules = []
    for data in part.items("rules"):
        rule = Part(data, part.entity, part.issues, "rules.")
        told: Attributes = {
            "kind": rule.text("kind"),
            "guests": rule.texts("guests"),
            "nodes": rule.texts("nodes"),
            "strict": rule.truth("strict") is not False,
            "weight": rule.number("weight"),
            "source": rule.text("source"),
            "name": rule.text("name"),
        }
        rules.append({name: value for name, value in told.items() if value is not None})
    return {
        "name": cluster,
        "observed_at": at,
        "version": part.text("version"),
        "quorate": part.truth("quorate"),
        "balancers": part.texts("balancers"),
        "rules": rules,
    }


def numbers(part: Part, name: str) -> dict[str, float | int]:
    """Return the valid numbers of a mapping, by name."""
    inner = part.inner(name)
    found = {key: inner.number(key) for key in _names(inner)}
    return {key: value for key, value in found.items() if value is not None}


def storages(part: Part) -> dict[str, Attributes]:
    """Return the storages of a node by name, with what is told of each."""
    inner = part.inner("storages")
    found = {}
    for name in _names(inner):
        storage = inner.inner(name)
        told: Attributes = {"bytes": storage.integer("bytes"), "used": storage.integer("used"), "shared": storage.truth("shared")}
        found[name] = {key: value for key, value in told.items() if value is not None}
    return found


def _names(part: Part) -> list[str]:
    for name in part.data:
        if not is_name(name):
            part.tell("names", INVALID_NAME, f"hold {show(name)}; needed are names without slashes or blanks")
    return [str(name) for name in part.data if is_name(name)]
