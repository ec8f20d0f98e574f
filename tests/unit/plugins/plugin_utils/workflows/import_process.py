"""An import in a process of its own, entity by entity, that a test can kill: import_process.py OPTIONS.json."""

import json
import pathlib
import sys

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import proxmox_arguments
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows import import_cluster
from ansible_collections.foresight.capacity.plugins.plugin_utils.workflows.import_history import import_history

given = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
store, now = given.pop("store"), given.pop("now")
unset = {name: spec.get("default") for name, spec in proxmox_arguments().items()}
import_cluster._BATCH = 1
chosen = {"timeframes": ["week"], "entities": ["guest:*"], "peaks": True, "parallel": 1}
import_history(store=store, now=now, source="proxmox", cluster={**unset, **chosen, **given})
