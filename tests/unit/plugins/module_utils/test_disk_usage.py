from __future__ import annotations

import contextlib
import os
import signal

from ansible_collections.foresight.capacity.plugins.module_utils.disk_usage import NOT_ANSWERING, UNREADABLE, Usage, measure


def test_numbers_are_those_of_statvfs(tmp_path):
    found = os.statvfs(tmp_path)
    usage = measure([str(tmp_path)])[str(tmp_path)]
    assert isinstance(usage, Usage)
    assert usage.size == found.f_blocks * found.f_frsize
    assert 0 <= usage.used <= usage.size
    assert usage.avail <= usage.size - usage.used


def test_file_system_without_inodes():
    usage = measure(["/proc"])["/proc"]
    assert (usage.inodes, usage.inodes_used) == (None, None)


def test_missing_path_is_unreadable(tmp_path):
    gone = str(tmp_path / "gone")
    assert measure([gone, str(tmp_path)])[gone] == UNREADABLE
    assert isinstance(measure([gone, str(tmp_path)])[str(tmp_path)], Usage)


def test_nothing_to_measure():
    assert measure([]) == {}


def hang_at(*dead):
    def statvfs(path):
        if path in dead:
            signal.pause()
        return os.statvfs("/")

    return statvfs


def test_a_file_system_that_does_not_answer_costs_no_other_its_numbers():
    answers = measure(["/a", "/dead", "/b"], hang_at("/dead"), seconds=0.05)
    assert answers["/dead"] == NOT_ANSWERING
    assert isinstance(answers["/a"], Usage)
    assert isinstance(answers["/b"], Usage)


def test_after_three_dead_ones_nobody_is_asked():
    paths = [f"/{number}" for number in range(100)]
    answers = measure(paths, hang_at(*paths), seconds=0.05)
    assert answers == dict.fromkeys(paths, NOT_ANSWERING)


def test_a_child_that_dies_is_survived():
    def statvfs(path):
        if path == "/fatal":
            os.kill(os.getpid(), signal.SIGKILL)
        return os.statvfs("/")

    answers = measure(["/fatal", "/b"], statvfs)
    assert answers["/fatal"] == UNREADABLE
    assert isinstance(answers["/b"], Usage)


def children():
    """Process ids of our children, dead ones that nobody asked for included."""
    found = set()
    for process in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{process}/stat", encoding="utf-8") as stream:
            if stream.read().rpartition(")")[2].split()[1] == str(os.getpid()):
                found.add(process)
    return found


def test_no_child_is_left(capfd):
    before = children()
    measure(["/"])
    assert children() <= before
    assert capfd.readouterr() == ("", "")


def test_the_child_holds_no_lock_of_its_parent(tmp_path):
    """One that waits for a dead disk for ever would keep every later resize away."""
    with open(tmp_path / "lock", "w", encoding="ascii") as lock:

        def statvfs(path):
            os.fstat(lock.fileno())
            return os.statvfs(path)

        assert measure(["/"], statvfs)["/"] == UNREADABLE
