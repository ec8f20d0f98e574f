"""Swap: what is kept of it, when it is not taken out of use, every half-done state (util-linux 2.38)."""

from __future__ import annotations

import copy

import pytest
from driver import DEVICE, HostOf, changes, data_volume, machine_with, resize, swap
from simulated_host import Killed
from simulated_swap import UUID
from simulated_volume import EXTENT

from ansible_collections.foresight.capacity.plugins.module_utils.resize.filesystems.swap import Header, read_header, read_use
from ansible_collections.foresight.capacity.plugins.module_utils.resize.outcome import Refused
from ansible_collections.foresight.capacity.plugins.module_utils.resize.volume import read_volume

MIB = 2**20
FSTAB = [f"UUID={UUID} none swap sw,pri=7,discard=once,nofail 0 0"]
LEAVE = {"allow_unmount": True, "allow_shrink": True}
# od of /dev/vg0/s1 after mkswap -L swaplabel (256 MiB), recorded in the lab.
RECORDED = bytes.fromhex("01000000ffff00000000000022724e7e880447128429 0d6692a9f456737761706c6162656c00000000000000".replace(" ", ""))


def host(extents=100, active=True, fstab=tuple(FSTAB), volume=None, **fs):
    """A host with vg0/data, swap that fills it unless told otherwise."""
    area = swap(fs.pop("filled", extents), **{"label": "a b", "priority": 5, **fs})
    return machine_with(data_volume(extents, fs=area, mountpoints=["[SWAP]"] if active else [], **(volume or {})), fstab=list(fstab))


def area(machine):
    return machine.volumes["data"].fs


# ---- the header ----------------------------------------------------------------------------------------------------------


class Recorded(HostOf):
    """A host whose device holds these bytes."""

    content = b""

    def read_bytes(self, device, offset, count):
        return self.content[offset : offset + count]


def header_of(page=4096, magic=b"SWAPSPACE2", start=RECORDED):
    machine = Recorded(host())
    content = bytearray(100 * EXTENT)
    content[1024 : 1024 + len(start)] = start
    content[page - 10 : page] = magic
    machine.content = bytes(content)
    return read_header(machine, read_volume(machine, "vg0", "data"), DEVICE)


def test_header_as_mkswap_wrote_it():
    uuid = bytes.fromhex(UUID.replace("-", ""))
    assert header_of() == Header(4096, 65536, 0, uuid, b"swaplabel")
    assert header_of(page=65536).page_size == 65536


@pytest.mark.parametrize("magic", [b"S1SUSPEND\0", b"ULSUSPEND\0"])
def test_hibernating_system_is_not_swapped_off(magic):
    with pytest.raises(Refused, match="hibernates") as refused:
        header_of(magic=magic)
    assert refused.value.reason == "in_use"


@pytest.mark.parametrize("wrong", [{"magic": b"SWAP-SPACE"}, {"magic": bytes(10)}, {"start": RECORDED[3::-1] + RECORDED[4:]}])
def test_header_of_another_kind_or_machine_is_not_readable(wrong):
    with pytest.raises(Refused, match="header is not the one") as refused:
        header_of(**wrong)
    assert refused.value.reason == "not_readable"


def test_use_is_found_by_the_name_that_the_kernel_gives_the_device():
    machine = host(swapped=25500 * 1024)
    machine.links[DEVICE] = "../dm-1"
    assert "/dev/dm-1 " in machine.text("/proc/swaps")
    assert read_use(HostOf(machine).files, DEVICE) == (25500 * 1024, 5)
    assert read_use(HostOf(machine).files, "/dev/mapper/vg0-other") is None


# ---- growing and shrinking -----------------------------------------------------------------------------------------------


def test_active_swap_is_made_anew_and_nothing_but_its_size_changes():
    machine = host()
    result = resize(machine, 150, allow_unmount=True)
    assert result["status"] == "changed"
    assert result["commands"] == [
        f"swapoff {DEVICE}",
        "lvm lvextend --extents 150 vg0/data",
        f"mkswap --pagesize 4096 --uuid {UUID} --label 'a b' {DEVICE} {150 * 4096}",
        f"swapon --priority 5 --discard=once {DEVICE}",
    ]
    assert (area(machine).size, area(machine).uuid, area(machine).label) == (150 * EXTENT, UUID, "a b")
    assert (area(machine).priority, area(machine).discard) == (5, "once")
    assert result["after"]["mountpoints"] == ["[SWAP]"]
    assert resize(machine, 150, allow_unmount=True)["status"] == "ok"


