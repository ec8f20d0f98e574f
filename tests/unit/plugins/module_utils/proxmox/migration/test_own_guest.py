from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.migration.own_guest import Identity, read_identity, runs_in

UUID = "3d2c1c1e-5d0e-4a9c-9a53-0a4f6a7b0204"


def machine(root, addresses, uuid=None):
    for name, address in addresses.items():
        card = root / "sys" / "class" / "net" / name
        card.mkdir(parents=True)
        (card / "address").write_text(f"{address}\n", encoding="ascii")
    if uuid:
        dmi = root / "sys" / "class" / "dmi" / "id"
        dmi.mkdir(parents=True)
        (dmi / "product_uuid").write_text(f"{uuid}\n", encoding="ascii")
    return read_identity(str(root))


def test_what_the_kernel_tells(tmp_path):
    found = machine(tmp_path, {"lo": "00:00:00:00:00:00", "eth0": "BC:24:11:AA:BB:CC"}, UUID.upper())
    assert found == Identity(frozenset({"bc:24:11:aa:bb:cc"}), UUID)


def test_machine_that_tells_nothing(tmp_path):
    assert read_identity(str(tmp_path)) == Identity(frozenset(), None)


def test_this_machine_can_be_read():
    assert "00:00:00:00:00:00" not in read_identity().addresses


@pytest.mark.parametrize(
    "config",
    [
        {"net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,ip=dhcp,type=veth"},
        {"net1": "virtio=BC:24:11:AA:BB:CC,bridge=vmbr0", "net0": "virtio=BC:24:11:00:00:00,bridge=vmbr0"},
    ],
)
def test_known_by_its_card(tmp_path, config):
    assert "is one of this machine's" in runs_in(machine(tmp_path, {"eth0": "bc:24:11:aa:bb:cc"}), config)


@pytest.mark.parametrize("told", [UUID, "1e1c2c3d-0e5d-9c4a-9a53-0a4f6a7b0204"])
def test_known_by_its_uuid_in_either_order_of_bytes(tmp_path, told):
    config = {"smbios1": f"base64=1,uuid={UUID}", "net0": "virtio=BC:24:11:00:00:00"}
    assert UUID in runs_in(machine(tmp_path, {}, told), config)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"net0": "virtio=BC:24:11:00:00:00,bridge=vmbr0", "smbios1": "uuid=3d2c1c1e-5d0e-4a9c-9a53-0a4f6a7b0205"},
        {"description": "it talks to BC:24:11:AA:BB:CC", "smbios1": "uuid=------------------------------------"},
    ],
)
def test_other_guests(tmp_path, config):
    assert runs_in(machine(tmp_path, {"eth0": "bc:24:11:aa:bb:cc"}, UUID), config) is None


def test_without_a_uuid_no_guest_is_own_by_it():
    assert runs_in(Identity(frozenset(), None), {"smbios1": f"uuid={UUID}"}) is None
