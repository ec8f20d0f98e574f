"""All methods of the API: importing their modules registers them."""

from __future__ import annotations

import importlib

_MODULES = (
    "routes_access",
    "routes_cluster",
    "routes_jobs",
    "routes_nodes",
    "routes_node_devices",
    "routes_storage",
    "routes_pools",
    "routes_tasks",
    "routes_metrics",
    "routes_ha",
    "routes_ha_status",
    "routes_ha_rules",
    "routes_guests",
    "routes_config",
    "routes_status",
    "routes_snapshots",
    "routes_migrate",
    "routes_disks",
    "routes_create",
    "routes_clone",
)


def register() -> None:
    """Make every handler known."""
    for name in _MODULES:
        importlib.import_module(f".{name}", __package__)