def test_swap_shrinks_before_its_volume():
    machine = host()
    result = resize(machine, 60, **LEAVE)
    assert [command.split()[0] for command in result["commands"]] == ["swapoff", "mkswap", "lvm", "swapon"]
    assert (area(machine).size, machine.volumes["data"].extents, result["after"]["mountpoints"]) == (60 * EXTENT, 60, ["[SWAP]"])


@pytest.mark.parametrize("allow", [True, False])
def test_inactive_swap_that_the_next_boot_would_not_activate_stays_inactive(allow):
    for fstab in ([], [f"UUID={UUID} none swap noauto 0 0"], [f"UUID={UUID} /srv ext4 defaults 0 0"]):
        result = resize(host(active=False, fstab=fstab), 150, allow_unmount=allow)
        assert [command.split()[0] for command in result["commands"]] == ["lvm", "mkswap"]
        assert result["after"]["mountpoints"] == []


def test_inactive_swap_of_the_next_boot_is_activated_as_fstab_says_where_that_is_allowed():
    machine = host(active=False)
    assert resize(machine, 150, allow_unmount=True)["commands"][-1] == f"swapon --priority 7 --discard=once {DEVICE}"
    machine = host(active=False)
    assert resize(machine, 150)["after"]["mountpoints"] == []


def test_priority_that_the_kernel_gave_is_not_asked_for():
    machine = host(priority=-2, fstab=[f"UUID={UUID} none swap sw,discard 0 0"])
    assert resize(machine, 150, allow_unmount=True)["commands"][-1] == f"swapon --discard {DEVICE}"


def test_swap_without_uuid_and_label():
    machine = host(uuid="00000000-0000-0000-0000-000000000000", label=None, fstab=[f"{DEVICE} none swap sw 0 0"])
    assert resize(machine, 150, allow_unmount=True)["commands"][2] == f"mkswap --pagesize 4096 {DEVICE} {150 * 4096}"


def test_page_size_is_kept():
    machine = host(active=False, fstab=[])
    area(machine).block_size, area(machine).blocks = 65536, 100 * EXTENT // 65536
    assert resize(machine, 150)["commands"][1].startswith("mkswap --pagesize 65536 ")
    assert area(machine).size == 150 * EXTENT


def test_udev_that_looks_at_it_after_swapoff_is_waited_for():
    machine = host()
    resize(machine, 150, allow_unmount=True)
    assert ["udevadm", "settle", "--timeout=10"] in machine.calls
    assert not machine.volumes["data"].is_open


# ---- refusals ------------------------------------------------------------------------------------------------------------


def refused(machine, extents=150, **more):
    former = copy.deepcopy(machine.volumes)
    result = resize(machine, extents, **more)
    assert (result["status"], changes(machine), machine.volumes) == ("refused", [], former)
    return result["reason"], result["message"]


def test_active_swap_needs_a_permission():
    reason, message = refused(host())
    assert (reason, "O(allow_unmount)" in message) == ("mounted", True)


@pytest.mark.parametrize(
    "fstab", [[], [f"UUID={UUID} none swap noauto 0 0"], [f"#UUID={UUID} none swap sw 0 0"], ["UUID=other none swap sw 0 0"]]
)
def test_active_swap_that_the_next_boot_would_not_activate(fstab):
    assert refused(host(fstab=fstab), allow_unmount=True)[0] == "not_in_fstab"


@pytest.mark.parametrize(
    ("available", "swapped", "fits"),
    [(1000, 0, True), (36580, 25500, False), (25500 + 399999, 25500, False), (25500 + 400000, 25500, True)],
)
def test_what_is_swapped_out_must_fit_into_memory(available, swapped, fits):
    machine = host(swapped=swapped * 1024)
    machine.files["/proc/meminfo"] = f"MemTotal:        8000000 kB\nMemFree:            1 kB\nMemAvailable:    {available} kB\n"
    if fits:
        assert resize(machine, 150, allow_unmount=True)["status"] == "changed"
    else:
        reason, message = refused(machine, allow_unmount=True)
        assert (reason, "24.9 MiB are swapped out" in message) == ("no_memory", True)


