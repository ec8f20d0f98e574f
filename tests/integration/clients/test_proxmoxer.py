"""proxmoxer alone: tickets, tokens, the texts of failures, tasks."""

from __future__ import annotations

import pytest
from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException
from proxmoxer.tools import Tasks

from support.sandbox_client import Client


@pytest.fixture
def connect(cluster: Client, monkeypatch: pytest.MonkeyPatch):
    """A connection to the first node, verified by the sandbox's CA."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", cluster.sandbox.ca)
    address = cluster.sandbox.bases["pve1"].partition("//")[2]
    return lambda **access: ProxmoxAPI(address, verify_ssl=True, **access)


TOKEN = {"user": "root@pam", "token_name": "full", "token_value": "11111111-1111-1111-1111-111111111111"}


@pytest.mark.parametrize("access", [TOKEN, {"user": "ops@pve", "password": "secret12"}], ids=["token", "password"])
def test_a_configuration_is_changed(cluster: Client, connect, access: dict[str, str]) -> None:
    container = connect(**access).nodes("pve1").lxc(101)
    assert container.config.put(cores=1, tags="A;b") is None
    assert (container.config.get()["cores"], container.config.get()["tags"]) == (1, "a;b")
    assert cluster.get("/nodes/pve1/lxc/101/config")["cores"] == 1


def test_a_task_is_followed_to_its_end(cluster: Client, connect) -> None:
    api = connect(**TOKEN)
    upid = api.nodes("pve1").lxc(104).migrate.post(target="pve2", restart=1)
    ended = Tasks.blocking_status(api, upid, timeout=60, polling_interval=0.05)
    assert ended["exitstatus"] == "OK"
    assert Tasks.decode_log(api.nodes("pve1").tasks(upid).log.get()).rstrip().endswith("TASK OK")
    assert Tasks.decode_upid(upid)["type"] == "vzmigrate"
    assert cluster.get("/nodes/pve2/lxc/104/status/current")["status"] == "running"


def test_the_reason_phrase_and_the_parameters_are_told(connect) -> None:
    container = connect(**TOKEN).nodes("pve1").lxc(101)
    with pytest.raises(ResourceException) as refused:
        container.config.put(cores="many")
    assert (refused.value.status_code, refused.value.errors) == (400, {"cores": "type check ('integer') failed - got 'many'"})
    with pytest.raises(ResourceException, match=r"500 Internal Server Error: no options specified|500 no options specified"):
        container.config.put()


def test_a_wrong_password_and_a_wrong_token(cluster: Client, connect) -> None:
    cluster.sandbox.set_clock(1000)
    with pytest.raises(AuthenticationError):
        connect(user="ops@pve", password="wrong")
    with pytest.raises(ResourceException) as refused:
        connect(**{**TOKEN, "token_value": "wrong"}).version.get()
    assert refused.value.status_code == 401
