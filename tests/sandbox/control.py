"""The control channel: an abstract Unix socket named after the base port, for processes of the same user. One JSON line each way."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable

_TIMEOUT = 60.0


def address(base_port: int) -> str:
    """The socket's name; the leading NUL makes it abstract, so no file stays behind."""
    return f"\0foresight-capacity-sandbox-{base_port}"


class Control:
    """Hears commands and answers when they have had their effect."""

    def __init__(self, base_port: int, command: Callable[[list[str]], None]) -> None:
        self._command = command
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(address(base_port))
        self._socket.listen(16)
        self._thread = threading.Thread(target=self._loop, name="sandbox control", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hear no more."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            try:
                connection, _unused = self._socket.accept()
            except OSError:  # stopped
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_TIMEOUT)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        _unused, user, _unused = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        if user != os.getuid():
            return
        words = json.loads(connection.makefile("rb").readline())
        try:
            self._command(words)
            reply: dict[str, bool | str] = {"ok": True}
        except (ValueError, LookupError, OSError, TypeError) as error:
            reply = {"ok": False, "error": str(error)}
        connection.sendall(json.dumps(reply).encode() + b"\n")


def send(base_port: int, words: list[str]) -> str | None:
    """Send a command to the sandbox at a base port; None, or why it failed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_TIMEOUT)
        try:
            connection.connect(address(base_port))
        except OSError as error:
            return f"no sandbox of this user answers for base port {base_port}: {error}"
        connection.sendall(json.dumps(words).encode() + b"\n")
        line = connection.makefile("rb").readline()
    if not line:
        return f"the sandbox at base port {base_port} ended without an answer"
    reply = json.loads(line)
    return None if reply["ok"] else str(reply["error"])
