"""Writes: what was lost on the way is looked for before it is sent again."""

from __future__ import annotations

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import failures
from support.proxmox import Asking, failure_of, faults

RULES = "/cluster/ha/rules"
RULE = {"rule": "near", "type": "node-affinity", "resources": "ct:109", "nodes": "pve3"}


def made(client):
    return lambda: next((one for one in client.get(RULES) if one["rule"] == "near"), None)


@pytest.mark.parametrize("fault", ["error_after", "drop_after", "truncate"])
def test_write_whose_answer_is_lost_is_read_back_and_not_made_again(sandbox, fault):
    client = Asking(sandbox)
    faults(sandbox, {"fault": fault, "method": "POST", "path": RULES, "times": 1})
    # A second POST would be refused: the rule is already defined.
    assert client.write("POST", RULES, RULE, done=made(client))["resources"] == "ct:109"
    assert client.waited == []


@pytest.mark.parametrize("fault", ["error", "drop"])
def test_write_that_was_not_carried_out_is_made_again(sandbox, fault):
    client = Asking(sandbox)
    faults(
        sandbox,
        {
            "fault": fault,
            "method": "POST",
            "path": RULES,
            "times": 2,
            "reason": "cfs-lock 'file-ha_rules_cfg' error: got lock request timeout",
        },
    )
    client.write("POST", RULES, RULE, done=made(client))
    assert made(client)()["nodes"] == "pve3"
    assert client.waited == [1, 2]


@pytest.mark.parametrize(("fault", "there"), [("error", False), ("drop_after", True)])
def test_write_without_a_way_to_look_is_made_once_and_told(sandbox, fault, there):
    client = Asking(sandbox)
    faults(sandbox, {"fault": fault, "method": "POST", "path": RULES})
    failure = failure_of(client.write, "POST", RULES, RULE)
    assert failure.kind == failures.UNSETTLED
    assert "is not known" in str(failure)
    assert client.calls == 1
    faults(sandbox)
    assert bool(made(client)()) is there


def test_write_that_cannot_be_read_back_tells_both(sandbox):
    client = Asking(sandbox, max_retries=0)
    faults(sandbox, {"fault": "error", "method": "POST", "path": RULES, "reason": "got timeout"}, {"fault": "drop", "path": RULES})
    failure = failure_of(client.write, "POST", RULES, RULE, done=made(client))
    assert failure.kind == failures.UNSETTLED
    assert "got timeout" in str(failure)
    assert "reading it back: GET" in str(failure)


def test_write_goes_on_to_the_next_host_only_where_it_was_never_sent(sandbox):
    client = Asking(sandbox)
    sandbox.command(["api_down", "pve1"])
    client.write("PUT", "/nodes/pve2/lxc/103/config", {"cores": 1})
    assert client.calls == 2
    assert client.get("/nodes/pve2/lxc/103/config")["cores"] == 1


def test_write_that_keeps_failing_ends(sandbox):
    client = Asking(sandbox, max_retries=2)
    faults(sandbox, {"fault": "error", "method": "POST", "path": RULES, "reason": "can't lock file - got timeout"})
    failure = failure_of(client.write, "POST", RULES, RULE, done=made(client))
    assert "can't lock file - got timeout" in str(failure)
    assert client.waited == [1, 2]


@pytest.mark.parametrize(
    ("params", "kind"), [({"cores": 0}, failures.PARAMETERS), ({"wonders": 1}, failures.PARAMETERS), ({}, failures.REFUSED)]
)
def test_refused_write_is_not_made_again(sandbox, params, kind):
    client = Asking(sandbox)
    looked = []
    failure = failure_of(client.write, "PUT", "/nodes/pve1/lxc/101/config", params, done=lambda: looked.append(1))
    assert failure.kind == kind
    assert client.calls == 1
    assert len(looked) == (1 if kind == failures.REFUSED else 0)
