# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import multiprocessing
import os
import pathlib
import subprocess
import sys

import pytest

from ansible_collections.foresight.capacity.plugins.plugin_utils.controller import (
    Process,
    alive,
    boot_id,
    controller_id,
    playbook_process,
    started,
)
from ansible_collections.foresight.capacity.plugins.plugin_utils.errors import ForesightError


def _ask(queue):
    queue.put(tuple(playbook_process()))


def test_a_forked_worker_names_the_process_it_works_for():
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=_ask, args=(queue,))
    worker.start()
    named = Process(*queue.get(timeout=60))
    worker.join()
    assert named == playbook_process()
    assert named.pid == os.getpid()


def test_it_lives_until_it_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    here = playbook_process()
    holder = here._replace(pid=child.pid, pid_start=started(child.pid))
    assert alive(holder, here) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert alive(holder, here) is False  # a zombie does nothing any more
    child.communicate()
    assert alive(holder, here) is False


def test_the_same_pid_of_another_time_or_boot_is_another_process():
    here = playbook_process()
    assert alive(here) is True
    assert alive(here._replace(pid_start=here.pid_start + 1), here) is False
    assert alive(here._replace(boot_id="another"), here) is False


def test_nothing_is_known_of_another_controller():
    here = playbook_process()
    assert alive(here._replace(controller="another"), here) is None


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text("b-o-o-t\n")
    (tmp_path / "self/ns").mkdir(parents=True)
    (tmp_path / "machine-id").write_text("m-a-c\n")
    return tmp_path


def test_containers_of_one_image_are_different_controllers(proc):
    (proc / "self/ns/pid").symlink_to("pid:[4026532501]")
    assert controller_id(proc, proc) == f"{os.uname().nodename} m-a-c pid:[4026532501]"
    (proc / "self/ns/pid").unlink()
    (proc / "self/ns/pid").symlink_to("pid:[4026531836]")
    assert controller_id(proc, proc) == f"{os.uname().nodename} m-a-c"
    assert boot_id(proc) == "b-o-o-t"


def test_a_clone_with_the_same_machine_id_is_another_controller(proc, monkeypatch):
    """Its boot is another one too, which would else mean that the first machine was booted anew and its run is gone."""
    first = Process(controller_id(proc, proc), "boot-1", 42, 777)
    monkeypatch.setattr("platform.node", lambda: "clone")
    assert alive(first, Process(controller_id(proc, proc), "boot-2", 43, 778), proc) is None


@pytest.mark.parametrize(("answer", "expected"), [(PermissionError, None), (ProcessLookupError, False)])
def test_a_process_that_is_hidden_is_not_taken_for_dead(proc, monkeypatch, answer, expected):
    """/proc mounted with hidepid shows nobody the processes of another user; only the kernel's answer to a signal tells that there is one."""

    def kill(_pid, _signal):
        raise answer

    monkeypatch.setattr(os, "kill", kill)
    here = Process("c", "b-o-o-t", 41, 700)
    assert alive(here._replace(pid=42, pid_start=777), here, proc) is expected


def test_without_a_machine_id_the_host_name_serves(proc):
    (proc / "machine-id").write_text("")
    assert controller_id(proc, proc) == os.uname().nodename


def test_the_start_is_read_behind_any_command_name(proc):
    fields = ["S", *map(str, range(4, 22)), "777", "0"]
    (proc / "42").mkdir()
    (proc / "42/stat").write_text("42 (a) b (c)) " + " ".join(fields))
    assert started(42, proc) == 777
    assert started(43, proc) is None


def test_a_process_that_is_gone_is_told(tmp_path):
    with pytest.raises(ForesightError, match="needed is a Linux controller"):
        playbook_process(pathlib.Path(tmp_path))
