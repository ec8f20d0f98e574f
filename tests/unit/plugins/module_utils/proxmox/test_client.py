from __future__ import annotations

import secrets

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from sandbox import certificates
from support.proxmox import PASSWORD, TOKEN, Asking, failure_of, faults, hosts

MANAGER = {"api_token_id": "capmgr@pve!mgr", "api_token_secret": "55555555-5555-5555-5555-555555555555"}


def cores(client, vmid=101):
    return client.get(f"/nodes/pve1/lxc/{vmid}/config")["cores"]


# ---- hosts -----------------------------------------------------------------------------------------------------------


def test_next_host_answers_at_once_and_is_asked_first_from_then_on(sandbox):
    client = Asking(sandbox)
    sandbox.command(["api_down", "pve1"])
    assert client.get("/version")["release"] == "9.2"
    assert (client.calls, client.waited) == (2, [])
    assert client.get("/version")["release"] == "9.2"
    assert client.calls == 3


def test_host_that_comes_back_is_found_in_a_later_round(sandbox):
    client = Asking(sandbox, api_host=hosts(sandbox, "pve1"))
    sandbox.command(["api_down", "pve1"])
    client.sleep = lambda seconds: sandbox.command(["api_up", "pve1"])
    assert client.get("/version")["release"] == "9.2"
    assert client.calls == 2


def test_host_that_is_too_slow_is_asked_last(sandbox):
    client = Asking(sandbox, answer_in=0.2)
    faults(sandbox, {"fault": "slow", "seconds": 400, "path": "/version", "at": "pve1"})
    assert client.get("/version")["release"] == "9.2"
    assert (client.calls, client.waited) == (2, [1])
    client.get("/version")
    assert client.calls == 3


def test_no_host_answers(sandbox):
    client = Asking(sandbox, api_host=hosts(sandbox, "pve1", "pve2"), max_retries=7, retry_delay=1.0)
    for node in ("pve1", "pve2"):
        sandbox.command(["api_down", node])
    failure = failure_of(client.get, "/version")
    assert failure.kind == failures.UNREACHABLE
    assert "O(api_host)" in str(failure)
    assert "8 rounds, O(max_retries)" in str(failure)
    assert client.waited == [1, 2, 4, 8, 16, 30, 30]
    assert client.calls == 16


def test_name_that_nobody_knows_is_passed_over(sandbox):
    client = Asking(sandbox, api_host=["no-such-host.invalid", *hosts(sandbox, "pve2")])
    assert client.get("/version")["release"] == "9.2"
    assert client.waited == []


# ---- credentials and certificates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "credentials",
    [TOKEN, PASSWORD, {"api_user": "root@pam", "api_token_id": "full", "api_token_secret": TOKEN["api_token_secret"]}],
)
def test_token_in_both_spellings_and_password(sandbox, credentials):
    assert len(Asking(sandbox, **credentials).get("/nodes")) == 3


def test_expired_ticket_is_renewed_once(sandbox):
    client = Asking(sandbox, **PASSWORD)
    client.get("/version")
    sandbox.world.access._key = secrets.token_bytes(32)  # every ticket is as if it had expired
    assert cores(client) == 2
    client.write("PUT", "/nodes/pve1/lxc/101/config", {"cores": 1})
    assert cores(client) == 1
    assert client.waited == []


@pytest.mark.parametrize(
    ("credentials", "option"),
    [
        ({**TOKEN, "api_token_secret": "11111111-1111-1111-1111-11111111bad0"}, "O(api_token_secret)"),
        ({**PASSWORD, "api_password": "not-the-password"}, "O(api_password)"),
    ],
)
def test_bad_credentials_are_told_once_without_the_secret(sandbox, credentials, option):
    client = Asking(sandbox, **credentials)
    failure = failure_of(client.get, "/nodes")
    assert (failure.kind, failure.status) == (failures.UNAUTHENTICATED, 401)
    assert option in str(failure)
    assert credentials.get("api_token_secret", credentials.get("api_password")) not in str(failure)
    assert client.waited == []


def test_certificate_of_another_ca(sandbox, tmp_path):
    client = Asking(sandbox, ca_path=str(certificates.make(tmp_path).ca))
    failure = failure_of(client.get, "/version")
    assert failure.kind == failures.UNTRUSTED
    assert "O(ca_path)" in str(failure)
    assert client.waited == []


def test_file_of_the_ca_is_not_there(sandbox):
    failure = failure_of(Asking(sandbox, ca_path="/nonexistent/ca.pem").get, "/version")
    assert failure.kind == failures.UNTRUSTED
    assert "/nonexistent/ca.pem" in str(failure)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_certificates_are_not_checked_where_that_is_wanted(sandbox):
    assert Asking(sandbox, ca_path=None, validate_certs=False).get("/version")["release"] == "9.2"


