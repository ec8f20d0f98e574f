from __future__ import annotations

import json
import pathlib

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="patch_module_args came with ansible-core 2.17")
pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from ansible.module_utils.testing import patch_module_args

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import connection
from ansible_collections.foresight.capacity.plugins.modules import proxmox_guest_resize
from sandbox.server import Sandbox
from support.proxmox import TOKEN, options, resize_action

STATE = pathlib.Path(__file__).parents[2] / "sandbox" / "data" / "state.json"
MIB, GIB = 1 << 20, 1 << 30


@pytest.fixture(scope="module")
def started():
    with Sandbox(STATE, speed=200.0) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(started):
    yield started
    started.reseed()


@pytest.fixture
def run(capsys):
    def run(check=False, **arguments):
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit) as ended:
            proxmox_guest_resize.main()
        output = capsys.readouterr().out
        assert TOKEN["api_token_secret"] not in output
        return ended.value.code, json.loads(output)

    return run


GUESTS = [{"guest": "lxc/104", "memory": "2 GiB"}, {"guest": "qemu/204", "cores": 2}, {"guest": "lxc/101", "memory": "1 GiB"}]


def test_check_mode_tells_what_the_run_does(sandbox, run):
    told, done, again = (run(check, **options(sandbox), guests=GUESTS) for check in (True, False, False))
    assert (told[0], done[0], again[0]) == (0, 0, 0)
    for key in ("changed", "diff", "restart_required", "msg"):
        assert told[1][key] == done[1][key]
    assert (done[1]["changed"], again[1]["changed"], again[1]["diff"]) == (True, False, [])
    assert done[1]["restart_required"] == again[1]["restart_required"] == {"qemu/204": ["cores"]}
    assert [result["status"] for result in done[1]["outcomes"]] == ["changed", "changed", "ok"]
    assert [(one["before_header"], one["before"]["memory"], one["after"]["memory"]) for one in done[1]["diff"]] == [
        ("lxc/104", GIB, 2 * GIB),
        ("qemu/204", 2 * GIB, 2 * GIB),
    ]
    # Own rights, resources, quorum; rights, configuration and status of each; rights on the node, version, the node's ZFS cache; changes, read back.
    assert (told[1]["calls"], done[1]["calls"], again[1]["calls"]) == (3 + 9 + 3, 3 + 9 + 3 + 4, 3 + 9)


def test_one_that_is_refused_fails_the_task_and_keeps_the_results(sandbox, run):
    code, result = run(**options(sandbox), guests=[*GUESTS, {"guest": "lxc/106", "cores": 2}])
    assert (code, result["failed"], result["changed"]) == (1, True, True)
    assert [one["status"] for one in result["outcomes"]] == ["changed", "changed", "ok", "refused"]
    assert result["msg"].startswith("4 guests: 2 changed, 1 refused or failed; lxc/106: lxc/106 is locked (backup)")


def test_actions_of_a_plan(sandbox, run):
    action = resize_action("guest:lab/lxc/104", {"memory": GIB}, {"memory": 2 * GIB}, node="pve1")
    code, result = run(**options(sandbox), actions=[action])
    assert (code, result["outcomes"][0]["item"], result["outcomes"][0]["status"]) == (0, action, "changed")
    code, result = run(**options(sandbox), actions=[])
    assert (code, result["changed"], result["outcomes"], result["calls"]) == (0, False, [], 0)


def test_neither_guests_nor_actions(sandbox, run):
    code, result = run(**options(sandbox))
    assert code == 1
    assert "guests, actions" in result["msg"]


def test_options_that_make_no_sense_ask_nothing(sandbox, run):
    code, result = run(**options(sandbox), guests=[{"guest": "lxc/104", "memory": "4 GB"}])
    assert (code, result["reason"]) == (1, "parameters")
    assert "O(guests[0]).memory" in result["msg"]


def test_missing_library_is_named(sandbox, run, monkeypatch):
    monkeypatch.setattr(connection, "HAS_PROXMOXER", False)
    code, result = run(**options(sandbox), guests=GUESTS)
    assert code == 1
    assert "proxmoxer" in result["msg"]
