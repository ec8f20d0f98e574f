from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="patch_module_args came with ansible-core 2.17")
pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from ansible.module_utils.testing import patch_module_args

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import connection
from ansible_collections.foresight.capacity.plugins.modules import proxmox_guest_migrate
from sandbox.server import Sandbox
from support.moves import ALWAYS, Patient, action, faults, place, requests
from support.proxmox import options

STATE = pathlib.Path(__file__).parents[2] / "sandbox" / "data" / "state.json"
MODULE = pathlib.Path(proxmox_guest_migrate.__file__)


@pytest.fixture(scope="module")
def started():
    with Sandbox(STATE, speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started):
    yield started
    faults(started)
    started.set_clock(100.0)
    started.reseed()


@pytest.fixture
def run(capsys):
    def run(check=False, **arguments):
        with patch_module_args({**arguments, "_ansible_check_mode": check, "_ansible_diff": True}), pytest.raises(SystemExit) as ended:
            proxmox_guest_migrate.main()
        return ended.value.code, json.loads(capsys.readouterr().out)

    return run


def test_moves_of_a_plan(sandbox, run):
    moves = [action("qemu/204", "pve1", "pve2"), action("lxc/104", "pve1", "pve3", 2)]
    given = {**options(sandbox), "actions": moves, "limits": ALWAYS}
    code, foretold = run(check=True, **given)
    assert (code, foretold["changed"]) == (0, True)
    assert place(sandbox, "qemu/204")[0] == "pve1"
    code, result = run(**given)
    assert (code, result["changed"], result["counts"]["changed"]) == (0, True, 2), result
    assert result["diff"] == foretold["diff"]
    assert result["diff"]["before"] == {"guest:lab/qemu/204": "pve1", "guest:lab/lxc/104": "pve1"}
    assert result["diff"]["after"] == {"guest:lab/qemu/204": "pve2", "guest:lab/lxc/104": "pve3"}
    assert result["message"].startswith("2 moves: 2 moved.")
    assert (place(sandbox, "qemu/204"), place(sandbox, "lxc/104")) == (("pve2", True), ("pve3", True))
    code, again = run(**given)
    assert (code, again["changed"], again["counts"]["ok"]) == (0, False, 2)


def test_refusal_fails_the_task_and_tells_all(sandbox, run):
    code, result = run(**options(sandbox), actions=[action("lxc/106", "pve3", "pve1"), action("lxc/101", "pve1", "pve2", 2)])
    assert (code, result["failed"], result["changed"]) == (1, True, False)
    assert [one["status"] for one in result["outcomes"]] == ["refused", "not_started"]
    assert "locked (backup)" in result["msg"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"actions": [{"kind": "lv_resize"}]}, "guest_migrate"),
        ({"actions": [], "limits": {"windows": [{"from": "1", "to": "2"}]}}, "O(limits.windows[0].from)"),
    ],
)
def test_wrong_option_is_named(sandbox, run, given, words):
    code, result = run(**options(sandbox), **given)
    assert (code, result["reason"]) == (1, "parameters")
    assert words in result["msg"]


def test_missing_privilege_is_named_and_no_secret(sandbox, run):
    code, result = run(
        **options(sandbox, api_token_id="viewer@pve!ro", api_token_secret="22222222-2222-2222-2222-222222222222"),
        actions=[action("lxc/101", "pve1", "pve2")],
    )
    assert (code, result["reason"], result["privilege"], result["privilege_path"]) == (1, "forbidden", "VM.Migrate", "/vms/101")
    assert "22222222-2222" not in json.dumps(result)


def test_no_host_answers(sandbox, run):
    code, result = run(**options(sandbox, api_host=["127.0.0.1:1"]), actions=[action("lxc/101", "pve1", "pve2")], max_retries=0)
    assert (code, result["reason"]) == (1, "unreachable")
    # So that the store can tell it: nothing was begun.
    (outcome,) = result["outcomes"]
    assert (outcome["status"], outcome["reason"], outcome["changed"]) == ("failed", "unreachable", False)
    assert outcome["message"].startswith("lxc/101 was not moved: 127.0.0.1:1")
    assert "O(api_host)" in result["msg"]


def test_missing_library_is_named(sandbox, run, monkeypatch):
    monkeypatch.setattr(connection, "HAS_PROXMOXER", False)
    code, result = run(**options(sandbox), actions=[])
    assert code == 1
    assert "proxmoxer" in result["msg"]