# ---- reads -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "error", "status": 500, "reason": "got timeout"},
        {"fault": "error", "status": 503, "reason": "proxy"},
        {"fault": "error", "status": 599, "reason": "Too many redirections"},
        {"fault": "truncate"},
        {"fault": "drop"},
        {"fault": "drop_after"},
    ],
    ids=lambda fault: f"{fault['fault']}-{fault.get('status', '')}",
)
def test_read_gets_through_after_two_bad_answers(sandbox, fault):
    client = Asking(sandbox, api_host=hosts(sandbox, "pve1"))
    faults(sandbox, {**fault, "path": "/nodes/pve1/lxc/101/config", "times": 2})
    assert cores(client) == 2
    assert client.calls == 3
    assert client.waited == [1, 2]


def test_answer_that_comes_too_late(sandbox):
    client = Asking(sandbox, answer_in=0.2, max_retries=0)
    faults(sandbox, {"fault": "slow", "seconds": 400, "path": "/version"})  # two seconds of ours
    failure = failure_of(client.get, "/version")
    assert failure.kind == failures.UNREACHABLE
    assert "O(api_timeout)" in str(failure)


def test_answer_is_never_whole(sandbox):
    client = Asking(sandbox, api_host=hosts(sandbox, "pve1"), max_retries=1)
    faults(sandbox, {"fault": "truncate", "path": "/version"})
    failure = failure_of(client.get, "/version")
    assert "no whole answer" in str(failure)
    assert client.calls == 2


def test_dead_node(sandbox):
    client = Asking(sandbox, api_host=hosts(sandbox, "pve1", "pve2"), max_retries=1)
    sandbox.command(["node_death", "pve3"])
    failure = failure_of(client.get, "/nodes/pve3/status")
    assert (failure.kind, failure.status) == (failures.NODE_DEAD, 595)
    assert client.calls == 4
    sandbox.command(["node_return", "pve3"])
    assert client.get("/nodes/pve3/status")["cpuinfo"]["cpus"] == 2


@pytest.mark.parametrize(
    ("path", "params", "kind", "status", "text"),
    [
        ("/nodes/pve1/lxc/999/config", {}, failures.REFUSED, 500, "does not exist"),
        ("/nodes/pve9/status", {}, failures.REFUSED, 500, "pve9"),
        ("/cluster/resources", {"type": "guest"}, failures.PARAMETERS, 400, "type: "),
        ("/cluster/wonders", {}, failures.UNSUPPORTED, 501, "release of Proxmox VE"),
    ],
)
def test_refusal_that_lasts_is_told_at_once(sandbox, path, params, kind, status, text):
    client = Asking(sandbox)
    failure = failure_of(client.get, path, **params)
    assert (failure.kind, failure.status) == (kind, status)
    assert text in str(failure)
    assert client.calls == 1


def test_missing_privilege_is_named(sandbox):
    client = Asking(sandbox, **MANAGER)
    failure = failure_of(client.write, "PUT", "/nodes/pve1/lxc/101/config", {"onboot": 1})
    assert (failure.kind, failure.privilege, failure.path) == (failures.FORBIDDEN, "VM.Config.Options", "/vms/101")
    assert "capmgr@pve!mgr" in str(failure)
    assert "docs/proxmox.md" in str(failure)


def test_version_decides_what_the_cluster_can_do(sandbox):
    client = Asking(sandbox)
    assert (client.version, client.has_ha_rules, client.has_arc_size) == ((9, 2, 11), True, True)
    sandbox.world.version = {**sandbox.world.version, "version": "8.4.1", "release": "8.4"}
    older = Asking(sandbox)
    assert (older.version, older.has_ha_rules, older.has_arc_size) == ((8, 4, 1), False, False)
    sandbox.world.version = {**sandbox.world.version, "version": "9.2.11", "release": "9.2"}


# ---- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", [TOKEN, PASSWORD], ids=["token", "password"])
@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "error", "status": 500, "reason": "{secret}"},
        {"fault": "error", "status": 400, "reason": "Parameter verification failed {secret}"},
        {"fault": "error", "status": 401, "reason": "{secret}"},
        {"fault": "error", "status": 403, "reason": "Permission check failed (/, {secret})"},
        {"fault": "error", "status": 595, "reason": "{secret}"},
        {"fault": "drop"},
        {"fault": "truncate"},
    ],
    ids=lambda rule: f"{rule['fault']}-{rule.get('status', '')}",
)
def test_no_message_holds_a_secret(sandbox, rule, credentials):
    secret = credentials.get("api_token_secret") or credentials.get("api_password")
    client = Asking(sandbox, max_retries=0, **credentials)
    client.get("/version")
    ticket = [text for text in client._connections[0]._api.get_tokens() if text]
    reason = rule.get("reason", "").format(secret=" ".join([secret, *ticket]))
    faults(sandbox, {**rule, "path": "/nodes", "reason": reason})
    failure = failure_of(client.get, "/nodes")
    shown = f"{failure} {failure!r} {failure.seen} {failure.needed} {failure.errors} {failure.privilege} {client.access!r}"
    assert [text for text in (secret, *ticket) if text in shown] == []
    assert failure.__cause__ is None
