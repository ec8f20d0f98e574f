"""Users, tokens, roles and ACL of a state file's own: least privilege is data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.access import Access, normal_path
from support.sandbox_client import Client

SECRET = "77777777-7777-7777-7777-777777777777"


def entry(path: str, who: str, role: str, propagate: int = 1) -> dict[str, Any]:
    return {"path": path, "ugid": who, "roleid": role, "propagate": propagate}


@pytest.fixture
def access() -> Access:
    found = Access()
    found.load(
        {
            "users": [{"userid": "a@pve", "groups": ["ops"]}, {"userid": "b@pve", "groups": ["ops"]}, {"userid": "root@pam"}],
            "tokens": [
                {"tokenid": "a@pve!sep", "value": SECRET, "privsep": 1},
                {"tokenid": "a@pve!full", "value": SECRET, "privsep": 0},
                {"tokenid": "a@pve!x", "value": SECRET, "privsep": 0},
                {"tokenid": "a@pve!old", "value": SECRET, "expire": 100},
            ],
            "builtin_roles": {"Audit": ["VM.Audit", "Sys.Audit"], "Admin": ["VM.Audit", "VM.PowerMgmt"], "NoAccess": []},
            "acl": [
                entry("/", "@ops", "Audit"),
                entry("/vms", "a@pve", "Admin"),
                entry("/vms/101", "a@pve", "NoAccess"),
                entry("/nodes", "a@pve", "Admin", propagate=0),
                entry("/vms", "a@pve!sep", "Audit"),
            ],
        },
        {},
    )
    return found


@pytest.mark.parametrize(
    ("who", "path", "privileges"),
    [
        ("b@pve", "/vms/100", {"VM.Audit", "Sys.Audit"}),
        ("a@pve", "/vms/100", {"VM.Audit", "VM.PowerMgmt"}),  # the deeper path replaces what is above
        ("a@pve", "/vms/101", set()),
        ("a@pve", "/nodes", {"VM.Audit", "VM.PowerMgmt"}),  # counts on its own path only
        ("a@pve", "/nodes/pve1", {"VM.Audit", "Sys.Audit"}),
        ("a@pve!full", "/vms/100", {"VM.Audit", "VM.PowerMgmt"}),
        ("a@pve!sep", "/vms/100", {"VM.Audit"}),  # both need it
        ("a@pve!sep", "/", set()),
        ("nobody@pve", "/", set()),
    ],
)
def test_privileges_on_a_path(access: Access, who: str, path: str, privileges: set[str]) -> None:
    assert set(access.privileges(who, path)) == privileges


def test_tokens_that_do_not_count(access: Access) -> None:
    assert access.token_user(f"a@pve!full={SECRET}", 50) == "a@pve!full"
    assert access.token_user(f"a@pve!x={SECRET}", 50) is None  # one letter
    assert access.token_user(f"a@pve!old={SECRET}", 50) == "a@pve!old"
    assert access.token_user(f"a@pve!old={SECRET}", 150) is None
    assert access.token_user("a@pve!full=wrong", 50) is None


def test_tickets_expire_and_belong_to_one(access: Access) -> None:
    ticket = access.ticket("a@pve", 1000)
    assert access.ticket_user(ticket, 1000 + 7200) == "a@pve"
    assert access.ticket_user(ticket, 1000 + 7201) is None
    assert access.ticket_user(ticket.replace("a@pve", "b@pve"), 1000) is None
    assert access.csrf_valid(access.csrf("a@pve", 1000), "a@pve", 1001)
    assert not access.csrf_valid(access.csrf("a@pve", 1000), "b@pve", 1001)


@pytest.mark.parametrize(("path", "normal"), [("//vms//100/", "/vms/100"), ("", "/"), ("/pool/a b", None)])
def test_access_paths(path: str, normal: str | None) -> None:
    assert normal_path(path) == normal


def test_the_user_root_may_what_his_tokens_may_not(client: Client) -> None:
    assert client.ask("GET", "/cluster/backup-info").reason == "Permission check failed (user != root@pam)"
    assert client.sandbox.world.access.may("root@pam", None, "Anything")
    assert not client.sandbox.world.access.may("root@pam!full", None, "Sys.Audit")


def least(state: dict[str, Any], *acl: dict[str, Any], privileges: dict[str, list[str]]) -> str:
    """Add a user with a token and roles of the test's own; the token."""
    state["users"].append({"userid": "svc@pve"})
    state["tokens"].append({"tokenid": "svc@pve!run", "value": SECRET, "privsep": 0})
    state["roles"] += [{"roleid": name, "privs": privs} for name, privs in privileges.items()]
    state["acl"] += acl
    return f"svc@pve!run={SECRET}"


