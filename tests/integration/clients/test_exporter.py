"""prometheus-pve-exporter with all its collectors, as a service of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.sandbox_client import Client, until
from tools import third_party_clients

Scrape = Callable[..., dict[str, float]]
# Every metric that its collectors know and this cluster has an answer for.
METRICS = {
    "pve_up", "pve_version_info", "pve_node_info", "pve_cluster_info", "pve_disk_size_bytes", "pve_disk_usage_bytes", "pve_memory_size_bytes",
    "pve_memory_usage_bytes", "pve_network_transmit_bytes", "pve_network_receive_bytes", "pve_disk_write_bytes", "pve_disk_read_bytes",
    "pve_cpu_usage_ratio", "pve_cpu_usage_limit", "pve_uptime_seconds", "pve_storage_shared", "pve_network_transmit_bytes_total",
    "pve_network_receive_bytes_total", "pve_disk_written_bytes_total", "pve_disk_read_bytes_total", "pve_ha_state", "pve_lock_state",
    "pve_guest_info", "pve_storage_info", "pve_not_backed_up_total", "pve_not_backed_up_info", "pve_subscription_info",
    "pve_subscription_status", "pve_onboot_status", "pve_replication_info", "pve_replication_failed_syncs",
}  # fmt: skip


@pytest.fixture
def scrape(cluster: Client, tmp_path: Path) -> Iterator[Scrape]:
    """The samples of a scrape of pve1, or of another page: `name{labels}` with its value."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "PVE_USER": "viewer@pve",
        "PVE_TOKEN_NAME": "ro",
        "PVE_TOKEN_VALUE": "22222222-2222-2222-2222-222222222222",
        "PVE_VERIFY_SSL": "true",
        "REQUESTS_CA_BUNDLE": cluster.sandbox.ca,
    }
    command = [
        str(third_party_clients.EXPORTER),
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.pve-api-metrics",
        "--collector.target-metrics",
    ]
    with (tmp_path / "log").open("w") as log:
        service = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def listening() -> bool:
        assert service.poll() is None, (tmp_path / "log").read_text()
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", port)) == 0

    def read(page: str = f"pve?target={cluster.sandbox.bases['pve1'].partition('//')[2]}&cluster=1&node=1") -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=60) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+(?:{.*})?) (\S+)$", text, re.MULTILINE)}

    try:
        until(listening)
        yield read
    finally:
        service.terminate()
        service.wait()


def test_all_collectors(cluster: Client, scrape: Scrape) -> None:
    cluster.put("/nodes/pve1/lxc/104/config", onboot=1)
    cluster.post("/cluster/replication", id="101-0", type="local", target="pve2")
    cluster.sandbox.set_clock(0)
    samples = scrape()
    assert {name.partition("{")[0] for name in samples} >= METRICS
    assert samples['pve_up{id="lxc/104"}'] == 1
    assert samples['pve_up{id="lxc/101"}'] == 0
    assert samples['pve_up{id="cluster/lab"}'] == 1
    assert samples['pve_ha_state{id="lxc/109",state="started"}'] == 1
    assert samples['pve_lock_state{id="qemu/203",state="backup"}'] == 1
    assert samples['pve_onboot_status{id="lxc/104",node="pve1",type="lxc"}'] == 1
    assert samples['pve_subscription_status{id="node/pve1",status="notfound"}'] == 1
    assert samples['pve_not_backed_up_total{id="cluster/lab"}'] == 15
    resources = {entry["id"]: entry for entry in cluster.get("/cluster/resources")}
    for name, key in (("pve_memory_usage_bytes", "mem"), ("pve_cpu_usage_limit", "maxcpu"), ("pve_network_receive_bytes_total", "netin")):
        assert {id_: entry[key] for id_, entry in resources.items() if key in entry} == {
            id_: samples[f'{name}{{id="{id_}"}}'] for id_, entry in resources.items() if key in entry
        }
    itself = scrape("metrics")
    assert [name for name in itself if name.startswith("pve_scrape_target_duration_seconds_count")]
    errors = {name: value for name, value in itself.items() if "errors_total" in name and value}
    assert {name for name in errors if "/cluster/config/qdevice" not in name} == set()


def test_a_node_that_is_gone_is_down(cluster: Client, scrape: Scrape) -> None:
    cluster.sandbox.command(["node_death", "pve3"])
    samples = scrape()
    assert (samples['pve_up{id="node/pve3"}'], samples['pve_up{id="node/pve1"}']) == (0, 1)