def test_memory_that_nobody_tells_is_not_counted_on():
    machine = host(swapped=4096)
    machine.files["/proc/meminfo"] = "MemFree: 1 kB\n"
    assert refused(machine, allow_unmount=True)[0] == "no_memory"


def test_swap_stays_as_large_as_what_is_swapped_out_and_the_margin():
    machine = host(swapped=200 * MIB)
    reason, message = refused(machine, 54, **LEAVE)
    assert (reason, "200 MiB of it are in use" in message) == ("too_small", True)
    assert resize(machine, 55, **LEAVE)["status"] == "changed"


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        ("filesystem_feature", lambda machine: setattr(area(machine), "bad_pages", 3)),
        ("filesystem_feature", lambda machine: setattr(area(machine), "label", "sixteen bytes ab")),
        ("not_readable", lambda machine: setattr(area(machine), "magic", b"SWAP-SPACE")),
        ("in_use", lambda machine: setattr(area(machine), "magic", b"S1SUSPEND")),
        ("not_readable", lambda machine: machine.tools.update({"/proc/swaps": lambda _host: "Filename\n"})),
        *[("missing_tool", lambda machine, tool=tool: machine.missing.add(tool)) for tool in ("mkswap", "swapoff", "swapon")],
    ],
)
def test_refusals(reason, spoil):
    machine = host()
    machine.tools = dict(machine.tools)
    spoil(machine)
    for extents in (150, 60):
        assert refused(machine, extents, **LEAVE)[0] == reason


def test_swap_that_somebody_else_has_open():
    assert refused(host(active=False, volume={"is_open": True}), **LEAVE)[0] == "in_use"


# ---- what goes wrong -----------------------------------------------------------------------------------------------------


def test_swapoff_that_fails_changes_nothing():
    machine = host()
    machine.busy.add("[SWAP]")
    result = resize(machine, 150, allow_unmount=True)
    assert (result["status"], result["reason"], result["changed"]) == ("failed", "unmount_failed", False)
    assert "Cannot allocate memory" in result["message"]
    assert machine.volumes["data"].mountpoints == ["[SWAP]"]


@pytest.mark.parametrize("tool", ["mkswap", "lvextend", "lvreduce"])
@pytest.mark.parametrize("how", ["fails", "lies"])
@pytest.mark.parametrize("target", [150, 60])
def test_swap_is_active_again_after_a_failure(tool, how, target):
    machine = host()
    machine.broken = {tool: how}
    result = resize(machine, target, **LEAVE)
    if result["status"] != "changed":
        assert result["status"] == "failed"
        assert machine.volumes["data"].mountpoints == ["[SWAP]"]
    assert area(machine).size <= machine.volumes["data"].extents * EXTENT
    machine.broken = {}
    assert resize(machine, target, **LEAVE)["after"]["fs_size"] == target * EXTENT
    assert (area(machine).uuid, area(machine).label) == (UUID, "a b")


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("target", [150, 60])
def test_killed_at_every_call_it_is_finished_by_the_next_run(active, target):
    former = host(active=active, swapped=8192)
    undisturbed = copy.deepcopy(former)
    expected = resize(undisturbed, target, **LEAVE)
    assert expected["status"] == "changed"
    for call in range(len(undisturbed.calls)):
        for when in ("before", "after"):
            machine = copy.deepcopy(former)
            machine.kill_at = (call, when)
            with pytest.raises(Killed):
                resize(machine, target, **LEAVE)
            assert area(machine).size <= machine.volumes["data"].extents * EXTENT
            machine.kill_at = None
            assert resize(machine, target, **LEAVE)["after"] == expected["after"]
            assert resize(machine, target, **LEAVE)["status"] == "ok"
            assert (area(machine).uuid, area(machine).label, area(machine).discard) == (UUID, "a b", "once")
