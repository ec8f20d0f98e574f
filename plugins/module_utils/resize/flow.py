# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One resize from the first reading to the verified end (DESIGN.md §5, rules 1, 2, 4 and 12)."""

from __future__ import annotations

import re
import shlex
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed, MissingTool, Result
from ansible_collections.foresight.capacity.plugins.module_utils.resize import checks
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.base import FileSystem, Options, Step, is_complete
from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.registry import open_filesystem
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host, missing
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, StepFailed
from ansible_collections.foresight.capacity.plugins.module_utils.resize.shield import signals_ignored
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import Reserve, human
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import Volume, read_volume

_VERSION = re.compile(r"(resize2fs|e2fsck) \d\S* \(.*\)")


class Request(t.NamedTuple):
    """What was asked for; sizes in bytes."""

    vg: str
    lv: str
    size: int
    expect_uuid: str | None = None
    expect_size: int | None = None
    reserve: Reserve = Reserve()
    options: Options = Options()


class Reading(t.NamedTuple):
    """The volume and its file system at one moment."""

    volume: Volume
    filesystem: FileSystem

    def state(self) -> dict[str, t.Any]:
        """What C(before) and C(after) show of it."""
        return self.state_at(self.volume.size, self.filesystem.size)

    def state_at(self, size: int, fs_size: int | None) -> dict[str, t.Any]:
        goal = self.filesystem.goal(size)
        kind = (self.volume.lv["filesystem"] or {}).get("type")
        return {
            "uuid": self.volume.lv["uuid"],
            "size": size,
            "fs_type": kind,
            "fs_size": fs_size,
            "fs_fills_volume": None if fs_size is None or goal is None else goal <= fs_size,
        }


