from __future__ import annotations

import json

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.block_devices import read_block_devices
from ansible_collections.foresight.capacity.plugins.module_utils.commands import Commands


def devices_of(*answers):
    """Devices out of the answers of lsblk, one for each time it is run."""
    waiting = list(answers)

    def run_command(args, **_options):
        rc, out = waiting.pop(0)
        return rc, out, ""

    commands = Commands(run_command)
    commands.find = lambda tool: "/usr/bin/lsblk"
    return read_block_devices(commands)


def test_recorded_tree(fixtures):
    text = (fixtures / "lvm" / "lsblk.json").read_text(encoding="utf-8")
    devices = devices_of((0, text))
    by_path = {device.path: device for device in devices.values()}
    assert by_path["/dev/loop0"].fstype == "LVM2_member"
    assert all(number == device.number and " " not in number for number, device in devices.items())
    assert all(child in devices for device in devices.values() for child in device.children)


def test_device_below_two_parents_keeps_its_children():
    crypt = {"name": "c", "kname": "dm-2", "type": "crypt", "maj:min": "253:2 "}
    volume = {"name": "vg0-a", "kname": "dm-1", "type": "lvm", "maj:min": "253:1"}
    disks = [
        {"name": "sda", "kname": "sda", "type": "disk", "maj:min": "8:0", "children": [dict(volume, children=[crypt])]},
        {"name": "sdb", "kname": "sdb", "type": "disk", "maj:min": "8:16", "children": [volume]},
    ]
    devices = devices_of((0, json.dumps({"blockdevices": disks})))
    assert devices["253:1"].children == ["253:2"]
    assert (devices["253:1"].path, devices["8:0"].path) == ("/dev/mapper/vg0-a", "/dev/sda")


def test_old_lsblk_without_partition_tables_is_asked_again():
    text = json.dumps({"blockdevices": [{"name": "sda", "kname": "sda", "type": "disk", "maj:min": "  8:0  "}]})
    assert devices_of((1, ""), (0, text))["8:0"].partition_table is None


def test_lsblk_without_json():
    assert devices_of((1, ""), (1, "")) == {}


@pytest.mark.parametrize(
    ("label", "shown"), [(r"my s\xc3\xa9cret", "my sécret"), ("plain", "plain"), (None, None), (r"bad \xff", "bad \ufffd")]
)
def test_labels(label, shown):
    entry = {"name": "sda", "kname": "sda", "type": "disk", "maj:min": "8:0", "label": label}
    assert devices_of((0, json.dumps({"blockdevices": [entry]})))["8:0"].label == shown


def test_this_machine():
    def run_command(args, environ_update, **_options):
        import subprocess

        done = subprocess.run(args, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    assert all(device.path.startswith("/dev/") for device in read_block_devices(Commands(run_command)).values())
