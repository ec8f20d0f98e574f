"""Loads, saturation, memory below use, metrics."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.load import Load, read_rows
from sandbox.physics import Link, LiveMemory
from sandbox.units import duration, format_size, parse_size, render_bytes
from support.sandbox_client import Client

MIB = 1 << 20
STEADY = {"wave": 0, "noise": 0}


def guest(state: dict[str, Any], vmid: int) -> dict[str, Any]:
    found: dict[str, Any] = next(g for g in state["guests"] if g["vmid"] == vmid)
    return found


def test_loads_are_functions_of_the_time_and_the_seed(tmp_path: Path) -> None:
    data = {"cpu": 1.0, "mem": 1000 * MIB, "wave": 0.3, "noise": 0.1}
    one, same, other = (Load.of(data, 101, tmp_path, {"seed": seed}) for seed in (1, 1, 2))
    moments = [float(t) for t in range(0, 86400, 600)]
    assert [one.at(t) for t in moments] == [same.at(t) for t in moments]
    assert [one.at(t) for t in moments] != [other.at(t) for t in moments]
    cpus = [one.at(t).cpu for t in moments]
    assert 0.55 < min(cpus) < 0.75
    assert 1.25 < max(cpus) < 1.45


def test_a_csv_gives_the_load_and_repeats(tmp_path: Path) -> None:
    (tmp_path / "load.csv").write_text("seconds,cpu,mem\n0,0.5,100\n60,1.5,200\n", encoding="utf-8")
    load = Load.of({"csv": "load.csv"}, 1, tmp_path, {})
    assert [load.at(t).cpu for t in (0, 59, 60, 119, 120, 180)] == [0.5, 0.5, 1.5, 1.5, 0.5, 1.5]
    (tmp_path / "late.csv").write_text("seconds,cpu,mem\n5,0.5,100\n", encoding="utf-8")
    with pytest.raises(ValueError, match="needs rows from second 0 on"):
        read_rows(str(tmp_path / "late.csv"))


def test_a_node_that_is_full_gives_its_guests_less_and_presses_them(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    for vmid in (202, 105, 108):
        guest(state, vmid)["load"] = {"cpu": 2.0, "mem": 100 * MIB, "psi": 0, **STEADY}
    client = serve(state)
    # pve2 has 2 CPUs: 202 wants 1 (its vCPU), 105 0.5 (its limit), 108 2 (its cores) and the host 0.02
    node = client.get("/nodes/pve2/status")
    assert node["cpu"] == pytest.approx(1.0)
    share = 2 / 3.52
    status = client.get("/nodes/pve2/lxc/108/status/current")
    assert status["cpu"] * status["cpus"] == pytest.approx(2 * share, rel=0.01)
    assert float(status["pressurecpusome"]) == pytest.approx(100 * (1 - share), abs=1)
    client.put("/nodes/pve2/lxc/105/config", cpulimit="0.1")
    assert client.get("/nodes/pve2/lxc/108/status/current")["cpu"] * 2 > 2 * share * 1.1


def test_memory_below_use_swaps_then_kills_then_stops(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    guest(state, 104)["load"] = {"cpu": 0.1, "mem": 800 * MIB, **STEADY}
    client = serve(state)
    config, status = "/nodes/pve1/lxc/104/config", "/nodes/pve1/lxc/104/status/current"
    client.put(config, memory=600)  # 512 MiB of swap hold the rest
    after = client.get(status)
    assert after["mem"] <= 600 * MIB
    assert after["swap"] == pytest.approx(800 * MIB - after["mem"], abs=MIB)
    assert float(after["pressurememorysome"]) > 10
    client.put(config, memory=500, swap=0)  # processes are killed, it runs on
    after = client.get(status)
    assert after["status"] == "running"
    assert after["mem"] < 500 * MIB
    assert after["swap"] == 0
    client.put(config, memory=64)  # its init is among the killed
    assert client.get(status)["status"] == "stopped"
    assert client.get("/nodes/pve1/tasks", vmid=104, typefilter="vzstop") == []


def test_a_vms_memory_waits_for_its_restart(client: Client) -> None:
    client.put("/nodes/pve1/qemu/204/config", memory=1024)
    assert client.get("/nodes/pve1/qemu/204/status/current")["maxmem"] == 2048 * MIB
    client.well(client.post("/nodes/pve1/qemu/204/status/reboot"))
    assert client.get("/nodes/pve1/qemu/204/status/current")["maxmem"] == 1024 * MIB
    assert all("pending" not in one for one in client.get("/nodes/pve1/qemu/204/pending"))


def test_pre_copy_sends_what_changed_again() -> None:
    stream = LiveMemory(total=1000, used=800, dirty=50, downtime_ms=100)
    while not stream.ready(100):
        stream.step(1.0, 100)
    downtime = stream.finish(100)
    assert stream.left == 0
    assert stream.sent == pytest.approx(800 + 50 * 790 / 50, rel=0.02)
    assert downtime <= 120


def test_links_are_shared_by_node_and_limited_by_wish(client: Client) -> None:
    nodes = client.sandbox.world.nodes
    first, second = Link(nodes["pve1"], nodes["pve2"], None), Link(nodes["pve1"], nodes["pve3"], 1000.0)
    alone = first.rate([first])
    assert alone == nodes["pve1"].link
    assert first.rate([first, second]) == alone / 2
    assert second.rate([first, second]) == 1000.0


@pytest.mark.parametrize(("text", "size"), [("8G", 8 << 30), ("4608M", 4608 << 20), ("1.5G", 3 << 29), ("512", 512), ("x", 0)])
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_sizes_are_written_in_the_largest_even_unit() -> None:
    assert [format_size(size) for size in (8 << 30, 9 << 29, 1 << 40, 1000)] == ["8G", "4608M", "1T", "1000"]
    assert [render_bytes(size) for size in (0, 1536, 3 << 29)] == ["0.0 B", "1.5 KiB", "1.5 GiB"]
    assert duration(3725.9) == "01:02:05"


# ---- metrics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "count", "step"), [("hour", 60, 60), ("day", 1440, 60), ("week", 336, 1800), ("month", 1440, 1800), ("year", 1440, 21600)]
)
def test_frames_have_their_points(client: Client, frame: str, count: int, step: int) -> None:
    points = client.get("/nodes/pve1/lxc/104/rrddata", timeframe=frame)
    assert count - 1 <= len(points) <= count
    assert {b["time"] - a["time"] for a, b in itertools.pairwise(points)} == {step}


def test_a_missing_value_is_a_missing_key(client: Client) -> None:
    points = client.get("/nodes/pve1/lxc/104/rrddata", timeframe="day")
    gaps = [point for point in points if set(point) == {"time"}]
    assert 0 < len(gaps) < len(points) / 20
    assert all(len(point) in (1, 18) for point in points)


def test_metrics_are_what_the_load_says(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    guest(state, 104)["load"] = {"cpu": 0.6, "mem": 300 * MIB, "psi": 12.5, **STEADY}
    state["nodes"][0]["arcsize"] = 1 << 30
    client = serve(state)
    point = next(p for p in reversed(client.get("/nodes/pve1/lxc/104/rrddata", timeframe="hour")) if len(p) > 1)
    assert point["cpu"] * point["maxcpu"] == pytest.approx(0.6)
    assert point["mem"] == 300 * MIB
    assert point["pressurecpusome"] == pytest.approx(12.5)
    node = next(p for p in reversed(client.get("/nodes/pve1/rrddata", timeframe="hour")) if len(p) > 1)
    assert node["arcsize"] == 1 << 30
    assert node["memused"] > 300 * MIB + (1 << 30)


def test_the_maximum_is_not_below_the_average(client: Client) -> None:
    average, most = (client.get("/nodes/pve1/lxc/104/rrddata", timeframe="week", cf=cf) for cf in ("AVERAGE", "MAX"))
    pairs = [(a["cpu"], m["cpu"]) for a, m in zip(average, most, strict=True) if "cpu" in a]
    assert all(a <= m + 1e-12 for a, m in pairs)
    assert any(a < m for a, m in pairs)


def test_history_begins_where_the_state_file_says(serve: Callable[..., Client], state: dict[str, Any]) -> None:
    state["history_days"] = 2
    client = serve(state)
    points = client.get("/nodes/pve1/lxc/104/rrddata", timeframe="week")
    assert sum(len(point) > 1 for point in points) == pytest.approx(96, abs=3)


def test_the_past_keeps_its_place_and_state(client: Client) -> None:
    client.well(client.post("/nodes/pve1/lxc/104/status/stop"))
    client.sandbox.command(["clock", "20000"])
    start = client.get("/nodes/pve1/time")["time"]
    while client.get("/nodes/pve1/time")["time"] < start + 1200:
        pass
    client.sandbox.command(["clock", "hold"])
    points = [point for point in client.get("/nodes/pve1/lxc/104/rrddata", timeframe="hour") if len(point) > 1]
    assert points[0]["cpu"] > 0
    assert points[-1]["cpu"] == 0
    assert points[-1]["mem"] == 0


def test_the_export_has_every_node_and_guest(client: Client) -> None:
    found = client.get("/cluster/metrics/export")["data"]
    assert {"node/pve1", "lxc/104", "qemu/202", "storage/pve1/shared"} <= {one["id"] for one in found}
    assert {one["type"] for one in found} == {"gauge", "derive"}
