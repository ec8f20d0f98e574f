"""What goes wrong while lv_resize is at work on real volumes.

Every test ends the same way (volumes/faults.py): the data is what it was, the file system is clean and mounted as before, the next run ends well,
a third changes nothing, and the message of the disturbed run says what happened. Faults between plan and apply are in test_faults_of_plans.py.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.noting import Note
from lab.volumes.bench import MIB, Bench
from lab.volumes.faults import GROWTH, GROWTH_UNMOUNTED, SHRINKAGE, Disturbed, ask, heal, is_full, nobody_works, writer
from lab.volumes.recipes import Recipe
from lab.wait import wait_for

FULL = pytest.mark.full
ALL = "*"
# The real ones: a rehearsal ends with --test.
EXTEND, REDUCE = "lvextend*v", "lvreduce*v"


@pytest.mark.parametrize("asked", [pytest.param(GROWTH, id="growth", marks=FULL), pytest.param(SHRINKAGE, id="shrinking")])
def test_lost_connection(bench: Bench, note: Note, asked: Disturbed) -> None:
    """The SSH connection is cut while the file system is resized: lv_resize goes on to its end."""
    name = bench.make(asked.recipe)
    hold = bench.host.hold_on(asked.tool, pattern="/dev*")
    running = bench.start(name, asked.size, **asked.permissions)
    hold.wait(300)
    running.kill_controller()
    hold.release()
    wait_for(lambda: nobody_works(bench) or None, 300, "the end of the module")
    bench.host.wrappers_clear()
    finished = heal(bench, name, asked)
    assert finished["status"] == "ok", "nothing was left to do"
    note.done(finished["message"])


@FULL
@pytest.mark.parametrize("asked", [pytest.param(GROWTH, id="growth"), pytest.param(SHRINKAGE, id="shrinking")])
def test_hang_up_and_termination(bench: Bench, note: Note, asked: Disturbed) -> None:
    """SIGHUP, SIGTERM and SIGINT to everything that belongs to the run: it goes on to its end."""
    name = bench.make(asked.recipe)
    hold = bench.host.hold_on(asked.tool, pattern="/dev*")
    running = bench.start(name, asked.size, **asked.permissions)
    hold.wait(300)
    bench.host.run(f"for signal in HUP TERM INT; do pkill -$signal -x python3; pkill -$signal -x {asked.tool}; done", check=False)
    hold.release()
    outcome = running.wait()
    assert (outcome["status"], outcome["after"]["fs_fills_volume"]) == ("changed", True), outcome["message"]
    bench.host.wrappers_clear()
    heal(bench, name, asked)
    note.done(outcome["message"])


def test_two_at_once(bench: Bench, note: Note) -> None:
    """A second run waits for the lock and tells who holds it; a command that outlives its killed module holds it too."""
    name = bench.make(GROWTH.recipe)
    hold = bench.host.hold_on("resize2fs")
    running = bench.start(name, 400)
    hold.wait(300)
    module = bench.host.run("pgrep -x python3").stdout.split()[0]
    second = ask(bench, name, GROWTH, lock_timeout=0)
    assert (second["status"], second["reason"]) == ("refused", "locked")
    assert f"held by process {module}." in second["message"]
    bench.host.run(f"kill -9 {module}")
    assert "status" not in running.wait()
    third = ask(bench, name, GROWTH, lock_timeout=0)
    assert f"a command that process {module} started before it ended" in third["message"]
    waiting = bench.start(name, GROWTH.size, lock_timeout=300)
    hold.release()
    assert waiting.wait()["after"]["size"] == GROWTH.size * MIB
    bench.host.wrappers_clear()
    heal(bench, name, GROWTH)
    note.done(third["message"])


@FULL
def test_filled_by_a_writer_during_a_growth(bench: Bench, note: Note) -> None:
    """A writer fills the file system to the last byte before it grows, and goes on writing while it does."""
    name = bench.make(GROWTH.recipe)
    with writer(bench, name):
        wait_for(lambda: is_full(bench) or None, 300, "the file system to be full")
        outcome = ask(bench, name, GROWTH)
        assert outcome["status"] == "changed", outcome["message"]
    heal(bench, name, GROWTH)
    note.done(outcome["message"])


# What fails, whether it has done its work then, and what the result says of it.
FAILURES: dict[str, tuple[Disturbed, str, str, str, str, str]] = {
    "lvextend does nothing": (GROWTH, "lvm", EXTEND, "before", "extend_failed", "extend_volume"),
    "lvextend fails after its work": (GROWTH, "lvm", EXTEND, "after", "extend_failed", "extend_volume"),
    "resize2fs does nothing when growing": (GROWTH, "resize2fs", ALL, "before", "grow_failed", "grow_filesystem"),
    "resize2fs fails after growing": (GROWTH, "resize2fs", ALL, "after", "grow_failed", "grow_filesystem"),
    "resize2fs does nothing when shrinking": (SHRINKAGE, "resize2fs", "/dev*", "before", "shrink_failed", "shrink_filesystem"),
    "resize2fs fails after shrinking": (SHRINKAGE, "resize2fs", "/dev*", "after", "shrink_failed", "shrink_filesystem"),
    "lvreduce does nothing": (SHRINKAGE, "lvm", REDUCE, "before", "reduce_failed", "reduce_volume"),
    "lvreduce fails after its work": (SHRINKAGE, "lvm", REDUCE, "after", "reduce_failed", "reduce_volume"),
    "e2fsck fails": (SHRINKAGE, "e2fsck", "-f -p*", "before", "fsck_failed", "check_filesystem"),
    "umount fails": (SHRINKAGE, "umount", "/srv*", "before", "unmount_failed", "unmount"),
    "mount fails": (SHRINKAGE, "mount", "/srv*", "before", "mount_failed", "mount"),
}


@pytest.mark.parametrize(
    "failing", [pytest.param(name, marks=() if name == "lvextend fails after its work" else FULL) for name in FAILURES]
)
def test_failing_command(bench: Bench, note: Note, failing: str) -> None:
    """A command fails, before it did anything or after all its work."""
    asked, tool, pattern, when, reason, stopped_at = FAILURES[failing]
    name = bench.make(asked.recipe)
    bench.host.fail_on(tool, when=when, pattern=pattern)  # type: ignore[arg-type]
    failed = ask(bench, name, asked)
    assert (failed["status"], failed["reason"], failed["stopped_at"]) == ("failed", reason, stopped_at), failed["message"]
    assert "ended with status 5" in failed["message"]
    assert "made to fail" in failed["message"]
    bench.host.wrappers_clear()
    if stopped_at != "mount":
        mounted = bench.host.run(["mountpoint", "-q", f"/srv/{name}"], check=False).returncode == 0
        assert mounted, "what was unmounted is mounted again"
    heal(bench, name, asked)
    note.done(failed["message"])


# Tools that report success and have done nothing: asked, tool, arguments, where it is seen.
LIES = {
    "lvextend": (GROWTH, "lvm", EXTEND, "extend_volume"),
    "resize2fs when growing": (GROWTH, "resize2fs", ALL, "verify"),
    "resize2fs when shrinking": (SHRINKAGE, "resize2fs", "/dev*", "shrink_filesystem"),
    "lvreduce": (SHRINKAGE, "lvm", REDUCE, "reduce_volume"),
}


@pytest.mark.parametrize("lying", [pytest.param(name, marks=FULL) for name in LIES])
def test_lying_command(bench: Bench, note: Note, lying: str) -> None:
    """A command reports success and has done nothing: the volume is read before anything relies on it."""
    asked, tool, pattern, stopped_at = LIES[lying]
    name = bench.make(asked.recipe)
    bench.host.fail_on(tool, pattern=pattern, status=0)
    failed = ask(bench, name, asked)
    assert (failed["status"], failed["reason"], failed["stopped_at"]) == ("failed", "verify_failed", stopped_at), failed["message"]
    bench.host.wrappers_clear()
    heal(bench, name, asked)
    note.done(failed["message"])


# What debugfs does to an unmounted file system. The repairing check sets it right by itself.
CORRUPTIONS = {
    "marked with errors": "ssv state 2",
    "a block is counted that nobody has": "setb 70000",
}


@pytest.mark.parametrize("damage", [pytest.param(name, marks=() if name.startswith("a block") else FULL) for name in CORRUPTIONS])
def test_check_needed(bench: Bench, note: Note, damage: str) -> None:
    """The unmounted file system is damaged: refused untouched, and repaired where allow_fsck says so."""
    asked = GROWTH_UNMOUNTED
    name = bench.make(replace(asked.recipe, spoil=f"debugfs -w -R '{CORRUPTIONS[damage]}' {{device}} 2>/dev/null"))
    refused = bench.resize(name, asked.size)
    assert (refused["status"], refused["reason"], refused["changed"]) == ("refused", "fsck_needed", False), refused["message"]
    assert "O(allow_fsck)" in refused["message"]
    assert bench.size(name) == asked.recipe.size * MIB
    heal(bench, name, asked)
    note.done(refused["message"])


# A file without a name: e2fsck asks before it puts such things into lost+found.
LOSE_A_FILE = """
cp /srv/{name}/data/large /srv/{name}/spare; sync; umount /srv/{name}
debugfs -w -R 'unlink /spare' {device} 2>/dev/null
"""


@FULL
def test_damage_that_only_a_person_repairs(bench: Bench, note: Note) -> None:
    """The unmounted file system is damaged so that the repairing check gives up: nothing is changed, and it is said; grown after e2fsck by hand."""
    asked = GROWTH_UNMOUNTED
    name = bench.make(replace(asked.recipe, mounted=True, spoil=LOSE_A_FILE))
    refused = bench.resize(name, asked.size)
    assert (refused["status"], refused["reason"], refused["changed"]) == ("refused", "fsck_needed", False), refused["message"]
    failed = ask(bench, name, asked)
    assert (failed["status"], failed["reason"], failed["stopped_at"]) == ("failed", "fsck_failed", "check_filesystem"), failed["message"]
    assert "RUN fsck MANUALLY" in failed["message"]
    assert "Nothing was changed" in failed["message"]
    assert bench.size(name) == asked.recipe.size * MIB
    bench.host.run(f"e2fsck -f -y /dev/vg0/{name}; [ $? -le 1 ]")
    heal(bench, name, asked)
    note.done(failed["message"])


def commits(bench: Bench, name: str) -> int:
    """Transactions that the journal of a mounted ext4 has committed since it was mounted."""
    return int(bench.host.run(f"cat /proc/fs/jbd2/$(basename $(readlink -f /dev/vg0/{name}))-8/info").stdout.split()[0])


def written(bench: Bench, name: str) -> int:
    """Bytes that have reached the volume since it is active."""
    return 512 * int(bench.host.run(f"cat /sys/class/block/$(basename $(readlink -f /dev/vg0/{name}))/stat").stdout.split()[6])


@FULL
def test_dirty_journal(bench: Bench, note: Note) -> None:
    """Power cut with writes in flight: the journal was not replayed, the unmounted file system is refused, and replayed where allow_fsck says so."""
    asked = GROWTH_UNMOUNTED
    name = bench.make(Recipe(size=asked.recipe.size, fstab=None))
    begun = commits(bench, name)
    bench.host.run(f"sync; (while :; do echo x >> /srv/{name}/$RANDOM$RANDOM; done) < /dev/null > /dev/null 2>&1 &")
    wait_for(lambda: commits(bench, name) > begun + 2, 300, "the journal to commit what is written")
    bench.power_cycle()
    bench.note([name])
    refused = bench.resize(name, asked.size)
    assert (refused["status"], refused["reason"], refused["changed"]) == ("refused", "fsck_needed", False), refused["message"]
    assert "journal" in refused["message"]
    heal(bench, name, asked)
    note.done(refused["message"])


# Where the check at boot gives up, the host boots all the same.
SHRINKAGE_AT_BOOT = replace(SHRINKAGE, recipe=replace(SHRINKAGE.recipe, fstab="nofail"))
# What is asked, the bytes that are written before the power is cut, and how many of them in a second.
POWER_CUTS = {
    "growing": (replace(GROWTH_UNMOUNTED, size=8000), 2**16, 2**14),
    "shrinking": (SHRINKAGE_AT_BOOT, 2**16, 2**14),
    "shrinking, half way": (SHRINKAGE_AT_BOOT, 5 * 2**20, 2**18),
}


@FULL
@pytest.mark.parametrize("cut", list(POWER_CUTS))
def test_power_cut_in_the_middle_of_a_resize(bench: Bench, note: Note, cut: str) -> None:
    """Power cut while resize2fs writes to the unmounted file system: half of it is on the disk."""
    asked, amount, speed = POWER_CUTS[cut]
    name = bench.make(asked.recipe)
    hold = bench.host.hold_on("resize2fs", pattern="/dev*")
    running = bench.start(name, asked.size, **asked.permissions)
    hold.wait(300)
    # What is written shall reach the disk at once, and slowly.
    bench.host.run("sync; cd /proc/sys/vm; echo 20 > dirty_writeback_centisecs; echo 20 > dirty_expire_centisecs")
    begun = written(bench, name)
    bench.host.vm.slow_writes(speed)
    hold.release()
    wait_for(lambda: written(bench, name) >= begun + amount, 300, "resize2fs to write")
    still = bench.host.run("pgrep -x resize2fs", check=False)
    running.kill_controller()
    bench.power_cycle()
    bench.host.vm.slow_writes(0)
    assert still.returncode == 0, "resize2fs was at work when the power was cut"
    assert bench.size(name) == max(asked.size, asked.recipe.size) * MIB
    told = ask(bench, name, asked)
    if told["status"] == "failed":
        # What resize2fs had written by then decides whether the repairing check dares it; the data is there either way.
        assert (told["reason"], told["stopped_at"]) == ("fsck_failed", "check_filesystem"), told["message"]
        assert "RUN fsck MANUALLY" in told["message"]
        bench.host.run(f"e2fsck -f -y /dev/vg0/{name}; [ $? -le 1 ]", timeout=900)
    heal(bench, name, asked)
    note.done(told["message"])


@FULL
def test_filled_by_a_writer_during_a_btrfs_shrink(bench: Bench, note: Note) -> None:
    """A writer takes the room that the shrinking needs after it was checked: btrfs fails, the volume keeps its size."""
    asked = Disturbed(Recipe("btrfs", size=480), 320, {"allow_shrink": True}, "btrfs")
    name = bench.make(asked.recipe)
    hold = bench.host.hold_on("sh", pattern="-c*/srv/*")
    running = bench.start(name, asked.size, **asked.permissions)
    hold.wait(300)
    with writer(bench, name):
        wait_for(lambda: is_full(bench) or None, 300, "the file system to be full")
        hold.release()
        failed = running.wait()
        assert (failed["status"], failed["reason"], failed["stopped_at"]) == ("failed", "shrink_failed", "shrink_filesystem"), failed[
            "message"
        ]
        assert bench.size(name) == asked.recipe.size * MIB
    bench.host.wrappers_clear()
    heal(bench, name, asked)
    note.done(failed["message"])
