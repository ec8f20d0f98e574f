"""Configurations: reading, pending values, changing."""

from __future__ import annotations

from typing import Any

from . import config_lxc, config_qemu
from .api import Call, api
from .errors import BadParameters
from .guest import QEMU, Guest, typed
from .routes_guests import for_both, snapshot_config
from .scheduler import Work
from .tasks import Task, TaskError

_BOTH = "cannot use 'snapshot' parameter with 'current'"
_SECRET = ("cipassword",)
# What the log of a change does not name.
_SILENT = ("node", "vmid", "digest", "background_delay", "import-working-storage")


def shown(guest: Guest, config: dict[str, str]) -> dict[str, Any]:
    """A configuration as the API sends it."""
    return {key: "**********" if key in _SECRET else typed(guest.kind, key, value) for key, value in config.items()}


@for_both("GET", "/{vmid}/config")
def config(call: Call, kind: str) -> Any:
    if call.has("snapshot") and call.flag("current"):
        raise BadParameters(snapshot=_BOTH, current=_BOTH)
    guest = call.guest(kind)
    values = guest.config
    if call.has("snapshot"):
        values = snapshot_config(guest, call.get("snapshot"))
    elif not call.flag("current"):
        values = {key: value for key, value in (values | guest.pending).items() if key not in guest.pending_delete}
    return shown(guest, values) | {"digest": guest.digest}


@for_both("GET", "/{vmid}/pending")
def pending(call: Call, kind: str) -> Any:
    guest = call.guest(kind)
    entries: dict[str, dict[str, Any]] = {key: {"key": key, "value": value} for key, value in shown(guest, guest.config).items()}
    for key, value in shown(guest, guest.pending).items():
        entries.setdefault(key, {"key": key})["pending"] = value
    for key in guest.pending_delete:
        entries[key]["delete"] = 1
    return [*entries.values(), {"key": "digest", "value": guest.digest}]


@api("PUT", "/nodes/{node}/lxc/{vmid}/config")
def lxc_update(call: Call) -> Any:
    config_lxc.update(call)


@api("PUT", "/nodes/{node}/qemu/{vmid}/config")
def qemu_update(call: Call) -> Any:
    config_qemu.update(call, *config_qemu.judge(call))


@api("POST", "/nodes/{node}/qemu/{vmid}/config")
def qemu_update_task(call: Call) -> Any:
    _unused, change = config_qemu.judge(call)
    shown = {name: "<hidden>" if name in _SECRET else call.get(name) for name in call.params if name not in _SILENT}
    words = " ".join(f"-{name} {shown[name]}" for name in sorted(shown))

    def run(task: Task) -> Work:
        task.say(f"update VM {call.vmid}: {words}")
        yield 0.1
        try:
            config_qemu.update(call, call.guest(QEMU), change)
        except BadParameters as error:
            text = " ".join(f"{name}: {problem}" for name, problem in (error.errors or {}).items())
            raise TaskError(f"400 Parameter verification failed.\n{text}") from None

    return call.start("qmconfig", str(call.vmid), run)
