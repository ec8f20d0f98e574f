"""Changes of configurations as the source has them: which check comes first, what each kind says, what waits and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from support.sandbox_client import Answer, Client

VM, CT = "/nodes/pve1/qemu/204", "/nodes/pve1/lxc/104"
STOPPED_VM, STOPPED_CT = "/nodes/pve1/qemu/201", "/nodes/pve1/lxc/101"
CAP = "ops@pve!cap=33333333-3333-3333-3333-333333333333"
MANAGER = "capmgr@pve!mgr=55555555-5555-5555-5555-555555555555"


def put(client: Client, path: str, **body: Any) -> Answer:
    return client.ask("PUT", f"{path}/config", body=body)


def waiting(client: Client, path: str) -> dict[str, dict[str, Any]]:
    return {
        one["key"]: {key: one[key] for key in ("pending", "delete") if key in one}
        for one in client.get(f"{path}/pending")
        if "pending" in one or "delete" in one
    }


@pytest.mark.parametrize(
    ("path", "body", "errors"),
    [
        (CT, {"cores": 1, "delete": "cores"}, {"delete": "you can't use '-cores' and -delete cores' at the same time"}),
        (CT, {"cores": 1, "revert": "cores"}, {"revert": "you can't use '-cores' and '-revert cores' at the same time"}),
        (CT, {"delete": "cores", "revert": "cores"}, {"delete": "you can't use '-delete cores' and '-revert cores' at the same time"}),
        (CT, {"delete": "nonsense", "revert": "rubbish"}, {"revert": "unknown option 'rubbish'"}),
        (CT, {"delete": "digest"}, {"delete": "unknown option 'digest'"}),
        (VM, {"cores": 1, "delete": "cores"}, {"delete": "you can't use '-cores' and -delete cores' at the same time"}),
        (VM, {"cores": 1, "revert": "cores"}, {"delete": "you can't use '-cores' and -revert cores' at the same time"}),
        (VM, {"delete": "cores", "revert": "cores"}, {"revert": "you can't use '-delete cores' and -revert cores' at the same time"}),
        (VM, {"delete": "nonsense", "revert": "rubbish"}, {"revert": "unknown option 'rubbish'"}),
        (VM, {"delete": "net77"}, {"delete": "unknown option 'net77'"}),
        (VM, {"delete": "cdrom", "ide2": "none,media=cdrom"}, {"delete": "you can't use '-ide2' and -delete ide2' at the same time"}),
    ],
)
def test_one_option_in_two_roles(client: Client, path: str, body: dict[str, Any], errors: dict[str, str]) -> None:
    answer = put(client, path, **body)
    assert (answer.status, answer.errors) == (400, errors)


def test_nothing_to_do(client: Client) -> None:
    digest = client.get(f"{CT}/config")["digest"]
    assert put(client, CT, digest=digest).reason == "no options specified"
    assert put(client, CT, delete="").status == 200  # a container's list may be empty
    assert put(client, VM, delete="").reason == "no options specified"
    assert put(client, VM, digest="x").reason == "no options specified"
    assert client.ask("POST", f"{VM}/config", body={"background_delay": 5}).reason == "no options specified"


def test_the_order_of_checks_of_a_container(client: Client) -> None:
    manager, locked = Client(client.sandbox, token=MANAGER), "/nodes/pve3/lxc/106"
    assert put(client, "/nodes/pve1/lxc/999", cores=1, delete="cores").reason.startswith("Configuration file")
    assert put(client, locked, cores=1, delete="cores", digest="x").reason == "CT is locked (backup)"
    assert put(client, CT, cores=1, delete="cores", digest="x").reason.startswith("detected modified configuration")
    assert put(manager, CT, tags="x", delete="tags").reason == "Permission check failed (/vms/104, VM.Config.Options)"
    assert put(manager, CT, tags="x", cores=1, delete="cores").status == 400  # values come after the conflicts
    assert put(manager, CT, revert="features").reason == "Permission check failed (/vms/104, VM.Allocate)"


def test_the_order_of_checks_of_a_vm(client: Client) -> None:
    manager, locked = Client(client.sandbox, token=MANAGER), "/nodes/pve3/qemu/203"
    assert put(manager, "/nodes/pve1/qemu/999", skiplock=1).errors == {"skiplock": "Only root may use this option."}
    assert put(manager, "/nodes/pve1/qemu/999", name="x", delete="name").status == 400
    assert put(manager, "/nodes/pve1/qemu/999", name="x").status == 403
    assert put(client, "/nodes/pve1/qemu/999", name="x").reason.startswith("Configuration file")
    assert put(client, locked, name="x", digest="x").reason == "checksum mismatch (file change by other user?)"
    assert put(client, locked, balloon=9999).reason == "VM is locked (backup)"
    assert put(manager, locked, tags="x").reason == "VM is locked (backup)"  # tags are judged with the configuration at hand
    assert put(manager, VM, tags="x").reason == "Permission check failed (/vms/204, VM.Config.Options)"


def test_weights_are_clamped_to_what_the_kernel_takes(client: Client) -> None:
    for path in (CT, VM):
        client.put(f"{path}/config", cpuunits=200000)
        assert client.get(f"{path}/config")["cpuunits"] == 10000


def test_what_is_not_set_may_be_deleted_even_if_it_is_required(client: Client) -> None:
    client.put(f"{STOPPED_CT}/config", delete="onboot,mp3,cpulimit")
    assert put(client, STOPPED_CT, delete="ostype").reason == "unable to delete required option 'ostype'"
    assert put(client, STOPPED_CT, delete="unprivileged").reason == "unable to delete read-only option: 'unprivileged'"


def test_protection_keeps_disks(client: Client) -> None:
    client.put(f"{STOPPED_CT}/config", mp0="shared:1,mp=/data")
    client.put(f"{STOPPED_CT}/config", protection=1)
    assert put(client, STOPPED_CT, delete="mp0").reason == "can't remove CT 101 drive 'mp0' - protection mode enabled"
    assert put(client, STOPPED_CT, mp1="shared:1,mp=/x").reason == "can't update CT 101 drive 'mp1' - protection mode enabled"
    client.put(f"{STOPPED_VM}/config", protection=1)
    assert put(client, STOPPED_VM, delete="scsi0").reason == "can't remove drive 'scsi0' - protection mode enabled"
    client.put(f"{STOPPED_VM}/config", delete="protection")
    client.put(f"{STOPPED_VM}/config", delete="scsi0")
    client.put(f"{STOPPED_VM}/config", protection=1)
    text = "can't remove unused disk 'shared:201/vm-201-disk-0.raw' - protection mode enabled"
    assert put(client, STOPPED_VM, delete="unused0").reason == text


def test_a_waiting_value_of_a_container_outlives_the_deletion_of_its_option(client: Client) -> None:
    client.put(f"{CT}/config", features="nesting=0", nameserver="10.0.0.1")
    client.put(f"{CT}/config", delete="features,nameserver")  # what is not in force cannot be deleted
    assert waiting(client, CT) == {"features": {"pending": "nesting=0", "delete": 1}, "nameserver": {"pending": "10.0.0.1"}}
    assert "features" not in client.get(f"{CT}/config")
    client.put(f"{CT}/config", revert="features,nameserver")
    assert waiting(client, CT) == {}


@pytest.mark.parametrize(
    ("body", "waits"),
    [
        ({"nameserver": "10.0.0.1, 10.0.0.2"}, True),
        ({"timezone": "host"}, True),
        ({"console": 0}, True),
        ({"startup": "order=2"}, False),
        ({"net0": "name=eth0,bridge=vmbr0"}, False),
        ({"mp0": "shared:1,mp=/data"}, False),
        ({"rootfs": "shared:104/vm-104-disk-0.raw,size=8G,acl=1"}, True),
        ({"delete": "memory_"}, None),
        ({"delete": "cores,swap"}, False),
    ],
)
def test_what_a_running_container_takes_at_once(client: Client, body: dict[str, Any], waits: bool | None) -> None:
    assert put(client, CT, **body).status == (400 if waits is None else 200)
    assert bool(waiting(client, CT)) is bool(waits)


@pytest.mark.parametrize(
    ("body", "waits"),
    [
        ({"ciuser": "x", "ipconfig0": "ip=dhcp", "nameserver": "10.0.0.1"}, False),
        ({"migrate_downtime": 1, "migrate_speed": 10}, False),
        ({"agent": 1}, True),
        ({"bios": "ovmf"}, True),
        ({"scsi0": "shared:204/vm-204-disk-0.raw,size=4G,mbps_rd=5"}, False),
        ({"scsi0": "shared:204/vm-204-disk-0.raw,size=4G,cache=writeback"}, True),
        ({"ide2": "none,media=cdrom"}, True),
        ({"scsi1": "shared:1"}, False),
        ({"sata0": "shared:1"}, True),
    ],
)
def test_what_a_running_vm_takes_at_once(client: Client, body: dict[str, Any], waits: bool) -> None:
    client.put(f"{VM}/config", **body)
    assert bool(waiting(client, VM)) is waits


def test_the_bridge_of_a_device_changes_without_hotplug(client: Client) -> None:
    client.put(f"{VM}/config", net0="virtio=BC:24:11:00:00:01,bridge=vmbr0")
    client.put(f"{VM}/config", hotplug="disk")
    client.put(f"{VM}/config", net0="virtio=BC:24:11:00:00:01,bridge=vmbr1,tag=5")
    assert waiting(client, VM) == {}
    client.put(f"{VM}/config", net0="e1000=BC:24:11:00:00:01,bridge=vmbr1")
    assert "net0" in waiting(client, VM)


def test_what_could_not_be_plugged_is_not_tried_again_by_another_change(client: Client) -> None:
    client.put(f"{VM}/config", hotplug="disk,cpu")
    client.well(client.post(f"{VM}/status/stop"))
    client.well(client.post(f"{VM}/status/start"))
    answer = put(client, VM, vcpus=3)
    assert answer.errors == {"vcpus": "hotplug problem - you can't add more vcpus than maxcpus\n"}
    assert put(client, VM, name="other").status == 200
    assert waiting(client, VM) == {"vcpus": {"pending": 3}}
    client.put(f"{VM}/config", delete="vcpus")
    assert waiting(client, VM) == {}


def test_the_log_names_options_in_order_and_hides_secrets(client: Client) -> None:
    log = client.well(client.post(f"{VM}/config", tags="b", cores=2, delete="onboot", cipassword="secret", background_delay=1))
    assert log == ["update VM 204: -cipassword <hidden> -cores 2 -delete onboot -tags b", "TASK OK"]


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (VM, {"startup": "order=1"}, "Permission check failed (/, Sys.Modify)"),
        (VM, {"net0": "virtio,bridge=vmbr0"}, "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"),
        (VM, {"net0": "virtio,bridge=vmbr0,tag=7"}, "Permission check failed (/sdn/zones/localnetwork/vmbr0/7, SDN.Use)"),
        (CT, {"net0": "name=eth0,bridge=vmbr0"}, "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)"),
        (VM, {"scsi1": "shared:1"}, "Permission check failed (/storage/shared, Datastore.AllocateSpace)"),
        (VM, {"usb0": "host=1-2"}, "only root can set 'usb0' config for real devices"),
        (VM, {"usb0": "mapping=stick"}, "Permission check failed (/mapping/usb/stick, Mapping.Use)"),
        (VM, {"serial0": "/dev/ttyS0"}, "only root can modify 'serial0' config for real devices"),
        (VM, {"delete": "meta"}, "only root can set 'meta' config"),
        (CT, {"startup": "order=1"}, "OK"),
        (VM, {"tags": "free"}, "OK"),
    ],
)
def test_an_administrator_of_vms_may_not_everything(client: Client, path: str, body: dict[str, Any], reason: str) -> None:
    assert put(Client(client.sandbox, token=CAP), path, **body).reason == reason


def test_tags_that_the_datacenter_registers_need_more(client: Client) -> None:
    client.put("/cluster/options", registered__tags="gold", user__tag__access="user-allow=existing")
    owner = Client(client.sandbox, token=CAP)
    for path in (VM, CT):
        assert put(owner, path, tags="gold").reason == "Permission check failed (/, Sys.Modify for modifying tag 'gold')"
        assert put(owner, path, tags="unheard").reason == "Permission check failed (/, Sys.Modify for modifying tag 'unheard')"
        assert put(owner, path, tags=client.get(f"{path}/config").get("tags", "") + ";db").status == 200
        client.put(f"{path}/config", tags="gold")
        assert put(owner, path, delete="tags").status == 403


def test_empty_values_are_none(client: Client) -> None:
    for path in (CT, STOPPED_CT, VM, STOPPED_VM):
        client.put(f"{path}/config", tags="a", description="x")
        client.put(f"{path}/config", tags="", description="")
        assert client.get(f"{path}/config").keys().isdisjoint({"tags", "description"})


def test_texts_are_stored_line_by_line(client: Client) -> None:
    for path, text in ((STOPPED_CT, "a\nb\n"), (STOPPED_VM, "a\nb")):
        client.put(f"{path}/config", description="a\nb\n\n")
        assert client.get(f"{path}/config")["description"] == text


def test_the_memory_of_a_vm_stays_as_it_was_written(client: Client) -> None:
    client.put(f"{STOPPED_VM}/config", memory="current=1024")
    assert client.get(f"{STOPPED_VM}/config")["memory"] == "current=1024"
    assert client.get(f"{STOPPED_VM}/status/current")["maxmem"] == 1 << 30
