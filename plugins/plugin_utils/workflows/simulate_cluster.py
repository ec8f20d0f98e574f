# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster that a simulation is about: made up from a preset or options, read from a file, or handed over as a document."""

from __future__ import annotations

import os
import typing as t
from collections.abc import Mapping

from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import InputError
from ansible_collections.foresight.capacity.plugins.plugin_utils.placement.synthetic import synthetic_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.cluster_file import read_file

Document = dict[str, t.Any]
# Options of the lookup synthetic_cluster.
PRESETS: Mapping[str, Mapping[str, t.Any]] = {
    "classic": {"nodes": "classic"},
    "small": {"nodes": [128, 128, 256], "guests_per_node": 8, "load": [0.2, 0.85]},
    "rules": {
        "nodes": 50, "guests_per_node": 20, "grouped": 0.2, "pinned": 0.1, "maintenance": 2, "offline": 1, "immovable": 0.02, "reserve": 0.05,
        "overhead": 0.03, "link_bytes_per_second": 1.25e9,
    },
    "opposed": {"nodes": 50, "guests_per_node": 20, "correlation": -1},
    "large": {"nodes": 200, "guests_per_node": 20},
    "huge": {"nodes": 1000, "guests_per_node": 20},
}  # fmt: skip
DEFAULT = "classic"
_SHOWN = 5


def find_cluster(
    *, cluster: t.Any = None, file: str | None = None, preset: str | None = None, synthetic: Mapping[str, t.Any] | None = None
) -> Document:
    """Return the cluster document.

    :param cluster: the document itself; file: where it lies, as JSON or YAML, gzipped or not; preset: of PRESETS; synthetic: options of the lookup
        `synthetic_cluster`, which change or take the place of a preset.
    :raises InputError: if more than one of them is given, if there is no such file, or it is none of these.
    """
    given = {"cluster": cluster is not None, "file": file is not None, "preset or synthetic": preset is not None or bool(synthetic)}
    named = [name for name, there in given.items() if there]
    if len(named) > 1:
        raise InputError(
            f"The cluster is given more than once, by {' and by '.join(named)}; needed is one of them (O(cluster), O(file), O(preset))."
        )
    if file is not None:
        return _checked(read_file(file), f"{os.path.abspath(os.path.expanduser(file))}", "file")
    if cluster is not None:
        return _checked(cluster, "cluster", "cluster")
    if preset is not None and preset not in PRESETS:
        raise InputError(f"There is no preset {preset!r}; needed is one of {', '.join(PRESETS)} (O(preset)).")
    base = PRESETS[preset or DEFAULT] if preset is not None or not synthetic else {}
    return synthetic_cluster(**{**base, **(synthetic or {})})


def _checked(document: t.Any, name: str, option: str) -> Document:
    """Return a document that has nodes; everything else is looked at by `read_cluster`."""
    if not isinstance(document, Mapping):
        kind = "nothing" if document is None else f"a {type(document).__name__}"
        raise InputError(f"{name} holds {kind}; needed is a mapping with nodes and guests (O({option})).")
    if not document.get("nodes"):
        keys = ", ".join(str(key) for key in list(document)[:_SHOWN]) or "no key at all"
        raise InputError(f"{name} has no nodes, seen: {keys}; needed is a cluster document with at least one node (O({option})).")
    return {**document, "guests": document.get("guests") or []}
