"""Faults: what each one does to an answer, a task or a node."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from support.sandbox_client import Answer, Client, until

PUT = {"method": "PUT", "path": "/nodes/pve1/lxc/101/config"}
CONFIG = "/nodes/pve1/lxc/101/config"


@pytest.fixture
def faulty(serve: Callable[..., Client], state: dict[str, Any]) -> Callable[..., Client]:
    return lambda *faults: serve(state, faults=list(faults))


def test_an_error_refuses_before_anything_is_done(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "error", "status": 503, "reason": "Service Unavailable", "times": 1, **PUT})
    answer = client.ask("PUT", CONFIG, body={"cores": 7})
    assert (answer.status, answer.reason) == (503, "Service Unavailable")
    assert client.get(CONFIG)["cores"] == 2
    client.put(CONFIG, cores=7)


def test_a_put_that_writes_and_still_answers_500(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "error_after", "reason": "got timeout", "times": 1, **PUT})
    answer = client.ask("PUT", CONFIG, body={"cores": 7})
    assert (answer.status, answer.reason) == (500, "got timeout")
    assert client.get(CONFIG)["cores"] == 7


@pytest.mark.parametrize(("fault", "written"), [("drop", 2), ("drop_after", 7), ("truncate", 7)])
def test_answers_that_do_not_arrive(faulty: Callable[..., Client], fault: str, written: int) -> None:
    client = faulty({"fault": fault, "times": 1, **PUT})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.ask("PUT", CONFIG, body={"cores": 7})
    assert client.get(CONFIG)["cores"] == written


def test_a_slow_answer_arrives_late(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "slow", "seconds": 20, "times": 1, "path": "/version"})
    began = time.monotonic()
    client.get("/version")
    assert time.monotonic() - began >= 20 / 200  # of the cluster's clock, which runs 200 times as fast


@pytest.fixture
def waiting(faulty: Callable[..., Client]) -> Iterator[tuple[Client, Future[Answer]]]:
    """A request whose answer is ten minutes away, and waits at a held clock."""
    client = faulty({"fault": "slow", "seconds": 600, "times": 1, "path": "/version"})
    client.sandbox.set_clock(0)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.ask, "GET", "/version")
        until(lambda: not any(rule.times for rule in client.sandbox.faults.rules))
        yield client, answer
        client.sandbox.command(["api_down", "pve1"])


def test_who_waits_hears_of_another_speed(waiting: tuple[Client, Future[Answer]]) -> None:
    client, answer = waiting
    assert not answer.done()
    client.sandbox.set_clock(2000)
    assert answer.result().status == 200


def test_who_waits_hears_that_the_node_stops_answering(waiting: tuple[Client, Future[Answer]]) -> None:
    client, answer = waiting
    client.sandbox.command(["api_down", "pve1"])
    with pytest.raises(requests.ConnectionError):
        answer.result()


def test_counting(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "error", "path": "/version", "after": 1, "times": 2, "at": "pve1"})
    assert [client.ask("GET", "/version").status for _unused in range(5)] == [200, 500, 500, 200, 200]
    assert Client(client.sandbox, "pve2").get("/version")["release"] == "9.2"


def test_a_task_that_hangs_is_ended_by_an_interrupt(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "hang", "type": "vzmigrate", "id": "110", "times": 1})
    upid = client.post("/nodes/pve3/lxc/110/migrate", target="pve1")
    until(lambda: client.get("/nodes/pve3/lxc/110/config").get("lock") == "migrate")
    assert client.get(f"/nodes/pve3/tasks/{upid}/status")["status"] == "running"
    client.delete(f"/nodes/pve3/tasks/{upid}")
    exitstatus, log = client.task(upid)
    assert exitstatus == "migration aborted"
    assert log[-2].endswith("interrupted by signal")
    status = client.get("/nodes/pve3/lxc/110/status/current")
    assert status["status"] == "stopped"
    assert "lock" not in status


def test_a_task_that_fails_on_its_way_cleans_up(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "fail", "type": "qmigrate", "seconds": 3, "text": "disk full", "times": 1})
    exitstatus, log = client.task(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, bwlimit=1024))
    assert exitstatus == "migration problems"
    assert any("migration status error: failed - disk full" in line for line in log)
    assert client.get("/nodes/pve1/qemu/204/status/current")["status"] == "running"
    client.well(client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1))


def test_a_node_dies_and_returns(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "death", "node": "pve2", "after_seconds": 5, "seconds": 400})
    until(lambda: client.ask("GET", "/nodes/pve2/lxc").status == 595)
    with pytest.raises(requests.ConnectionError):
        Client(client.sandbox, "pve2").get("/version")
    until(lambda: client.ask("GET", "/nodes/pve2/lxc").status == 200)
    assert client.get("/nodes/pve2/lxc/105/status/current")["status"] == "stopped"
    assert Client(client.sandbox, "pve2").get("/version")["release"] == "9.2"


def test_faults_are_replaced_by_a_command(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "more.json"
    file.write_text('[{"fault": "error", "path": "/version"}]', encoding="utf-8")
    client.sandbox.command(["faults", str(file)])
    assert client.ask("GET", "/version").status == 500
    client.sandbox.command(["faults", "none"])
    assert client.ask("GET", "/version").status == 200
    file.write_text('[{"fault": "earthquake"}]', encoding="utf-8")
    with pytest.raises(ValueError, match="unknown fault 'earthquake'"):
        client.sandbox.command(["faults", str(file)])


def test_a_task_that_hangs_for_a_while_goes_on(faulty: Callable[..., Client]) -> None:
    client = faulty({"fault": "hang", "type": "vzmigrate", "seconds": 120, "times": 1})
    log = client.well(client.post("/nodes/pve3/lxc/110/migrate", target="pve1"))
    assert log[-2].endswith("migration finished successfully (duration 00:02:00)")


def test_a_task_that_is_killed_leaves_its_lock(client: Client) -> None:
    upid = client.post("/nodes/pve1/qemu/204/migrate", target="pve2", online=1, bwlimit=64)
    until(lambda: client.get("/nodes/pve1/qemu/204/config").get("lock") == "migrate")
    with client.sandbox.world.lock:
        client.sandbox.world.tasks.kill(client.sandbox.world.tasks.get(upid))
    exitstatus, _unused = client.task(upid)
    assert exitstatus == "unexpected status"
    assert client.get("/nodes/pve1/qemu/204/config")["lock"] == "migrate"
    assert client.sandbox.world.links == []
