"""Other people's clients, unmodified, over TLS with the sandbox's CA: before a cluster of each test's own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.server import Sandbox
from support.playbooks import ANSIBLE_PLAYBOOK, CHECKOUT
from support.sandbox_client import Client
from tools import third_party_clients

STATE = CHECKOUT / "tests" / "unit" / "sandbox" / "data" / "state.json"
TEMPLATE = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
SPEED = 200.0


@pytest.fixture(autouse=True, scope="session")
def fetched() -> None:
    """Skip where the clients could not be fetched."""
    if not third_party_clients.mark().exists():
        pytest.skip("third-party clients are not there: `python tests/tools/third_party_clients.py` fetches them and says why not")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Client]:
    """The recordings' cluster with a container template and a thin pool on each node, 200 times as fast as real time."""
    state = json.loads(STATE.read_text(encoding="utf-8"))
    state["volumes_more"] = [{"volid": TEMPLATE, "content": "vztmpl", "size": 126000000, "format": "tzst"}]
    state["storages"].append(
        {"storage": "thin", "type": "lvmthin", "content": "images,rootdir", "vgname": "pve", "thinpool": "data", "total": 1 << 40}
    )
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    with Sandbox(file, speed=SPEED) as sandbox:
        yield Client(sandbox)


@pytest.fixture
def environment(cluster: Client) -> dict[str, str]:
    """Credentials as community.proxmox reads them, and the sandbox's CA."""
    url = cluster.sandbox.bases["pve1"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PROXMOX_", "PVE_"))}
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": str(third_party_clients.COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "PROXMOX_URL": url,
        "PROXMOX_HOST": "127.0.0.1",
        "PROXMOX_PORT": url.rpartition(":")[2],
        "PROXMOX_USER": "root@pam",
        "PROXMOX_TOKEN_ID": "full",
        "PROXMOX_TOKEN_SECRET": "11111111-1111-1111-1111-111111111111",
        "PROXMOX_VALIDATE_CERTS": "true",
        "REQUESTS_CA_BUNDLE": cluster.sandbox.ca,
    }


@pytest.fixture
def module(environment: dict[str, str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a module of community.proxmox; its result, which must not be a failure."""

    def run(name: str, /, **arguments: Any) -> dict[str, Any]:
        command = [str(ANSIBLE_PLAYBOOK.with_name("ansible")), "localhost", "-i", "localhost,", "-c", "local"]
        command += ["-e", "ansible_python_interpreter={{ansible_playbook_python}}"]
        command += ["-m", f"community.proxmox.{name}", *(["-a", json.dumps(arguments)] if arguments else [])]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])
        return result

    return run
