"""What a user may see of the cluster: the role of docs/proxmox.md is enough, and less is told by the name of what is missing."""

from __future__ import annotations

import pathlib
import re

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from support.proxmox import Asking, read

MANUAL = pathlib.Path(__file__).parents[5] / "docs" / "proxmox.md"
ROLE = ["Datastore.Audit", "Pool.Audit", "Sys.Audit", "VM.Audit", "VM.Config.Disk"]
AUDIT = {"api_token_id": "foresight@pve!audit", "api_token_secret": "77777777-7777-7777-7777-777777777777"}


def least(state, privileges):
    """The user, token and role that docs/proxmox.md says."""
    state["roles"].append({"roleid": "ForesightAudit", "privs": privileges})
    state["users"].append({"userid": "foresight@pve"})
    state["tokens"].append({"tokenid": "foresight@pve!audit", "value": AUDIT["api_token_secret"], "privsep": 1})
    state["acl"] += [
        {"path": "/", "ugid": who, "roleid": "ForesightAudit", "propagate": 1} for who in ("foresight@pve", "foresight@pve!audit")
    ]
    return state


def test_documented_role_is_enough(serve, recorded):
    documented = re.search(r'role add ForesightAudit --privs "([^"]+)"', MANUAL.read_text(encoding="utf-8"))[1].split(",")
    assert documented == ROLE
    sandbox = serve(least(recorded, documented))
    limited, full = (read(sandbox, client=client) for client in (Asking(sandbox, **AUDIT), Asking(sandbox)))
    assert limited == full


@pytest.mark.parametrize("privilege", ROLE[:-1])
def test_missing_privilege_is_named(serve, recorded, privilege):
    sandbox = serve(least(recorded, [name for name in ROLE if name != privilege]))
    with pytest.raises(Failure) as raised:
        read(sandbox, client=Asking(sandbox, **AUDIT))
    assert raised.value.privilege == privilege
    assert f"foresight@pve!audit lacks {privilege} on " in str(raised.value)
    assert not any(f"lacks {other}" in str(raised.value) for other in ROLE if other != privilege)


def test_guests_whose_disks_are_hidden_stay_where_they_are(serve, recorded):
    sandbox = serve(least(recorded, ROLE[:-1]))
    limited, full = read(sandbox, client=Asking(sandbox, **AUDIT)), read(sandbox, client=Asking(sandbox))
    (problem,) = limited["problems"]
    assert "foresight@pve!audit lacks VM.Config.Disk on /vms" in problem
    assert all(guest["disks"] == [] for guest in limited["guests"])
    assert any(guest["movable"] for guest in full["guests"])
    for guest in limited["guests"]:
        assert not guest["movable"]
        assert any("hidden" in why for why in guest["unmovable_because"])
    same = {name for name in full if name not in ("guests", "problems")}
    assert {name: limited[name] for name in same} == {name: full[name] for name in same}


def test_node_whose_size_is_hidden_is_named(serve, recorded):
    recorded = least(recorded, ROLE)
    recorded["acl"].append({"path": "/nodes/pve2", "ugid": "foresight@pve", "roleid": "NoAccess", "propagate": 1})
    with pytest.raises(Failure) as raised:
        read(serve(recorded), client=Asking(serve(recorded), **AUDIT))
    assert (raised.value.privilege, raised.value.path) == ("Sys.Audit", "/nodes/pve2")


def test_user_without_any_role(serve, recorded):
    sandbox = serve(least(recorded, ROLE))
    none = {"api_token_id": "ops@pve!none", "api_token_secret": "44444444-4444-4444-4444-444444444444"}
    with pytest.raises(Failure, match=r"ops@pve!none lacks Sys.Audit on /, Sys.Audit on /nodes, VM.Audit on /vms, Datastore"):
        read(sandbox, client=Asking(sandbox, **none))
