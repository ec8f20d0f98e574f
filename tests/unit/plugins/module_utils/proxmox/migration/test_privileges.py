"""The role of docs/proxmox.md is enough, and each of its privileges is needed and named where it is missing."""

from __future__ import annotations

import pathlib
import re

import pytest

pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure
from support.moves import Patient, action, migrate, one, place

DOCS = pathlib.Path(__file__).parents[6] / "docs" / "proxmox.md"
SECRET = "77777777-7777-7777-7777-777777777777"


def documented():
    """The privileges of the role as the documentation creates it."""
    line = re.search(r'pveum role add ForesightMigrate --privs "([^"]+)"', DOCS.read_text(encoding="utf-8"))
    return line[1].split(",")


def with_role(state, privileges, path="/"):
    state["users"].append({"userid": "move@pve"})
    state["tokens"].append({"tokenid": "move@pve!run", "value": SECRET, "privsep": 1})
    state["roles"].append({"roleid": "ForesightMigrate", "privs": privileges})
    state["acl"] += [{"path": path, "ugid": who, "roleid": "ForesightMigrate", "propagate": 1} for who in ("move@pve", "move@pve!run")]
    return state


def client_of(sandbox):
    return Patient(sandbox, api_token_id="move@pve!run", api_token_secret=SECRET)


@pytest.mark.parametrize("guest", ["qemu/204", "lxc/104", "lxc/101"])
def test_documented_role_is_enough(recorded, serve, guest):
    sandbox = serve(with_role(recorded, documented()))
    sandbox.set_clock(200.0)
    outcome = one(sandbox, guest, "pve1", "pve2", client=client_of(sandbox))
    assert outcome["status"] == "changed", outcome
    assert outcome["seconds"] is not None
    assert place(sandbox, guest)[0] == "pve2"


def test_documented_role_is_enough_for_the_ha_manager(recorded, serve):
    sandbox = serve(with_role(recorded, documented()))
    sandbox.set_clock(200.0)
    outcome = one(sandbox, "lxc/109", "pve3", "pve2", client=client_of(sandbox))
    assert outcome["status"] == "changed", outcome
    assert outcome["cost"]["downtime_seconds"] is not None


@pytest.mark.parametrize("missing", ["Datastore.Audit", "Sys.Audit", "VM.Audit", "VM.Migrate"])
def test_missing_privilege_is_named(recorded, serve, missing):
    rest = [privilege for privilege in documented() if privilege != missing]
    assert len(rest) == len(documented()) - 1
    sandbox = serve(with_role(recorded, rest))
    with pytest.raises(Failure) as raised:
        one(sandbox, "qemu/204", "pve1", "pve2", client=client_of(sandbox))
    assert (raised.value.kind, raised.value.privilege) == ("forbidden", missing)
    assert f"lacks {missing} on" in str(raised.value)
    assert SECRET not in str(raised.value)
    assert place(sandbox, "qemu/204") == ("pve1", True)


def test_only_the_guests_that_are_moved_need_it(recorded, serve):
    state = with_role(recorded, [privilege for privilege in documented() if not privilege.startswith("VM.")])
    state["roles"].append({"roleid": "Guests", "privs": ["VM.Audit", "VM.Migrate"]})
    state["acl"] += [
        {"path": "/vms/101", "ugid": who, "roleid": "ForesightMigrate", "propagate": 1} for who in ("move@pve", "move@pve!run")
    ]
    for entry in state["acl"]:
        if entry["path"] == "/vms/101":
            entry["roleid"] = "Guests"
    sandbox = serve(state)
    sandbox.set_clock(200.0)
    client = client_of(sandbox)
    assert one(sandbox, "lxc/101", "pve1", "pve2", client=client)["status"] == "changed"
    with pytest.raises(Failure, match=r"lacks VM\.Audit on /vms/102, VM\.Migrate on /vms/102"):
        migrate(sandbox, [action("lxc/102", "pve1", "pve2")], client=client)


def test_privilege_that_is_taken_away_meanwhile(recorded, serve):
    """The API's own answer names it as well."""
    sandbox = serve(with_role(recorded, documented()))
    client = client_of(sandbox)
    real = client.get

    def get(path, /, **params):
        if path == "/cluster/resources":
            with sandbox.world.lock:
                sandbox.world.access.roles["ForesightMigrate"] = frozenset(set(documented()) - {"VM.Migrate"})
        return real(path, **params)

    client.get = get
    outcome = one(sandbox, "lxc/101", "pve1", "pve2", client=client)
    assert (outcome["status"], outcome["reason"]) == ("failed", "forbidden"), outcome
    assert (outcome["privilege"], outcome["path"]) == ("VM.Migrate", "/vms/101")
