"""QEMU's machine protocol (QMP), as much as the lab needs."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.errors import LabError
from lab.wait import wait_for


class Qmp:
    """One connection to the QMP socket of a running QEMU.

    Source: QEMU's docs/interop/qmp-spec: a greeting, ``qmp_capabilities``, then one JSON object per line.
    """

    def __init__(self, path: Path, timeout: float = 30.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._read()
        self.execute("qmp_capabilities")

    def __enter__(self) -> Qmp:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._lines.close()
        self._socket.close()

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise LabError("QEMU closed its QMP socket; see console.log and qemu.log in the host's run directory")
        message: dict[str, Any] = json.loads(line)
        return message

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run one command; events that arrive in between are skipped. Raises LabError with QEMU's description."""
        request = {"execute": command, "arguments": arguments}
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = self._read()
            if "error" in answer:
                raise LabError(f"QEMU refused {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def await_migration(self, timeout: float) -> None:
        """Wait until the running (outgoing or incoming) migration is complete."""

        def ended() -> str | None:
            status = self.execute("query-migrate").get("status", "none")
            if status in ("failed", "cancelled"):
                raise LabError(f"QEMU's migration ended as {status}")
            return str(status) if status == "completed" else None

        wait_for(ended, timeout, "the end of QEMU's migration", every=0.05)
