# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A resize as a task: parameters in, the result of the module out."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed, Commands
from ansible_collections.foresight.capacity.plugins.module_utils.lvm_report import read_lvm
from ansible_collections.foresight.capacity.plugins.module_utils.resize.flow import Resize
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host
from ansible_collections.foresight.capacity.plugins.module_utils.resize.lock import LOCK_FILE, exclusive
from ansible_collections.foresight.capacity.plugins.module_utils.resize.options import Options
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, StepFailed
from ansible_collections.foresight.capacity.plugins.module_utils.resize.reading import Request
from ansible_collections.foresight.capacity.plugins.module_utils.resize.shield import NOT_STARTED, ShieldedRunner
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import parse_margin, parse_reserve, parse_size

Parameters = t.Dict[str, t.Any]
RunCommand = t.Callable[..., t.Tuple[int, str, str]]
Value = t.TypeVar("Value")

_PERMISSIONS = ("allow_fsck", "allow_mount", "allow_shrink", "allow_unmount", "named_exactly")


def lv_resize_arguments() -> dict[str, dict[str, t.Any]]:
    """Options of the module lv_resize, without the shared ones."""
    return {
        "vg": {"type": "str", "required": True},
        "lv": {"type": "str", "required": True},
        "size": {"type": "str", "required": True},
        "metadata_size": {"type": "str"},
        "expect": {"type": "dict", "options": {name: {"type": "str"} for name in ("uuid", "size", "metadata_size")}},
        "reserve": {"type": "str", "default": "0"},
        "named_exactly": {"type": "bool", "default": False},
        "allow_fsck": {"type": "bool", "default": False},
        "allow_mount": {"type": "bool", "default": False},
        "allow_shrink": {"type": "bool", "default": False},
        "allow_unmount": {"type": "bool", "default": False},
        "margin": {"type": "str", "default": "10%"},
        "freed": {"type": "str", "default": "0"},
        "lock_timeout": {"type": "float", "default": 60.0},
    }


def parse_request(parameters: Parameters) -> Request:
    """The request of a task. Raises ValueError naming the option that is wrong."""
    expect = parameters["expect"] or {}
    allowed = {name: parameters[name] for name in _PERMISSIONS}
    return Request(
        vg=parameters["vg"],
        lv=parameters["lv"],
        size=_size("size", parameters["size"]),
        expect_uuid=expect.get("uuid"),
        expect_size=_optional_size("expect.size", expect.get("size")),
        reserve=_option("reserve", parameters["reserve"], parse_reserve),
        options=Options(**allowed, margin=_option("margin", parameters["margin"], parse_margin)),
        metadata_size=_optional_size("metadata_size", parameters["metadata_size"]),
        freed=_option("freed", parameters["freed"], parse_size),
        expect_metadata_size=_optional_size("expect.metadata_size", expect.get("metadata_size")),
    )


def _optional_size(option: str, text: str | None) -> int | None:
    return None if text is None else _size(option, text)


def _option(name: str, text: str, parse: t.Callable[[str], Value]) -> Value:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"O({name}): {error}") from error


def _size(option: str, text: str) -> int:
    size = _option(option, text, parse_size)
    if size <= 0:
        raise ValueError(f"O({option}) is {text}; it must be more than 0")
    return size


def resize_task(parameters: Parameters, run_command: RunCommand, check_mode: bool) -> dict[str, t.Any]:
    """Run one resize and tell how it ended; C(status) C(refused) and C(failed) are failures of the task."""
    reading = Commands(_started(run_command), parameters["search_path"])
    started = time.monotonic()

    def host(changing: Commands) -> Host:
        return Host(reading, changing, lambda: read_lvm(reading, now=int(time.time())))

    try:
        request = parse_request(parameters)
    except ValueError as error:
        nothing = Request(parameters["vg"], parameters["lv"], 0)
        return result(Resize(host(reading), nothing), started, "refused", "wrong_option", str(error))
    if check_mode:
        # Nothing is changed, so nobody has to be kept away: the lock file is not even made.
        return conclude(Resize(host(reading), request), True, started)
    try:
        with exclusive(LOCK_FILE, parameters["lock_timeout"]) as lock:
            return conclude(Resize(host(Commands(ShieldedRunner(lock), parameters["search_path"])), request), False, started)
    except Refused as refused:
        return result(Resize(host(reading), request), started, "refused", refused.reason, str(refused))


def _started(run_command: RunCommand) -> RunCommand:
    """The same, but what cannot be started at all is a command that failed, and not the end of this module in the middle of its work."""

    def run(args: list[str], **options: t.Any) -> tuple[int, str, str]:
        try:
            return run_command(args, handle_exceptions=False, **options)
        except OSError as error:
            return NOT_STARTED, "", f"it could not be started: {error.strerror}"

    return run


def conclude(resize: Resize, check_mode: bool, started: float) -> dict[str, t.Any]:
    """Run it and make the module's result of whatever happens."""
    try:
        resize.run(check_mode)
    except Refused as refused:
        resize.after = resize.before
        return result(resize, started, "refused", refused.reason, str(refused))
    except StepFailed as failed:
        return result(resize, started, "failed", failed.reason, str(failed), failed.step)
    except CommandFailed as failed:
        return result(
            resize, started, "failed", "read_failed", f"Reading failed: {failed}. Run the task again; it goes on from the state it finds."
        )
    return result(resize, started, "changed" if resize.before != resize.after else "ok", None, resize.message)


def result(
    resize: Resize, started: float, status: str, reason: str | None, message: str, stopped_at: str | None = None
) -> dict[str, t.Any]:
    """The result: C(changed) and C(diff) follow from C(before) and C(after)."""
    name = f"{resize.request.vg}/{resize.request.lv}"
    return {
        "changed": resize.before != resize.after,
        "status": status,
        "reason": reason,
        "msg": message,
        "message": message,
        "before": resize.before,
        "after": resize.after,
        "diff": {"before_header": name, "after_header": name, "before": resize.before or {}, "after": resize.after or {}},
        "commands": [] if status in ("refused", "ok") else resize.commands,
        "stopped_at": stopped_at,
        "seconds": round(time.monotonic() - started, 3),
    }
