"""proxmox_guest_resize works with exactly the role that docs/proxmox.md says, and names a privilege that is missing."""

from __future__ import annotations

import pathlib
import re

import pytest

from support.proxmox import Asking, resize, resize_one

MANUAL = pathlib.Path(__file__).parents[5] / "docs" / "proxmox.md"
ROLE = [
    "Datastore.AllocateSpace",
    "Datastore.Audit",
    "Sys.Audit",
    "VM.Audit",
    "VM.Config.CPU",
    "VM.Config.Disk",
    "VM.Config.Memory",
    "VM.Config.Options",
]
TOKEN = {"api_token_id": "foresight@pve!resize", "api_token_secret": "88888888-8888-8888-8888-888888888888"}
GUESTS = [
    {"guest": "lxc/101", "cores": 1, "cpulimit": 0.5, "memory": "2 GiB", "swap": "1 GiB", "disks": {"rootfs": "9 GiB"}},
    {"guest": "qemu/204", "cores": 2, "cpulimit": 0.5, "memory": "3 GiB", "balloon": "2 GiB", "disks": {"scsi0": "5 GiB"}},
]


def least(state, privileges):
    """The user, token and role that docs/proxmox.md says."""
    state["roles"].append({"roleid": "ForesightResize", "privs": privileges})
    state["users"].append({"userid": "foresight@pve"})
    state["tokens"].append({"tokenid": "foresight@pve!resize", "value": TOKEN["api_token_secret"], "privsep": 1})
    state["acl"] += [
        {"path": "/", "ugid": who, "roleid": "ForesightResize", "propagate": 1} for who in ("foresight@pve", "foresight@pve!resize")
    ]
    return state


def outcome(result):
    return {key: value for key, value in result.items() if key != "seconds"}


def test_documented_role_is_enough(serve, recorded):
    documented = re.search(r'role add ForesightResize --privs "([^"]+)"', MANUAL.read_text(encoding="utf-8"))[1].split(",")
    assert documented == ROLE
    limited = serve(least(recorded, documented), speed=200.0)
    told = resize(limited, *GUESTS, client=Asking(limited, **TOKEN), check=True)
    results = resize(limited, *GUESTS, client=Asking(limited, **TOKEN))
    assert [outcome(result) for result in results] == [outcome(result) for result in told]
    assert [result["status"] for result in results] == ["changed", "changed"]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("privilege", ROLE)
def test_missing_privilege_is_named(serve, recorded, privilege, check):
    sandbox = serve(least(recorded, [name for name in ROLE if name != privilege]))
    before = {vmid: guest.digest for vmid, guest in sandbox.world.guests.items()}
    asked = GUESTS[:1] if privilege == "VM.Config.Options" else GUESTS  # a container's disks alone need it
    results = resize(sandbox, *asked, client=Asking(sandbox, **TOKEN), check=check)
    for result in results:
        assert (result["status"], result["reason"], result["privilege"], result["changed"]) == ("failed", "forbidden", privilege, False)
        assert f"foresight@pve!resize lacks {privilege} on " in result["message"]
        assert not any(f"{other} on" in result["message"] for other in ROLE if other != privilege)
    assert {vmid: guest.digest for vmid, guest in sandbox.world.guests.items()} == before


def test_only_what_is_changed_needs_its_privilege(serve, recorded):
    sandbox = serve(least(recorded, ["Sys.Audit", "VM.Audit", "VM.Config.CPU"]))
    assert resize_one(sandbox, "lxc/104", cores=1, memory="1 GiB", client=Asking(sandbox, **TOKEN))["status"] == "changed"
    assert resize_one(sandbox, "lxc/104", memory="1 GiB", client=Asking(sandbox, **TOKEN))["status"] == "ok"


def test_privilege_that_is_missing_on_one_guest_is_named_there(serve, recorded):
    recorded = least(recorded, ROLE)
    recorded["acl"] += [{"path": "/vms/101", "ugid": "foresight@pve!resize", "roleid": "NoAccess", "propagate": 1}]
    sandbox = serve(recorded, speed=200.0)
    first, second = resize(sandbox, *GUESTS, client=Asking(sandbox, **TOKEN))
    assert (first["status"], first["privilege"], first["path"]) == ("failed", "VM.Audit", "/vms/101")
    assert second["status"] == "changed"
