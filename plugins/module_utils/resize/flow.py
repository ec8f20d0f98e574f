# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One resize from the first reading to the verified end (DESIGN.md §5, rules 1, 2, 4 and 12)."""

from __future__ import annotations

import shlex
import typing as t

from ansible_collections.foresight.capacity.plugins.module_utils.commands import CommandFailed, MissingTool
from ansible_collections.foresight.capacity.plugins.module_utils.resize import checks, story, volume_change
from ansible_collections.foresight.capacity.plugins.module_utils.resize.host import Host, missing
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused, StepFailed
from ansible_collections.foresight.capacity.plugins.module_utils.resize.procedure import Procedure, Released, Step, Work
from ansible_collections.foresight.capacity.plugins.module_utils.resize.reading import Reading, Request, State, read
from ansible_collections.foresight.capacity.plugins.module_utils.resize.shield import signals_ignored
from ansible_collections.foresight.capacity.plugins.module_utils.resize.sizes import human


class Resize:
    """One request on one host. ``before`` and ``after`` are filled as soon as they are known, also when it ends badly."""

    def __init__(self, host: Host, request: Request) -> None:
        self._host = host
        self.request = request
        self.before: State | None = None
        self.after: State | None = None
        self.commands: list[str] = []
        self.message = ""
        self._touched = False
        self._freed = 0

    def run(self, check_mode: bool) -> None:
        """Do it, or in check mode find out what would be done.

        Raises Refused while nothing has been changed yet, StepFailed afterwards.
        """
        self._freed = self.request.freed if check_mode else 0
        try:
            reading = read(self._host, self.request)
            self.before = self.after = reading.state()
            target = self._target(reading)
            predicted = self._predict(reading, target)
            if predicted == self.before:
                self.message = story.already(reading, predicted)
                return
            work = self._plan_told(reading, target, predicted)
            if work.volume is not None:
                volume_change.rehearse(self._host, reading.volume, target // reading.volume.extent, reading.metadata_size, self._freed)
        except MissingTool as error:
            raise missing(error) from error
        self.commands = [shlex.join(step.command) for step in work.steps]
        self.message = story.done(self.request, reading, predicted, work, check_mode)
        self.after = predicted
        if not check_mode:
            with signals_ignored():
                self._act(reading, target, predicted, work)
                self._verify(reading, target, predicted)

    def _read(self) -> Reading:
        """Read once more after something was changed. Raises Refused, whatever went wrong."""
        try:
            return read(self._host, self.request)
        except (CommandFailed, MissingTool) as error:
            raise Refused("read_failed", str(error)) from error
        except OSError as error:
            raise Refused("read_failed", f"{error.strerror or error}") from error

    def _target(self, reading: Reading) -> int:
        """Bytes the volume shall have: whole extents, whole stripes, never less than asked for."""
        volume, asked = reading.volume, self.request.size
        if asked == volume.size:
            return asked
        unit = volume.extent * volume.layout.data_stripes
        return -(-asked // unit) * unit

    def _predict(self, reading: Reading, target: int) -> State:
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
        self._check_metadata(reading)
        goal = filesystem.goal(target)
        if goal is None or filesystem.size is None:
            return reading.state_at(target, filesystem.size)
        return reading.state_at(target, goal if target < volume.size else max(goal, filesystem.size))

    def _check_metadata(self, reading: Reading) -> None:
        """The metadata of a pool is where the plan saw it, or where it shall be."""
        now, expected, asked = reading.volume.lv.get("metadata_size"), self.request.expect_metadata_size, self.request.metadata_size
        if expected is not None and now not in (expected, asked):
            raise Refused(
                "precondition_changed",
                f"The metadata of {reading.volume.name} has {now} bytes, expected {expected} (O(expect.metadata_size)) or {asked} "
                f"(O(metadata_size)): it was changed since the plan was made. Plan again.",
            )

    def _plan_told(self, reading: Reading, target: int, predicted: State) -> Work:
        """The steps; a refusal also tells that the file system is out of use, where an earlier run may have left it so."""
        try:
            return self._plan(reading, target, predicted)
        except Refused as refused:
            if set(predicted["mountpoints"]) <= set(reading.volume.mountpoints):
                raise
            raise Refused(refused.reason, f"{refused} It is out of use now, though /etc/fstab names it.") from refused

    def _plan(self, reading: Reading, target: int, predicted: State) -> Work:
        """The steps. Everything that can be refused is refused here, before the first of them."""
        volume, filesystem = reading.volume, reading.filesystem
        checks.check_writable(volume)
        if target < volume.size and not self.request.options.allow_shrink:
            raise Refused(
                "shrink_not_allowed",
                f"{volume.name} is {human(volume.size)} and was asked to become {human(target)} (O(size)): it is made smaller only where that is "
                f"allowed (O(allow_shrink)).",
            )
        extents, besides = target // volume.extent, reading.extents_besides
        if target != volume.size or besides:
            volume_change.check_change(volume, extents, besides, self.request.reserve, self._freed)
        if target == volume.size:
            procedure = filesystem.growth(target)
            if predicted["fs_size"] == filesystem.size and not besides:
                restore = procedure.released.restore
                procedure = Procedure(Released(restore=restore), procedure.before if restore else ())
            return Work(procedure, None)
        if target > volume.size:
            self._check_useful(reading, target)
        procedure = filesystem.growth(target) if target > volume.size else filesystem.shrinkage(target)
        return Work(procedure, volume_change.change_step(volume, extents, reading.metadata_size))

    def _check_useful(self, reading: Reading, target: int) -> None:
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
            f"With {human(target)} the file system of {volume.name} could not grow: what is added is too small for it to use. "
            f"Ask for {human(useful)} ({useful} bytes) or more (O(size)).",
        )

    def _act(self, reading: Reading, target: int, predicted: State, work: Work) -> None:
        self.commands = []
        released = work.procedure.released
        for step in released.release:
            self._run(reading, target, released, step)
        if released.release:
            work = self._plan_released(reading, target, predicted, released)
        for step in work.procedure.before:
            self._run(reading, target, released, step)
        if work.volume is not None:
            if target < reading.volume.size:
                self._confirm_shrunk(reading, target, released)
            self._run(reading, target, released, work.volume)
            self._confirm_size(reading, target, released, work.volume.name)
        for step in work.procedure.after:
            self._run(reading, target, released, step)
        for step in released.restore:
            self._run(reading, target, Released(), step)

    def _plan_released(self, reading: Reading, target: int, predicted: State, released: Released) -> Work:
        """The steps once more, now that nothing else can use the file system: what was read while it was mounted may have changed."""
        try:
            now = self._read()
            if now.volume.mountpoints:
                raise Refused("unmount_failed", f"it is still in use at {', '.join(now.volume.mountpoints)}")
            return self._plan(now, target, predicted)
        except (Refused, CommandFailed, MissingTool, OSError) as error:
            reason = error.reason if isinstance(error, Refused) else "read_failed"
            step = "unmount" if reason == "unmount_failed" else "check_filesystem"
            self._fail(reading, target, released, step, reason, str(error).rstrip("."))

    def _run(self, reading: Reading, target: int, released: Released, step: Step) -> None:
        command = shlex.join(step.command)
        self.commands.append(command)
        self._touched = self._touched or step.name not in ("unmount", "mount")
        try:
            result = self._host.changing.run(step.command, check=False)
        except MissingTool as error:
            self._fail(reading, target, released, step.name, step.reason, str(error))
        if result.rc not in step.good:
            self._fail(reading, target, released, step.name, step.reason, f"{command} ended with status {result.rc}: {story.said(result)}")

    def _confirm_shrunk(self, reading: Reading, target: int, released: Released) -> None:
        """No exit status is believed: the volume is reduced only below a file system that really has become smaller (rule 1)."""
        try:
            now = self._read()
        except Refused as error:
            self._fail(reading, target, released, "shrink_filesystem", "verify_failed", str(error).rstrip("."))
        if now.volume.lv["uuid"] != reading.volume.lv["uuid"]:
            what = "another volume has this name now (it was renamed or replaced meanwhile)"
            self._fail(reading, target, released, "shrink_filesystem", "verify_failed", what)
        if now.filesystem.size is None or now.filesystem.size > target:
            seen = human(now.filesystem.size or 0)
            self._fail(
                reading,
                target,
                released,
                "shrink_filesystem",
                "verify_failed",
                f"its tool reported success, but the file system has {seen}, more than the {human(target)} of the volume to come",
            )

    def _confirm_size(self, reading: Reading, target: int, released: Released, step: str) -> None:
        """The file system changes only on a volume that really has its new size."""
        volume = reading.volume
        try:
            rows = self._host.segments(self.request.vg)
        except (Refused, MissingTool, OSError) as error:
            self._fail(reading, target, released, step, "verify_failed", str(error).rstrip("."))
        sizes = {int(row["lv_size"]) for row in rows if row["lv_uuid"] == volume.lv["uuid"]}
        if sizes != {target}:
            seen = ", ".join(human(size) for size in sorted(sizes)) or "no such volume"
            what = f"LVM reported success, but shows {seen} instead of {human(target)}"
            self._fail(reading, target, released, step, "verify_failed", what)

    def _verify(self, reading: Reading, target: int, predicted: State) -> None:
        try:
            now = self._read()
        except Refused as error:
            self.after = None
            raise StepFailed("verify_failed", "verify", f"All commands ended well, but reading the result back did not: {error}") from error
        self.after = now.state()
        if self.after != predicted:
            differing = ", ".join(
                f"{key} {self.after[key]} instead of {value}" for key, value in predicted.items() if self.after[key] != value
            )
            self._fail(reading, target, Released(), "verify", "verify_failed", f"all commands ended well, but {differing} was read back")
        was, seen = reading.volume.lv["filesystem"], now.volume.lv["filesystem"]
        if was and seen and seen["read_only"] and was["read_only"] is False:
            self._fail(reading, target, Released(), "verify", "verify_failed", "it is now mounted read-only (see the kernel log)")

    def _fail(self, reading: Reading, target: int, released: Released, step: str, reason: str, what: str) -> t.NoReturn:
        """Put back what was unmounted, then tell what went wrong, which state that left, and what the next run will do."""
        name = reading.volume.name
        told = f"Resizing {name} stopped at {step}: {what}."
        try:
            unsound = self._restore(released)
        except Refused as error:
            self.after = None
            raise StepFailed(
                reason, step, f"{told} It may be out of use now, as it was for the resize. Its state could not be read: {error}"
            ) from error
        try:
            now = self._read()
        except Refused as error:
            self.after = None
            raise StepFailed(reason, step, f"{told} {unsound}Its state could not be read: {error}") from error
        self.after = now.state()
        raise StepFailed(reason, step, f"{told} {unsound}{story.left(self.before or {}, now, target)}.")

    def _restore(self, released: Released) -> str:
        """Mount again what was unmounted, unless something was done to it and a full check finds fault with it; gives what there is to say of that.

        Raises Refused where it was not mounted, for nobody can tell what was done to it.
        """
        if not released.release:
            return ""
        try:
            now = self._read()
            if now.volume.mountpoints:
                return ""
            trouble = now.filesystem.trouble() if self._touched else None
        except (Refused, CommandFailed, MissingTool, OSError) as error:
            if self._touched:
                raise Refused("read_failed", str(error)) from error
            trouble = None
        if trouble:
            return f"Its file system is left unmounted, for {trouble}; check it by hand, then mount it. "
        for step in released.restore:
            self.commands.append(shlex.join(step.command))
            try:
                result = self._host.changing.run(step.command, check=False)
            except MissingTool as error:
                return f"Mounting it again failed too ({error}); mount it by hand. "
            if result.rc not in step.good:
                return f"Mounting it again failed too ({story.said(result)}); mount it by hand. "
        return ""
