"""The clock, the commands of ``ctl``, and the command line itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.clock import Clock
from support.sandbox_client import ROOT, Client, until

SANDBOX = Path(__file__).resolve().parents[2] / "sandbox"
STATE = Path(__file__).parent / "data" / "state.json"


def test_a_clock_is_scaled_held_and_never_jumps() -> None:
    real = [100.0]
    clock = Clock(10.0, lambda: real[0])
    start = clock.now()
    real[0] += 2
    assert clock.now() - start == pytest.approx(20)
    clock.hold()
    real[0] += 5
    assert clock.now() - start == pytest.approx(20)
    clock.set_speed(0.5)
    assert clock.now() - start == pytest.approx(20)
    real[0] += 4
    assert clock.now() - start == pytest.approx(22)


def test_while_the_clock_is_held_nothing_moves(client: Client) -> None:
    client.sandbox.command(["clock", "hold"])
    now = client.get("/nodes/pve1/time")["time"]
    before = client.get("/cluster/resources")
    upid = client.post("/nodes/pve1/lxc/101/status/start")
    assert client.get("/cluster/resources") == before
    assert client.get("/nodes/pve1/time")["time"] == now
    assert client.get(f"/nodes/pve1/tasks/{upid}/status")["status"] == "running"
    client.sandbox.command(["clock", "200"])
    client.well(upid)


def test_tasks_metrics_date_and_time_agree(client: Client) -> None:
    client.well(client.post("/nodes/pve1/lxc/101/status/start"))
    client.sandbox.command(["clock", "hold"])
    answer = client.ask("GET", "/nodes/pve1/time")
    now = answer.data["time"]
    assert int(parsedate_to_datetime(answer.headers["Date"]).timestamp()) == now
    started = client.get("/nodes/pve1/tasks", vmid=101)[0]["starttime"]
    assert 0 <= now - started < 3600
    assert 0 <= now - client.get("/nodes/pve1/lxc/104/rrddata", timeframe="hour")[-1]["time"] < 180
    assert client.get("/nodes/pve1/lxc/104/status/current")["uptime"] >= 3600


def test_reseed_restores_one_guest_or_everything(client: Client) -> None:
    fresh = client.get("/nodes/pve3/lxc/110/config")
    client.put("/nodes/pve3/lxc/110/config", cores=4, tags="x")
    client.well(client.put("/nodes/pve3/lxc/110/resize", disk="rootfs", size="+1G"))
    client.well(client.post("/nodes/pve3/lxc/110/migrate", target="pve1"))
    client.put("/nodes/pve1/lxc/101/config", cores=7)
    client.sandbox.command(["reseed", "110"])
    assert client.get("/nodes/pve3/lxc/110/config") == fresh
    assert client.get("/nodes/pve3/storage/shared/content", vmid=110)[0]["size"] == 2 << 30
    assert client.get("/nodes/pve1/lxc/101/config")["cores"] == 7
    client.post("/pools", poolid="mine")
    client.put("/cluster/options", keyboard="de")
    client.put("/cluster/ha/resources/ct:109", comment="changed")
    client.well(client.post("/nodes/pve1/qemu", vmid=300, memory=512))
    client.sandbox.command(["reseed"])
    assert client.get("/nodes/pve1/lxc/101/config")["cores"] == 2
    assert [pool["poolid"] for pool in client.get("/pools")] == ["lab"]
    assert client.get("/cluster/options")["keyboard"] == "en-us"
    assert "comment" not in client.get("/cluster/ha/resources/ct:109")
    assert client.get("/nodes/pve1/tasks", vmid=110) == []
    assert client.ask("GET", "/nodes/pve1/qemu/300/config").status == 500


def test_a_guest_that_the_state_file_does_not_know_is_removed(client: Client) -> None:
    client.well(client.post("/nodes/pve1/qemu", vmid=300, memory=512, pool="lab"))
    client.post("/cluster/ha/resources", sid="vm:300", state="stopped")
    client.sandbox.command(["reseed", "300"])
    assert client.ask("GET", "/nodes/pve1/qemu/300/config").status == 500
    assert [one["sid"] for one in client.get("/cluster/ha/resources")] == ["ct:109"]
    assert 300 not in [member.get("vmid") for member in client.get("/pools/lab")["members"]]


def test_a_guests_pool_and_ha_resource_come_back_with_it(client: Client) -> None:
    client.put("/pools/lab", vms="104", delete=1)
    client.put("/cluster/ha/resources/ct:109", comment="changed")
    client.sandbox.command(["reseed", "104"])
    client.sandbox.command(["reseed", "109"])
    assert 104 in [member.get("vmid") for member in client.get("/pools/lab")["members"]]
    assert "comment" not in client.get("/cluster/ha/resources/ct:109")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["explode"], "unknown command 'explode'"),
        (["reseed", "999"], "no guest 999"),
        (["node_down", "pve9"], "no node 'pve9'"),
        (["maintenance", "pve1"], "maintenance takes 2 arguments"),
        (["maintenance", "pve1", "perhaps"], "takes on or off"),
        (["clock", "-1"], "must not be negative"),
    ],
)
def test_wrong_commands_say_what_is_wrong(client: Client, words: list[str], text: str) -> None:
    with pytest.raises((ValueError, LookupError), match=text):
        client.sandbox.command(words)


def test_a_node_whose_api_is_down_refuses_connections(client: Client) -> None:
    client.sandbox.command(["api_down", "pve2"])
    with pytest.raises(requests.ConnectionError):
        Client(client.sandbox, "pve2").get("/version")
    assert client.ask("GET", "/nodes/pve2/qemu").status == 595
    assert next(n for n in client.get("/nodes") if n["node"] == "pve2")["status"] == "online"
    client.sandbox.command(["api_up", "pve2"])
    assert Client(client.sandbox, "pve2").get("/version")["release"] == "9.2"


# ---- the command line ------------------------------------------------------------------------------------------------


def free_ports(count: int) -> int:
    """The first of some consecutive ports that nobody uses."""
    for base in range(20000 + os.getpid() % 10000, 60000, count):
        sockets: list[socket.socket] = []
        try:
            for port in range(base, base + count):
                sockets.append(socket.socket())
                sockets[-1].bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return base
        finally:
            for one in sockets:
                one.close()
    raise RuntimeError("no free ports")


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen[str], int, dict[str, Any]]]:
    """A process that serves the first two nodes."""
    base = free_ports(3)
    command = [sys.executable, str(SANDBOX), "serve", "--state", str(STATE), "--base-port", str(base), "--listen", "2", "--clock", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, base, json.loads(process.stdout.readline())
        finally:
            process.kill()


def ctl(base: int, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SANDBOX), "ctl", "--base-port", str(base), *words], capture_output=True, text=True, check=False
    )


def test_the_command_line(served: tuple[subprocess.Popen[str], int, dict[str, Any]]) -> None:
    process, base, ready = served
    assert ready["ready"] is True
    assert ready["bases"] == {"pve1": f"https://127.0.0.1:{base}", "pve2": f"https://127.0.0.1:{base + 1}"}
    headers = {"Authorization": f"PVEAPIToken={ROOT}"}

    def get(path: str) -> Any:
        return requests.get(ready["bases"]["pve1"] + "/api2/json" + path, headers=headers, verify=ready["ca"], timeout=10).json()["data"]

    assert [guest["vmid"] for guest in get("/nodes/pve3/lxc")] == [106, 107, 109, 110]  # a node without an address of its own
    assert ctl(base, "maintenance", "pve3", "on").returncode == 0
    assert next(n for n in get("/cluster/resources") if n["id"] == "node/pve3")["hastate"] == "maintenance"
    assert ctl(base, "reseed").returncode == 0
    assert next(n for n in get("/cluster/resources") if n["id"] == "node/pve3")["hastate"] == "online"
    failed = ctl(base, "node_down", "nope")
    assert failed.returncode == 1
    assert "no node 'nope'" in failed.stderr
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", base))
    assert not Path(ready["ca"]).exists()
    assert "no sandbox of this user answers" in ctl(base, "reseed").stderr


def test_ports_that_are_taken_are_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, str(SANDBOX), "serve", "--state", str(STATE), "--base-port", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.startswith("sandbox serve: [Errno 98] Address already in use")


def test_lists_lag_behind_by_a_cycle(client: Client) -> None:
    def listed() -> str:
        return str(next(g for g in client.get("/cluster/resources", type="vm") if g["vmid"] == 101)["status"])

    assert listed() == "stopped"
    client.sandbox.command(["clock", "hold"])
    with client.sandbox.world.lock:
        client.sandbox.world.set_running(client.sandbox.world.guests[101], True)
    assert client.get("/nodes/pve1/lxc/101/status/current")["status"] == "running"
    assert listed() == "stopped"
    client.sandbox.command(["clock", "200"])
    until(lambda: listed() == "running")