# Like a worker of ansible-core: the module in a session of its own, and a parent that can be killed without it.
WORKER = "import subprocess, sys; subprocess.run([sys.executable, sys.argv[1]], start_new_session=True)"


def start(sandbox, *, under=(), **arguments):
    """The module as a process of its own, as Ansible starts it; ``under`` is the command of a process that has it as its child."""
    document = {"ANSIBLE_MODULE_ARGS": {**options(sandbox), **arguments}}
    process = subprocess.Popen(
        [sys.executable, *under, str(MODULE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    process.stdin.write(json.dumps(document))
    process.stdin.close()
    return process


def until(reached, seconds=30.0):
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.01)


def running(sandbox):
    with sandbox.world.lock:
        return [task.id for task in sandbox.world.tasks.all() if task.running and task.type in ("qmigrate", "vzmigrate")]


def test_killed_in_the_middle_of_a_wave(sandbox, run):
    """The next run waits for what runs, goes on with the rest, and moves nothing twice."""
    moves = [action("qemu/204", "pve1", "pve2"), action("lxc/104", "pve1", "pve3"), action("lxc/101", "pve1", "pve2", 2)]
    # The clock stands still, so both migrations of the wave are under way when the module dies.
    faults(sandbox, {"fault": "hang", "type": "qmigrate|vzmigrate", "seconds": 900, "times": 2})
    given = {"actions": moves, "limits": ALWAYS}
    process = start(sandbox, **given)
    until(lambda: len(running(sandbox)) == 2)
    sandbox.set_clock(0.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert sorted(running(sandbox)) == ["104", "204"]
    assert place(sandbox, "lxc/101") == ("pve1", False)
    sandbox.set_clock(2000.0)
    code, result = run(**options(sandbox), **given)
    assert code == 0, result
    assert [one["status"] for one in result["outcomes"]] == ["changed"] * 3
    assert [place(sandbox, guest) for guest in ("qemu/204", "lxc/104", "lxc/101")] == [("pve2", True), ("pve3", True), ("pve2", False)]
    assert [requests(sandbox, guest) for guest in ("qemu/204", "lxc/104", "lxc/101")] == [1, 1, 1]
    code, again = run(**options(sandbox), **given)
    assert (code, again["changed"]) == (0, False)


def test_left_behind_by_a_run_that_was_killed(sandbox):
    """What is under way ends, and no other move begins: the next run may be at work already."""
    moves = [action("qemu/204", "pve1", "pve2"), action("lxc/101", "pve1", "pve2", 2)]
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 900})
    process = start(sandbox, under=("-c", WORKER), actions=moves, limits=ALWAYS)
    until(lambda: len(running(sandbox)) == 1)
    sandbox.set_clock(0.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    sandbox.set_clock(2000.0)
    with process.stdout, process.stderr:
        outcomes, errors = json.loads(process.stdout.read())["outcomes"], process.stderr.read()
    assert [(one["status"], one["reason"]) for one in outcomes] == [("changed", None), ("not_started", "stopped")], errors
    assert "the run that it was for is gone" in outcomes[1]["message"]
    assert (place(sandbox, "qemu/204"), place(sandbox, "lxc/101")) == (("pve2", True), ("pve1", False))
    assert requests(sandbox, "lxc/101") == 0


def test_two_processes_at_once_move_it_once(sandbox):
    given = {"actions": [action("qemu/204", "pve1", "pve2")], "limits": ALWAYS}
    faults(sandbox, {"fault": "hang", "type": "qmigrate", "seconds": 200})
    processes = [start(sandbox, **given) for _number in range(2)]
    results = []
    for process in processes:
        output, errors = process.stdout.read(), process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        assert process.wait() == 0, output + errors
        results.append(json.loads(output))
    assert place(sandbox, "qemu/204") == ("pve2", True)
    with sandbox.world.lock:
        done = [task for task in sandbox.world.tasks.all() if task.id == "204" and task.type == "qmigrate" and task.exitstatus == "OK"]
    assert len(done) == 1
    assert all(one["outcomes"][0]["after"]["node"] == "pve2" for one in results)
    assert Patient(sandbox).get("/nodes/pve2/qemu/204/status/current")["status"] == "running"
