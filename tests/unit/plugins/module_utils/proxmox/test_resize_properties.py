"""Whatever is asked for: no disk gets smaller, no guest gets less than it uses, check mode tells the truth, and a second run changes nothing."""

from __future__ import annotations

import json
import pathlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.proxmox import Asking, resize

STATE = pathlib.Path(__file__).parents[3] / "sandbox" / "data" / "state.json"
MIB, GIB = 1 << 20, 1 << 30
USES = {104: 300 * MIB, 105: 600 * MIB, 202: 200 * MIB, 204: 900 * MIB}


@pytest.fixture(scope="module")
def state():
    """Loads stand still; 105 swaps."""
    found = json.loads(STATE.read_text(encoding="utf-8"))
    for guest in found["guests"]:
        if guest["vmid"] in USES:
            guest["load"] = {"cpu": 0.1, "mem": USES[guest["vmid"]]}
        if guest["vmid"] == 105:
            guest["config"]["swap"] = 512
    return {**found, "load_series": {"seed": 1, "wave": 0, "noise": 0}}


SIZES = st.integers(16, 4096).map(lambda number: f"{number} MiB")
DISKS = st.integers(1024, 12 * 1024).map(lambda number: f"{number} MiB")


def limits(kind):
    disk = "rootfs" if kind == "lxc" else "scsi0"
    more = {"swap": SIZES} if kind == "lxc" else {"balloon": SIZES}
    options = {
        "cores": st.integers(kind == "qemu", 3),
        "cpulimit": st.floats(0, 4).map(lambda number: round(number, 4)),
        "memory": SIZES,
        **more,
        "disks": DISKS.map(lambda size: {disk: size}),
    }
    return st.fixed_dictionaries({}, optional=options).filter(bool)


@st.composite
def guests(draw):
    ids = draw(
        st.lists(st.sampled_from(["lxc/101", "lxc/104", "lxc/105", "lxc/106", "qemu/201", "qemu/202", "qemu/204"]), min_size=1, unique=True)
    )
    return [{"guest": guest, **draw(limits(guest.partition("/")[0]))} for guest in ids]


SHOWN = ("guest", "node", "status", "reason", "changed", "before", "after", "restart_required")


def shown(results):
    return [{key: result[key] for key in SHOWN} for result in results]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(guests(), min_size=1, max_size=2))
def test_resizes_keep_the_rules(sandbox, runs):
    sandbox.reseed()
    client = Asking(sandbox)
    for number, wanted in enumerate(runs):
        world = sandbox.world
        before = {vmid: (guest.digest, guest.maxdisk) for vmid, guest in world.guests.items()}
        told = resize(sandbox, *wanted, client=client, check=True)
        assert {vmid: guest.digest for vmid, guest in world.guests.items()} == {vmid: digest for vmid, (digest, _disk) in before.items()}
        done = resize(sandbox, *wanted, client=client)
        assert shown(told) == shown(done), number
        again = resize(sandbox, *wanted, client=client)
        for first, second in zip(done, again, strict=True):
            assert not second["changed"]
            assert second["status"] == ("ok" if first["status"] in ("changed", "ok") else "refused")
            assert second["restart_required"] == first["restart_required"]
        named = {int(one["guest"].partition("/")[2]) for one in wanted}
        for vmid, guest in world.guests.items():
            digest, disk = before[vmid]
            assert vmid in named or guest.digest == digest
            assert guest.maxdisk >= disk
            assert guest.killed == 0
            if vmid in USES:
                # What a VM has after its restart; a container may have some of it in swap.
                memory = int(guest.pending.get("memory", guest.memory // MIB)) * MIB
                assert memory + guest.swap >= USES[vmid]
