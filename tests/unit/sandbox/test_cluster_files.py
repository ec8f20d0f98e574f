"""What cluster-wide files hold: pools, options, storages, HA resources and rules, permissions; and what changes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from support.sandbox_client import Client

CAP = "ops@pve!cap=33333333-3333-3333-3333-333333333333"
NONE = "ops@pve!none=44444444-4444-4444-4444-444444444444"


def reason(client: Client, method: str, path: str, **body: Any) -> str:
    return client.ask(method, path, body={key.replace("__", "-"): value for key, value in body.items()} if body else None).reason


# ---- pools -----------------------------------------------------------------------------------------------------------


def test_pools_are_named_nested_and_emptied(client: Client) -> None:
    assert reason(client, "POST", "/pools", poolid="1st") == "create pool failed: pool name must start with a letter"
    assert reason(client, "POST", "/pools", poolid="a/b") == "create pool failed: parent 'a' of pool 'a/b' does not exist"
    client.post("/pools", poolid="a", comment="")
    client.post("/pools", poolid="a/b")
    assert client.get("/pools", poolid="a") == [{"poolid": "a", "members": []}]
    assert client.ask("DELETE", "/pools", poolid="a").reason == "delete pool failed: pool 'a' is not empty (contains pool 'a/b')"
    client.put("/pools/a", storage="local")
    assert reason(client, "PUT", "/pools/a", storage="local") == "update pools failed: Storage 'local' is already a pool member"
    client.delete("/pools", poolid="a/b")
    assert reason(client, "DELETE", "/pools/a") == "delete pool failed: pool 'a' is not empty (contains storage 'local')"
    client.put("/pools/a", storage="local", delete=1)
    assert reason(client, "PUT", "/pools/a", vms="101", delete=1) == "update pools failed: VM 101 is not a pool member"
    client.delete("/pools/a")


def test_a_refused_change_of_a_pool_changes_nothing(client: Client) -> None:
    client.post("/pools", poolid="a")
    assert reason(client, "PUT", "/pools/a", vms="101,104", comment="x").startswith("update pools failed: VM 104 belongs already")
    assert client.get("/pools/a") == {"poolid": "a", "members": []}
    client.put("/pools/a", vms="101,104", allow__move=1)
    assert [one["vmid"] for one in client.get("/pools/a")["members"]] == [101, 104]


def test_a_privilege_that_is_missing_for_a_member_is_told_as_a_failure(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["roles"].append({"roleid": "Pools", "privs": ["Pool.Allocate"]})
    state["acl"].append({"path": "/pool", "ugid": "one@pve", "roleid": "Pools", "propagate": 1})
    limited = Client(serve(state).sandbox, token="one@pve!tok=66666666-6666-6666-6666-666666666666")
    answer = limited.ask("PUT", "/pools/lab", body={"vms": "101"})
    assert answer.status == 500
    assert answer.reason == "update pools failed: 403 Permission check failed (/vms/101, Permissions.Modify|VM.Allocate)"


def test_a_pool_that_is_asked_for_by_name_is_shown_to_everybody(client: Client) -> None:
    nobody = Client(client.sandbox, token=NONE)
    assert nobody.get("/pools", poolid="lab")[0]["poolid"] == "lab"
    assert nobody.ask("GET", "/pools/lab").status == 403


# ---- options, nodes, storages ----------------------------------------------------------------------------------------


def test_options_that_are_not_there_are_deleted_in_silence(client: Client) -> None:
    client.put("/cluster/options", delete="nonsense")
    client.put("/nodes/pve1/config", description="x", startall__onboot__delay=5, delete="nonsense")
    config = client.get("/nodes/pve1/config")
    assert (config["description"], config["startall-onboot-delay"]) == ("x\n", "5")
    assert client.get("/nodes/pve1/config", property="description") == {"description": "x\n"}
    assert client.get("/nodes/pve1/config", property="wakeonlan") == {}
    assert reason(client, "PUT", "/nodes/pve1/config", description="y", digest="x").startswith("detected modified configuration")


def test_definitions_of_storages(client: Client) -> None:
    assert reason(client, "POST", "/storage", storage="new", type="dir") == "missing value for required option 'path'"
    assert reason(client, "PUT", "/storage/nope", content="iso") == "update storage failed: storage 'nope' does not exist"
    assert reason(client, "PUT", "/storage/local", digest="x").startswith("update storage failed: detected modified")
    assert reason(client, "PUT", "/storage/local", delete="nonsense") == "update storage failed: no such option 'nonsense'"
    assert (
        reason(client, "PUT", "/storage/local", nodes="pve1", delete="nodes")
        == "update storage failed: cannot set and delete property 'nodes' at the same time!"
    )
    assert client.ask("DELETE", "/storage/nope").reason == "delete storage failed: storage 'nope' does not exist"


def test_space_alone_shows_no_storage_among_the_resources(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["roles"].append({"roleid": "Space", "privs": ["Datastore.AllocateSpace"]})
    state["acl"].append({"path": "/storage", "ugid": "one@pve", "roleid": "Space", "propagate": 1})
    limited = Client(serve(state).sandbox, token="one@pve!tok=66666666-6666-6666-6666-666666666666")
    assert limited.get("/cluster/resources", type="storage") == []
    assert [one["storage"] for one in limited.get("/nodes/pve1/storage")] == ["local", "shared"]


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "/pools", {"poolid": "a"}, "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"),
        ("PUT", "/pools/nope", {"comment": "a"}, "update pools failed: cfs-lock 'file-user_cfg' error: no quorum!"),
        ("PUT", "/cluster/options", {"keyboard": "de"}, "cfs-lock 'file-datacenter_cfg' error: no quorum!"),
        ("PUT", "/storage/local", {"content": "iso"}, "update storage failed: cfs-lock 'file-storage_cfg' error: no quorum!"),
        ("POST", "/cluster/ha/resources", {"sid": "ct:101"}, "cluster not ready - no quorum?"),
        ("PUT", "/cluster/ha/resources/ct:109", {"comment": "x"}, "update resources config failed: cfs-lock 'domain-ha' error: no quorum!"),
        ("DELETE", "/cluster/ha/resources/ct:109", None, "delete resource failed: cfs-lock 'domain-ha' error: no quorum!"),
        ("POST", "/cluster/ha/resources/ct:109/migrate", {"node": "pve1"}, "cfs-lock 'domain-ha' error: no quorum!"),
        ("DELETE", "/cluster/ha/rules/nope", None, "delete ha rule failed: cfs-lock 'domain-ha' error: no quorum!"),
    ],
)
def test_without_quorum(client: Client, method: str, path: str, body: dict[str, Any] | None, text: str) -> None:
    client.sandbox.command(["node_down", "pve2"])
    alone = Client(client.sandbox, node="pve2")
    assert alone.ask(method, path, body=body).reason == text
    assert alone.get("/cluster/ha/status/current")[0]["status"] == "No quorum on node 'pve2'!"


# ---- HA --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "text"),
    [
        ("POST", "", {"sid": "999"}, "unable to detect SID from VMID - VM/CT 999 does not exist"),
        ("POST", "", {"sid": "ct:201"}, "resource 'ct:201' - guest with ID 201 is not a CT"),
        ("POST", "", {"sid": "foo:201"}, "unknown section type 'foo'"),
        ("POST", "", {"sid": "vm:abc"}, "invalid VMID"),
        ("POST", "", {"sid": "ct:107", "type": "vm"}, "types does not match"),
        ("PUT", "/ct:109", {"delete": "nonsense"}, "update resources config failed: no such option 'nonsense'"),
        (
            "PUT",
            "/ct:109",
            {"comment": "x", "delete": "comment"},
            "update resources config failed: cannot set and delete property 'comment' at the same time!",
        ),
        ("PUT", "/ct:999", {"digest": "x"}, "update resources config failed: detected modified configuration - file changed by other user? Try again."),
        ("GET", "/999", None, "unable to detect SID from VMID - VM/CT 999 does not exist"),
        ("DELETE", "/ct:999", None, "cannot delete service 'ct:999', not HA managed!"),
    ],
)  # fmt: skip
def test_refused_changes_of_resources(client: Client, method: str, path: str, body: dict[str, Any] | None, text: str) -> None:
    assert client.ask(method, f"/cluster/ha/resources{path}", body=body).reason == text


def test_a_resource_keeps_what_was_given_and_no_more(client: Client) -> None:
    client.sandbox.command(["clock", "hold"])
    client.post("/cluster/ha/resources", sid="ct:107", max_restart=2)
    shown = client.get("/cluster/ha/resources/107")
    assert {key: value for key, value in shown.items() if key != "digest"} == {"sid": "ct:107", "type": "ct", "max_restart": 2}
    entry = next(one for one in client.get("/cluster/ha/status/current") if one["id"] == "service:ct:107")
    assert (entry["state"], entry["request_state"], "crm_state" in entry) == ("queued", "started", False)
    assert client.get("/nodes/pve3/lxc/107/status/current")["ha"] == {"managed": 1, "state": None}
    client.put("/cluster/ha/resources/ct:107", state="ignored")
    guest = next(one for one in client.get("/cluster/resources", type="vm") if one["id"] == "lxc/107")
    assert guest["hastate"] == "ignored"


def test_rules_that_cannot_hold(client: Client) -> None:
    def create(rule: str, **body: Any) -> str:
        return client.ask("POST", "/cluster/ha/rules", body={"rule": rule, **body}).reason

    for sid in ("ct:104", "ct:105"):
        client.post("/cluster/ha/resources", sid=sid)
    apart = {"type": "resource-affinity", "affinity": "negative"}
    assert create("r1", **apart, resources="ct:101,ct:104") == "create ha rule failed: cannot use unmanaged resource(s) ct:101."
    answer = client.ask("POST", "/cluster/ha/rules", body={"rule": "r1", **apart, "resources": "ct:104"})
    assert answer.reason == "create ha rule failed: 400 Rule 'r1' is invalid."
    assert create("r1", **apart, resources="ct:104,ct:105") == "OK"
    assert create("r2", type="resource-affinity", affinity="positive", resources="ct:104,ct:105").endswith("400 Rule 'r2' is invalid.")
    pinned = {"type": "node-affinity", "resources": "ct:109"}
    assert create("r3", **pinned, nodes="pve9") == "create ha rule failed: cannot use non-existent node(s) pve9."
    assert create("r3", **pinned, nodes="pve1") == "OK"
    assert create("r4", **pinned, nodes="pve2").endswith("400 Rule 'r4' is invalid.")
    assert create("r4", **pinned, nodes="pve2", disable=1) == "OK"

    def change(**body: Any) -> str:
        return client.ask("PUT", "/cluster/ha/rules/r3", body={"type": "node-affinity", **body}).reason

    assert change(delete="nodes") == "update HA rules failed: unable to delete required option 'nodes'"
    assert change(delete="affinity") == "update HA rules failed: no such option 'affinity'"
    assert change(digest="x").startswith("update HA rules failed: detected modified configuration")
    client.delete("/cluster/ha/rules/r3")
    client.delete("/cluster/ha/rules/r3")  # once more is no failure


# ---- permissions -----------------------------------------------------------------------------------------------------


def test_a_login_that_asks_for_privileges_gets_no_ticket(client: Client) -> None:
    def login(**body: str) -> requests.Response:
        url = client.sandbox.bases["pve1"] + "/api2/json/access/ticket"
        return requests.post(url, data=body, verify=client.sandbox.ca, timeout=20)

    well = login(username="ops@pve", password="secret12", path="/vms", privs="VM.Audit").json()["data"]
    assert set(well) == {"username", "cap", "clustername"}
    refused = login(username="ops@pve", password="secret12", path="/vms", privs="VM.Audit,Sys.Modify")
    assert (refused.status_code, refused.json()["message"]) == (401, "authentication failure\n")
    assert login(username="ops@pve", realm="pve", password="secret12").status_code == 401


def test_privileges_of_others_and_of_nobody(client: Client) -> None:
    owner = Client(client.sandbox, token=CAP)
    one = Client(client.sandbox, token="one@pve!tok=66666666-6666-6666-6666-666666666666")
    for other in ("viewer@pve", "one@pve"):  # a token is not its user
        assert one.ask("GET", "/access/permissions", userid=other).reason == "Permission check failed (/access, Sys.Audit)"
    assert client.get("/access/permissions", userid="stranger@pve") == {}
    assert client.get("/access/permissions", userid="stranger@pve", path="/vms") == {"/vms": {}}
    assert client.get("/access/permissions", path="/vms/104", userid="one@pve")["/vms/104"]["VM.Audit"] == 1
    assert owner.ask("GET", "/access/users/nonsense/token").reason == "value 'nonsense' does not look like a valid user name"


def test_what_pools_give_does_not_propagate_and_noaccess_wins(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["acl"] += [
        {"path": "/pool/lab", "ugid": "one@pve", "roleid": "PVEAuditor", "propagate": 1},
        {"path": "/vms/202", "ugid": "one@pve", "roleid": "NoAccess", "propagate": 1},
    ]
    client = serve(state)
    assert client.get("/access/permissions", userid="one@pve", path="/storage/shared")["/storage/shared"]["Datastore.Audit"] == 0
    assert client.get("/access/permissions", userid="one@pve", path="/vms/202") == {"/vms/202": {}}
    assert client.get("/access/permissions", userid="one@pve", path="/vms/104")["/vms/104"]["VM.PowerMgmt"] == 1
