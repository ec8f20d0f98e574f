from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import inventory
from lab.errors import LabError
from lab.vm import Vm


def remembered(name: str, port: int, folder: Path) -> Vm:
    """A host as it lies in the run directory once it was restored."""
    vm = Vm(name)
    vm.directory.mkdir(parents=True)
    (vm.directory / "host.json").write_text(json.dumps({"name": name, "port": port, "image": str(folder / "it's an image")}))
    return vm


def loaded(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(text)["all"]
    return document


def test_integration_hosts_and_the_one_that_is_off_share_an_inventory(lab_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "INVENTORY", lab_folders / "inventories" / "hosts.yml")
    hosts = [remembered("lab1", 22100, lab_folders), remembered("lab2", 22101, lab_folders), remembered("dev", 22102, lab_folders)]
    inventory.write(hosts)
    shared = loaded((lab_folders / "inventories" / "hosts.yml").read_text())
    assert {name: host["ansible_port"] for name, host in shared["hosts"].items()} == {
        "lab1": 22100,
        "lab2": 22101,
        "lab3": inventory.CLOSED_PORT,
    }
    assert shared["vars"]["ansible_host"] == "127.0.0.1"
    own = loaded(inventory.own_path(hosts[2]).read_text())
    assert list(own["hosts"]) == ["dev"]


def test_integration_inventory_goes_with_its_last_host(lab_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lab_folders / "hosts.yml"
    monkeypatch.setattr(inventory, "INVENTORY", path)
    last = remembered("lab1", 22100, lab_folders)
    inventory.write([last])
    assert path.exists()
    (last.directory / "host.json").unlink()
    inventory.write([last])
    assert not path.exists()


def test_other_hosts_leave_the_integration_inventory_alone(lab_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two test sessions bring different hosts up and down at the same time."""
    monkeypatch.setattr(inventory, "INVENTORY", lab_folders / "hosts.yml")
    remembered("lab1", 22100, lab_folders)
    inventory.write([remembered("dev", 22102, lab_folders)])
    assert not (lab_folders / "hosts.yml").exists()


def test_users_own_ssh_files_stay_out_of_it(lab_folders: Path) -> None:
    host = loaded(inventory.render([remembered("lab1", 22100, lab_folders)], None))["hosts"]["lab1"]
    arguments = host["ansible_ssh_common_args"]
    assert "-F /dev/null" in arguments
    assert "StrictHostKeyChecking=yes" in arguments
    assert "it'\"'\"'s an image/known_hosts" in arguments
    assert host["ansible_ssh_private_key_file"].endswith("it's an image/id_ed25519")


def test_number_after_the_highest_is_off() -> None:
    assert inventory.switched_off([Vm("lab1"), Vm("lab4"), Vm("dev")]) == "lab5"


@pytest.mark.parametrize("name", ["", "Lab1", "1lab", "a b", "a/b", "../x", "a" * 32])
def test_names_that_are_no_host_names_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="cannot be a lab host's name"):
        Vm(name)


def test_unknown_host_is_told_with_the_command_that_makes_it(lab_folders: Path) -> None:
    with pytest.raises(LabError, match="tests/lab up --name dev"):
        Vm("dev").ssh_command()