def test_a_role_of_the_state_file_is_enough_for_what_it_names(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    token = least(state, entry("/vms/204", "svc@pve", "Mover"), privileges={"Mover": ["VM.Migrate", "VM.Audit"]})
    root = serve(state)
    client = Client(root.sandbox, token=token)
    root.well(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1))
    assert (
        client.ask("POST", "/nodes/pve1/qemu/201/migrate", body={"target": "pve2"}).reason
        == "Permission check failed (/vms/201, VM.Migrate)"
    )
    assert client.ask("PUT", "/nodes/pve2/qemu/204/config", body={"name": "x"}).status == 403
    assert [guest["vmid"] for guest in client.get("/cluster/resources", type="vm")] == [204]
    assert client.get("/access/permissions", path="/vms/204") == {"/vms/204": {"VM.Migrate": 1, "VM.Audit": 1}}
    assert client.get("/access/permissions", path="/") == {"/": {}}
    assert client.get("/access/permissions") == {"/vms/204": {"VM.Migrate": 1, "VM.Audit": 1}}


def test_a_pools_role_reaches_its_members(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    token = least(state, entry("/pool/lab", "svc@pve", "PVEVMUser"), privileges={})
    client = Client(serve(state).sandbox, token=token)
    assert {guest["vmid"] for guest in client.get("/cluster/resources", type="vm")} == {104, 202}
    assert client.ask("GET", "/nodes/pve1/lxc/101/config").status == 403
    assert all("pool" not in guest for guest in client.get("/cluster/resources", type="vm"))  # needs Pool.Audit


def test_a_task_is_seen_by_its_own_token_and_by_auditors(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    token = least(state, entry("/vms/101", "svc@pve", "Runner"), privileges={"Runner": ["VM.PowerMgmt"]})
    root = serve(state)
    client, other = Client(root.sandbox, token=token), Client(root.sandbox, token="ops@pve!none=44444444-4444-4444-4444-444444444444")
    upid = client.post("/nodes/pve1/lxc/101/status/start")
    root.well(upid)
    assert [task["upid"] for task in client.get("/nodes/pve1/tasks")] == [upid]
    assert client.get(f"/nodes/pve1/tasks/{upid}/status")["exitstatus"] == "OK"
    assert other.ask("GET", f"/nodes/pve1/tasks/{upid}/status").reason == "Permission check failed (/nodes/pve1, Sys.Audit)"
    assert other.get("/nodes/pve1/tasks") == []


def test_tokens_are_made_changed_and_removed(client: Client) -> None:
    path = "/access/users/ops@pve/token/fresh"
    made = client.post(path, comment="for a test", privsep=0)
    assert made["full-tokenid"] == "ops@pve!fresh"
    fresh = Client(client.sandbox, token=f"ops@pve!fresh={made['value']}")
    assert fresh.get("/nodes/pve1/status")["memory"]["total"] > 0
    assert client.ask("POST", path, body={}).errors == {"tokenid": "Token already exists."}
    client.put(path, privsep=1)
    assert fresh.ask("GET", "/nodes/pve1/status").status == 403
    assert client.get(path) == {"comment": "for a test", "expire": 0, "privsep": 1}
    client.delete(path)
    assert fresh.ask("GET", "/version").reason == "Authentication failed!"
    assert client.ask("GET", path).reason == "no such token 'fresh' for user 'ops@pve'"


def test_other_peoples_permissions_need_an_auditor(client: Client) -> None:
    one = Client(client.sandbox, token="one@pve!tok=66666666-6666-6666-6666-666666666666")
    assert one.ask("GET", "/access/permissions", userid="ops@pve").reason == "Permission check failed (/access, Sys.Audit)"
    assert client.get("/access/permissions", userid="one@pve", path="/vms/104")["/vms/104"]["VM.Audit"] == 1
