from __future__ import annotations

import json

import pytest

from ansible_collections.foresight.capacity.plugins.module_utils.node_report import read_memory, read_node
from ansible_collections.foresight.capacity.plugins.module_utils.target_files import TargetFiles


@pytest.fixture
def node(fixtures):
    return read_node(1_700_000_000, files=TargetFiles(str(fixtures / "node")))


def test_recorded_machine(node):
    assert (node["schema"], node["observed_at"], len(node["machine_id"]), len(node["boot_id"])) == (
        "foresight.node/1",
        1_700_000_000,
        32,
        36,
    )
    assert (node["cores"], node["cpu_cores"]) == (2, None)
    assert set(node["load"]) == {"1", "5", "15"}
    assert node["uptime_seconds"] > 0
    assert set(node["disks"]) >= {"vda", "vdb", "vdc"}
    assert "lo" not in node["network"]
    assert set(node["pressure"]) == {"cpu", "memory", "io"}
    assert json.loads(json.dumps(node)) == node


def test_memory_adds_up(node):
    memory = node["memory"]
    assert memory["used"] + memory["available"] == memory["total"]
    assert 0 < memory["cache"] < memory["total"]
    assert 0 <= memory["swap_used"] <= memory["swap_total"]


def test_cpu_seconds_add_up(node):
    seconds = node["cpu_seconds"]
    assert sum(seconds[key] for key in ("user", "system", "iowait", "steal", "idle")) == pytest.approx(seconds["total"], abs=0.05)


def test_kernel_without_an_estimate_of_available_memory(tree):
    files = tree({"/proc/meminfo": "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 200 kB\nHugePages_Total: 0\n"})
    assert read_memory(files) == {
        "total": 1000 * 1024,
        "used": 650 * 1024,
        "available": 350 * 1024,
        "cache": 250 * 1024,
        "swap_total": 0,
        "swap_used": 0,
    }


def test_nothing_to_read(tmp_path):
    node = read_node(0, 0.2, files=TargetFiles(str(tmp_path)), pause=lambda _seconds: None)
    assert {key: value for key, value in node.items() if value not in (None, {})} == {"schema": "foresight.node/1", "observed_at": 0}


def test_cores_in_use_between_two_readings(tree, tmp_path):
    files = tree({"/proc/stat": "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\n"})

    def pass_time(seconds):
        assert seconds == 0.5
        (tmp_path / "proc/stat").write_text("cpu  130 0 110 950 10 0 0 0 0 0\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\n", encoding="utf-8")

    assert read_node(0, 0.5, files=files, pause=pass_time)["cpu_cores"] == pytest.approx(4 * 40 / 200)


def test_this_machine():
    node = read_node(0)
    assert node["cores"] >= 1
    assert node["memory"]["total"] > 0
