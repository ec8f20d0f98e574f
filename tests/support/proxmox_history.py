"""The history of a sandbox, imported as import_history does it, and what its load series say themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import proxmox_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.store import open_store
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history as workflow
from sandbox.server import Sandbox
from support.proxmox import options


def import_history(sandbox: Sandbox, store: str | Path, *, check: bool = False, now: int | None = None, **more: Any) -> dict[str, Any]:
    """Import the sandbox's history: a week of everything unless told otherwise, without patience."""
    unset = {name: spec.get("default") for name, spec in proxmox_arguments().items()}
    chosen = {"timeframes": ["week"], "entities": [], "peaks": True, "parallel": 4, "max_retries": 0, "retry_delay": 0.0, **more}
    cluster = {**unset, **options(sandbox, **chosen)}
    at = int(sandbox.world.now()) if now is None else now
    return workflow(store=str(store), now=at, source="proxmox", cluster=cluster, check=check)


def samples(store: str | Path, key: str, metric: str) -> dict[int, float]:
    """The good samples of a series by time."""
    with open_store(str(store)) as notebook:
        (entity,) = notebook.find_entities(keys=[key])
        found = [series.id for series in notebook.find_series(metric=metric, entity_ids=[entity.id])]
        if not found:
            return {}
        times = notebook.sample_times(found, start=0, end=2**33)[found[0]].tolist()
        return {time: float(notebook.read_samples(found, start=time, end=time + 1, step=1)[0, 0]) for time in times}


def pass_time(sandbox: Sandbox, seconds: float) -> None:
    """Let so much time pass for a sandbox whose clock is held."""
    with sandbox.world.lock:
        sandbox.clock._reading += seconds
    sandbox.set_clock(0.0)
