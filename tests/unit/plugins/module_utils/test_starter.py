"""A module knows when the run that started it is gone."""

from __future__ import annotations

import os

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.starter import Starter


@pytest.fixture
def proc(tmp_path):
    """What procfs tells of this process's session leader: a worker whose parent is ansible-playbook, process 70."""
    folder = tmp_path / str(os.getsid(0))
    folder.mkdir()
    (folder / "stat").write_text("71 (ansible) play (book) S 70 71 71 0 -1 4194560")
    return tmp_path


def leader(proc):
    return proc / str(os.getsid(0)) / "stat"


def test_a_run_that_lives_is_not_gone(proc):
    starter = Starter(str(proc))
    assert not starter.is_gone()
    leader(proc).write_text("71 (other ) name) R 70 71 71 0 -1 4194560")
    assert not starter.is_gone()


def test_a_session_with_another_parent_was_left_behind(proc):
    starter = Starter(str(proc))
    leader(proc).write_text("71 (ansible) play (book) S 1 71 71 0 -1 4194560")
    assert starter.is_gone()


def test_a_session_whose_leader_is_gone_was_left_behind(proc):
    starter = Starter(str(proc))
    leader(proc).unlink()
    assert starter.is_gone()


@pytest.mark.parametrize("text", [None, "", "71 (x"])
def test_what_cannot_be_seen_is_not_gone(proc, text):
    """As without procfs, and in a task with async, whose session leader ends before the module begins."""
    leader(proc).unlink()
    if text is not None:
        leader(proc).write_text(text)
    starter = Starter(str(proc))
    assert not starter.is_gone()
    leader(proc).write_text("71 (x) S 1 71")
    assert not starter.is_gone()


def test_this_process(proc):
    assert not Starter().is_gone()