class Resize:
    """One request on one host. ``before`` and ``after`` are filled as soon as they are known, also when it ends badly."""

    def __init__(self, host: Host, request: Request) -> None:
        self._host = host
        self.request = request
        self.before: dict[str, t.Any] | None = None
        self.after: dict[str, t.Any] | None = None
        self.commands: list[str] = []
        self.message = ""

    def run(self, check_mode: bool) -> None:
        """Do it, or in check mode find out what would be done.

        Raises Refused while nothing has been changed yet, StepFailed afterwards.
        """
        try:
            reading = self._read()
            self.before = self.after = reading.state()
            target = self._target(reading)
            predicted = self._predict(reading, target)
            if predicted == self.before:
                self.message = f"{reading.volume.name} is {human(target)} already{_filled(predicted)}."
                return
            self._preflight(reading, target)
        except MissingTool as error:
            raise missing(error) from error
        steps = self._steps(reading, target)
        self.commands = [shlex.join(step.command) for step in steps]
        self.message = self._story(reading, predicted, check_mode)
        self.after = predicted
        if not check_mode:
            with signals_ignored():
                self._act(reading, target, steps)
                self._verify(reading, predicted)

    def _read(self) -> Reading:
        volume = read_volume(self._host, self.request.vg, self.request.lv)
        expected = self.request.expect_uuid
        if expected is not None and volume.lv["uuid"] != expected:
            raise Refused(
                "precondition_changed",
                f"{volume.name} has the uuid {volume.lv['uuid']}, expected {expected} (O(expect.uuid)): it is another volume of the same name. Plan again.",
            )
        checks.check_manageable(volume)
        return Reading(volume, open_filesystem(self._host, volume, self.request.options))

    def _target(self, reading: Reading) -> int:
        """Bytes the volume shall have: whole extents, whole stripes, never less than asked for."""
        volume, asked = reading.volume, self.request.size
        if asked == volume.size:
            return asked
        unit = volume.extent * volume.layout.data_stripes
        return -(-asked // unit) * unit

    def _predict(self, reading: Reading, target: int) -> dict[str, t.Any]:
        """The state after the resize. Raises Refused where the present state is no start for it (rule 4)."""
        volume, filesystem = reading.volume, reading.filesystem
        if filesystem.size is not None and filesystem.size > volume.size:
            raise Refused(
                "filesystem_larger",
                f"The file system of {volume.name} has {human(filesystem.size)} ({filesystem.size} bytes), its volume only {human(volume.size)} "
                f"({volume.size} bytes): it is damaged or was half shrunk. Nothing was changed; look into it by hand.",
            )
        expected = self.request.expect_size
        if volume.size != target and expected not in (None, volume.size):
            raise Refused(
                "precondition_changed",
                f"{volume.name} is {human(volume.size)} ({volume.size} bytes), expected {human(expected or 0)} ({expected} bytes, O(expect.size)) "
                f"or {human(target)} ({target} bytes, O(size)): it was changed since the plan was made. Plan again.",
            )
        if target < volume.size:
            raise Refused(
                "shrink_not_supported",
                f"{volume.name} is {human(volume.size)} and was asked to become {human(target)} (O(size)): this module only grows volumes.",
            )
        goal = filesystem.goal(target)
        return reading.state_at(target, None if goal is None or filesystem.size is None else max(goal, filesystem.size))

    def _preflight(self, reading: Reading, target: int) -> None:
        """Everything that can be refused is refused before the first change."""
        volume, filesystem = reading.volume, reading.filesystem
        checks.check_writable(volume)
        if target > volume.size:
            extents = target // volume.extent
            checks.check_extension(volume, extents, self.request.reserve)
            self._check_step(reading, target)
            filesystem.check_growth(target)
            self._host.require("lvm")
            checks.rehearse_extension(self._host, volume, extents)
        else:
            filesystem.check_growth(target)

    def _check_step(self, reading: Reading, target: int) -> None:
        """A step of which the file system cannot use a byte would only waste extents."""
        volume, filesystem = reading.volume, reading.filesystem
        goal = filesystem.goal(target)
        if goal is None or filesystem.size is None or goal > filesystem.size:
            return
        unit = volume.extent * volume.layout.data_stripes
        sizes = range(target + unit, 4 * (target + unit), unit)
        useful = next((size for size in sizes if (filesystem.goal(size) or 0) > filesystem.size), sizes.stop)
        raise Refused(
            "step_too_small",
            f"With {human(target)} the file system of {volume.name} could not grow: what is added is too small for its next block group. "
            f"Ask for {human(useful)} ({useful} bytes) or more (O(size)).",
        )

    def _steps(self, reading: Reading, target: int) -> list[Step]:
        volume, filesystem = reading.volume, reading.filesystem
        steps = filesystem.before_volume()
        if target > volume.size:
            command = ["lvm", *checks.extension(volume, target // volume.extent)]
            steps = [*steps, Step("extend_volume", "extend_failed", command)]
        return steps + filesystem.after_volume(target)

    def _act(self, reading: Reading, target: int, steps: list[Step]) -> None:
        self.commands = []
        for step in steps:
            command = shlex.join(step.command)
            self.commands.append(command)
            result = self._host.changing.run(step.command, check=False)
            if result.rc not in step.good:
                self._fail(reading, target, step.name, step.reason, f"{command} ended with status {result.rc}: {_said(result)}")
            if step.name == "extend_volume":
                self._confirm_size(reading, target)

    def _confirm_size(self, reading: Reading, target: int) -> None:
        """No exit status is believed: the file system grows only on a volume that really has its new size."""
        volume = reading.volume
        try:
            rows = self._host.segments(self.request.vg)
        except Refused as error:
            self._fail(reading, target, "extend_volume", "verify_failed", str(error).rstrip("."))
        sizes = {int(row["lv_size"]) for row in rows if row["lv_uuid"] == volume.lv["uuid"]}
        if sizes != {target}:
            seen = ", ".join(human(size) for size in sorted(sizes)) or "no such volume"
            self._fail(
                reading,
                target,
                "extend_volume",
                "verify_failed",
                f"lvextend reported success, but LVM shows {seen} instead of {human(target)}",
            )

    def _verify(self, reading: Reading, predicted: dict[str, t.Any]) -> None:
        target = int(predicted["size"])
        try:
            now = self._read()
        except (Refused, CommandFailed, MissingTool) as error:
            self.after = None
            raise StepFailed("verify_failed", "verify", f"All commands ended well, but reading the result back did not: {error}") from error
        self.after = now.state()
        if self.after != predicted:
            differing = ", ".join(
                f"{key} {self.after[key]} instead of {value}" for key, value in predicted.items() if self.after[key] != value
            )
            self._fail(reading, target, "verify", "verify_failed", f"all commands ended well, but {differing} was read back")
        lost = sorted(set(reading.volume.mountpoints) - set(now.volume.mountpoints))
        was, seen = reading.volume.lv["filesystem"], now.volume.lv["filesystem"]
        if lost:
            self._fail(reading, target, "verify", "verify_failed", f"it is no longer mounted at {', '.join(lost)}")
        if was and seen and seen["read_only"] and not was["read_only"]:
            self._fail(reading, target, "verify", "verify_failed", "it is now mounted read-only (see the kernel log)")

    def _fail(self, reading: Reading, target: int, step: str, reason: str, what: str) -> t.NoReturn:
        """Tell what went wrong, in which state that left the volume, and what the next run will do."""
        name = reading.volume.name
        try:
            now = self._read()
        except (Refused, CommandFailed, MissingTool) as error:
            self.after = None
            raise StepFailed(reason, step, f"Resizing {name} stopped at {step}: {what}. Its state could not be read: {error}") from error
        self.after = now.state()
        complete = is_complete(now.filesystem, now.volume.size)
        if self.after == self.before:
            state = "Nothing was changed; the same task starts anew"
        elif now.volume.size == target and complete is False:
            state = f"The volume is {human(target)}, its file system still {human(now.filesystem.size or 0)}; the same task will finish that step"
        else:
            state = f"The volume is {human(now.volume.size)}{_filled(self.after)}; the same task will go on from there"
        raise StepFailed(reason, step, f"Resizing {name} stopped at {step}: {what}. {state}.")

    def _story(self, reading: Reading, predicted: dict[str, t.Any], check_mode: bool) -> str:
        volume, verb = reading.volume, "Would grow" if check_mode else "Grew"
        parts = []
        if predicted["size"] != volume.size:
            parts.append(f"{volume.name} from {human(volume.size)} to {human(predicted['size'])}")
        if predicted["fs_size"] != reading.filesystem.size:
            owner = "its" if parts else f"the unfinished {volume.name}:"
            parts.append(
                f"{owner} {predicted['fs_type']} file system from {human(reading.filesystem.size or 0)} to {human(predicted['fs_size'])}"
            )
        rounded = ""
        if predicted["size"] != self.request.size:
            rounded = f" (asked for {self.request.size} bytes, rounded up to {predicted['size']}: whole extents of {human(volume.extent)}"
            rounded += f" over {volume.layout.data_stripes} stripes)" if volume.layout.data_stripes > 1 else ")"
        return f"{verb} {' and '.join(parts)}{rounded}."


def _filled(state: dict[str, t.Any]) -> str:
    return f" and its {state['fs_type']} file system fills it" if state["fs_fills_volume"] else ""


def _said(result: Result) -> str:
    """What a command said, in one line: its errors, without the version that e2fsprogs put there."""
    lines = [line.strip() for line in (result.err.strip() or result.out.strip()).splitlines()]
    return " ".join(line for line in lines if line and not _VERSION.fullmatch(line)).rstrip(".") or "it said nothing"
