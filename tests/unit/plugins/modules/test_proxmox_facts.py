from __future__ import annotations

import json
import pathlib

import pytest

pytest.importorskip("ansible.module_utils.testing", reason="patch_module_args came with ansible-core 2.17")
pytest.importorskip("proxmoxer")
pytest.importorskip("cryptography")
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args

from ansible_collections.foresight.capacity.plugins.module_utils.proxmox import connection
from ansible_collections.foresight.capacity.plugins.modules import proxmox_facts
from sandbox.server import Sandbox
from support.proxmox import TOKEN, options

STATE = pathlib.Path(__file__).parents[2] / "sandbox" / "data" / "state.json"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(STATE, speed=0.0) as started:
        yield started


@pytest.fixture
def run(capsys):
    def run(check=False, **arguments):
        with patch_module_args({**arguments, "_ansible_check_mode": check}), pytest.raises(SystemExit) as ended:
            proxmox_facts.main()
        return ended.value.code, json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("check", [False, True])
def test_facts(sandbox, run, check):
    code, result = run(check, **options(sandbox), host="prod-api", reserve={"memory": 1024})
    assert (code, result["changed"], result["calls"]) == (0, False, 15)
    document = result["ansible_facts"]["foresight_cluster"]
    assert (document["schema"], document["cluster"], document["host"]) == ("foresight.cluster/1", "lab", "prod-api")
    assert document["nodes"][0]["reserve"] == {"cpu": 0.0, "memory": 1024}
    assert "warnings" not in result


def test_environment_of_community_proxmox(sandbox, run, monkeypatch):
    given = options(sandbox)
    monkeypatch.setenv("PROXMOX_HOST", ",".join(given["api_host"]))
    monkeypatch.setenv("PROXMOX_USER", "root@pam")
    monkeypatch.setenv("PROXMOX_TOKEN_ID", "full")
    monkeypatch.setenv("PROXMOX_TOKEN_SECRET", TOKEN["api_token_secret"])
    monkeypatch.setenv("PROXMOX_CA_PATH", given["ca_path"])
    code, result = run()
    assert (code, len(result["ansible_facts"]["foresight_cluster"]["nodes"])) == (0, 3)


def test_failure_names_its_reason_and_no_secret(sandbox, run):
    code, result = run(**options(sandbox, api_token_id="one@pve!tok", api_token_secret="66666666-6666-6666-6666-666666666666"))
    assert (code, result["reason"], result["privilege"], result["privilege_path"]) == (1, "forbidden", "Sys.Audit", "/")
    assert "one@pve!tok lacks" in result["msg"]
    assert "66666666-6666" not in json.dumps(result)


def test_problems_are_warnings(sandbox, run, monkeypatch):
    told = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text: told.append(text))
    with sandbox.world.lock:
        sandbox.faults.set([{"fault": "error", "path": "/nodes/pve2/storage/.*", "status": 500, "reason": "got timeout"}])
    _code, result = run(**options(sandbox), max_retries=0)
    with sandbox.world.lock:
        sandbox.faults.set([])
    assert result["ansible_facts"]["foresight_cluster"]["problems"] == told
    assert [text for text in told if "Disks on local of pve2" in text]


def test_missing_library_is_named(sandbox, run, monkeypatch):
    monkeypatch.setattr(connection, "HAS_PROXMOXER", False)
    code, result = run(**options(sandbox))
    assert code == 1
    assert "proxmoxer" in result["msg"]
