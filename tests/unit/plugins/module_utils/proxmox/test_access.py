from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.access import read_access
from ansible_collections.foresight.capacity.plugins.module_utils.proxmox.failures import Failure

GIVEN = {"api_host": ["pve1"], "api_token_id": "foresight@pve!audit", "api_token_secret": "s3cret"}


@pytest.mark.parametrize(
    ("more", "seen", "option"),
    [
        ({"api_host": [" "]}, "names no host", "O(api_host)"),
        ({"api_token_id": "audit"}, "not set", "O(api_user)"),
        ({"api_user": "other@pve"}, "other@pve", "O(api_token_id)"),
        ({"api_token_secret": None}, "O(api_token_id) is set", "E(PROXMOX_TOKEN_SECRET)"),
        ({"api_token_id": None, "api_user": "foresight@pve"}, "O(api_token_secret) is set", "E(PROXMOX_TOKEN_ID)"),
        ({"api_token_id": None, "api_token_secret": None, "api_user": "foresight@pve"}, "no credentials", "O(api_password)"),
        ({"api_user": "root", "api_token_id": "audit"}, "root", "USER@REALM"),
        ({"max_retries": -1}, "-1", "O(max_retries)"),
        ({"retry_delay": float("inf")}, "inf", "O(retry_delay)"),
        ({"api_timeout": 0}, "0", "O(api_timeout)"),
    ],
)
def test_options_that_cannot_work_are_named(more, seen, option):
    with pytest.raises(Failure) as raised:
        read_access({**GIVEN, **more})
    assert seen in str(raised.value)
    assert option in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_what_is_read():
    access = read_access({**GIVEN, "api_host": ["pve1", " pve2 ", "pve1"], "api_password": "unused", "ca_path": "/ca.pem"})
    assert access.hosts == ("pve1", "pve2")
    assert (access.user, access.token_name, access.who) == ("foresight@pve", "audit", "foresight@pve!audit")
    assert (access.port, access.verify, access.timeout) == (8006, "/ca.pem", 30)
    assert access.secrets == ("s3cret",)
    assert "s3cret" not in repr(access)


def test_certificates_are_checked_unless_told_otherwise():
    assert read_access(GIVEN).verify is True
    assert read_access({**GIVEN, "ca_path": "/ca.pem", "validate_certs": False}).verify is False
