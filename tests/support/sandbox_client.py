"""A client for a sandbox of a test's own: plain requests, nothing of ours in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests

from sandbox.server import Sandbox

ROOT = "root@pam!full=11111111-1111-1111-1111-111111111111"


@dataclass
class Answer:
    """What the API answered."""

    status: int
    reason: str
    data: Any
    errors: dict[str, str]
    total: int | None
    headers: dict[str, str]


class Client:
    """Asks one node of a sandbox (the first unless it is named) with a token."""

    def __init__(self, sandbox: Sandbox, node: str | None = None, token: str = ROOT) -> None:
        self.sandbox = sandbox
        self._base = sandbox.bases[node or next(iter(sandbox.bases))] + "/api2/json"
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.verify = sandbox.ca
        self._http.headers["Authorization"] = f"PVEAPIToken={token}"

    def ask(self, method: str, path: str, /, *, body: dict[str, Any] | None = None, **query: Any) -> Answer:
        """A request; parameters of GET and DELETE are the query."""
        reply = self._http.request(method, self._base + path, params=query, data=body, timeout=30)
        document = reply.json() if reply.content else {}
        return Answer(
            reply.status_code, reply.reason, document.get("data"), document.get("errors", {}), document.get("total"), dict(reply.headers)
        )

    def get(self, path: str, /, **query: Any) -> Any:
        """The data of a GET that must go well."""
        return self._well("GET", path, query=query)

    def put(self, path: str, /, **body: Any) -> Any:
        return self._well("PUT", path, body=body)

    def post(self, path: str, /, **body: Any) -> Any:
        return self._well("POST", path, body=body)

    def delete(self, path: str, /, **query: Any) -> Any:
        return self._well("DELETE", path, query=query)

    def _well(self, method: str, path: str, *, query: dict[str, Any] | None = None, body: dict[str, Any] | None = None) -> Any:
        answer = self.ask(method, path, body={k.replace("__", "-"): v for k, v in (body or {}).items()}, **(query or {}))
        assert answer.status == 200, f"{method} {path}: {answer.status} {answer.reason} {answer.errors}"
        return answer.data

    def task(self, upid: str) -> tuple[str, list[str]]:
        """Exit status and log of a task when it has ended."""
        path = f"/nodes/{upid.split(':')[1]}/tasks/{upid}"
        until(lambda: self.get(f"{path}/status")["status"] == "stopped")
        return self.get(f"{path}/status")["exitstatus"], [line["t"] for line in self.get(f"{path}/log", limit=500)]

    def well(self, upid: str) -> list[str]:
        """The log of a task that must end well."""
        exitstatus, log = self.task(upid)
        assert exitstatus == "OK", log
        return log


def until(reached: Callable[[], bool], seconds: float = 20.0) -> None:
    """Ask again until it is so."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.005)
