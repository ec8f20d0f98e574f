"""The lock that a task holds on its guest."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sandbox.lifecycle import holding
from sandbox.tasks import TaskError


def work(guest):
    with holding(guest, "disk"):
        yield 1.0


@pytest.fixture
def guest():
    return SimpleNamespace(config={})


def test_lock_goes_when_the_task_ends(guest):
    task = work(guest)
    next(task)
    assert guest.config["lock"] == "disk"
    assert next(task, None) is None
    assert "lock" not in guest.config


def test_lock_goes_when_the_task_fails(guest):
    task = work(guest)
    next(task)
    with pytest.raises(TaskError):
        task.throw(TaskError("no space left"))
    assert "lock" not in guest.config


def test_lock_of_a_killed_task_stays(guest):
    task = work(guest)
    next(task)
    task.close()
    assert guest.config["lock"] == "disk"
