"""HTTPS on loopback, one address per node: keep-alive, every reply in one write with TCP_NODELAY, the message in the reason phrase."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
import traceback
from typing import TYPE_CHECKING
from urllib.parse import unquote

from . import api
from .api import Paged, Request
from .errors import ApiError, Plain, Unauthorised, not_implemented
from .faults import Fault, Faults
from .messages import Reader, Reply, body_of, encode, form

if TYPE_CHECKING:
    from .model import Node
    from .schema import Value
    from .world import World

PREFIX = "/api2/json"
_METHODS = ("GET", "POST", "PUT", "DELETE")
_IDLE = 65.0
_UNAUTHORISED_DELAY = 3.0


def _body(method: str, headers: dict[str, str], body: bytes) -> dict[str, Value]:
    """:raises Plain: a body where none may be"""
    if body and method not in ("POST", "PUT"):
        raise Plain(501, f"Unexpected content for method '{method}'")
    return body_of(headers, body)


class Servers:
    """The listening sockets of all nodes: one thread accepts, one per connection answers."""

    def __init__(self, world: World, context: ssl.SSLContext, faults: Faults) -> None:
        self._world = world
        self._context = context
        self._faults = faults
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._addresses: dict[str, int] = {}
        self._listening: dict[str, socket.socket] = {}
        self._connections: dict[str, set[socket.socket]] = {}
        self._guard = threading.Lock()
        self._turned = threading.Condition(self._guard)  # a node's API went, or the clock's speed changed
        self._thread = threading.Thread(target=self._accept, name="sandbox accept", daemon=True)
        self._ended = False

    def listen(self, node: str, port: int) -> str:
        """Answer for a node at a port (0 = a free one); the URL."""
        self._addresses[node] = port
        self.open(node)
        return f"https://127.0.0.1:{self._addresses[node]}"

    def open(self, node: str) -> None:
        """Accept connections for a node."""
        if node in self._listening or node not in self._addresses:
            return
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", self._addresses[node]))
        sock.listen(256)
        sock.setblocking(False)
        self._addresses[node] = sock.getsockname()[1]
        with self._guard:
            self._listening[node] = sock
            self._connections.setdefault(node, set())
            self._selector.register(sock, selectors.EVENT_READ, node)
        self._wake.send(b"x")

    def close(self, node: str) -> None:
        """Refuse connections for a node, and end those that are open."""
        with self._guard:
            sock = self._listening.pop(node, None)
            if sock is None:
                return
            self._selector.unregister(sock)
            sock.close()
            for connection in self._connections[node]:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._turned.notify_all()
        self._wake.send(b"x")

    def clock_changed(self) -> None:
        """The clock runs at another speed: answers that wait for it look again."""
        with self._turned:
            self._turned.notify_all()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close everything."""
        self._ended = True
        for node in list(self._listening):
            self.close(node)
        self._wake.send(b"x")
        if self._thread.ident is not None:
            self._thread.join()
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def _accept(self) -> None:
        while not self._ended:
            for key, _unused in self._selector.select():
                if key.fileobj is self._woken:
                    self._woken.recv(64)
                    continue
                with contextlib.suppress(OSError):  # closed in the meantime
                    connection, _unused = key.fileobj.accept()  # type: ignore[union-attr]
                    threading.Thread(target=self._serve, args=(key.data, connection), daemon=True).start()

    def _serve(self, name: str, raw: socket.socket) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.settimeout(_IDLE)
        with self._guard:
            self._connections[name].add(raw)
        try:
            with self._context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=True) as connection:
                with self._guard:
                    self._connections[name].add(connection)
                try:
                    self._converse(name, connection)
                finally:
                    with self._guard:
                        self._connections[name].discard(connection)
        except (OSError, ValueError):  # the other side went away, or speaks no HTTP
            pass
        finally:
            with self._guard:
                self._connections[name].discard(raw)
            raw.close()

    def _converse(self, name: str, connection: ssl.SSLSocket) -> None:
        reader = Reader(connection)
        while not self._ended:
            message = reader.message()
            if message is None:
                return
            head, body = message
            started = time.monotonic()
            lines = head.decode("latin-1").split("\r\n")
            method, target, _unused = lines[0].split(" ", 2)
            headers = {key.strip().lower(): value.strip() for key, _unused, value in (line.partition(":") for line in lines[1:])}
            path, _unused, query = target.partition("?")
            path = unquote(path)
            fault = self._faults.answer(name, method, path.removeprefix(PREFIX))
            if fault is not None and not self._before(name, connection, fault):
                return
            reply = self._reply(self._world.nodes[name], method, path, query, headers, body, fault)
            if reply.delay and not self._wait(name, _UNAUTHORISED_DELAY, started):
                return
            close = headers.get("connection", "").lower() == "close" or reply.status >= 400
            data = reply.render(self._world.now(), close=close)
            if fault is not None and fault.fault in ("truncate", "drop_after"):
                if fault.fault == "truncate":
                    connection.sendall(data[: len(data) * 2 // 3])
                return
            connection.sendall(data)
            if close:
                return

    def _wait(self, name: str, seconds: float, since: float) -> bool:
        """Until so many of the clock's seconds have passed, real ones while it is held, for every answer must come; False when the node's API goes before."""
        speed = self._world.clock.speed or 1.0
        with self._turned:
            while name in self._listening:
                now = time.monotonic()
                seconds, since = seconds - (now - since) * speed, now
                if seconds <= 0:
                    return True
                speed = self._world.clock.speed or 1.0
                self._turned.wait(seconds / speed)
        return False

    def _before(self, name: str, connection: ssl.SSLSocket, fault: Fault) -> bool:
        """What a fault does before the call; False ends the connection."""
        if fault.fault == "slow":
            return self._wait(name, fault.seconds, time.monotonic())
        if fault.fault == "error":
            connection.sendall(Reply(fault.status, fault.reason, b"").render(self._world.now(), close=True))
        return fault.fault not in ("drop", "error")

    def _reply(self, node: Node, method: str, path: str, query: str, headers: dict[str, str], body: bytes, fault: Fault | None) -> Reply:
        try:
            if not path.startswith(PREFIX + "/") and path != PREFIX:
                raise not_implemented(method, path)
            if method not in _METHODS:
                return Reply(501, f"method '{method}' not available", b"")
            request = Request(method, path.removeprefix(PREFIX) or "/", form(query), lambda: _body(method, headers, body), headers)
            with self._world.lock:
                data = api.answer(self._world, node, request)
                content = encode(
                    {"data": data.data, **({"total": data.total} if data.total else {})} if isinstance(data, Paged) else {"data": data}
                )
        except ApiError as error:
            if isinstance(error, Plain):
                return Reply(error.status, error.reason, error.message.encode(), plain=True)
            if not error.body:
                return Reply(error.status, error.reason, b"", delay=isinstance(error, Unauthorised))
            document = {"data": None, "message": error.message} | ({"errors": error.errors} if error.errors else {})
            return Reply(error.status, error.reason, encode(document), delay=isinstance(error, Unauthorised))
        except Exception as error:  # noqa: BLE001 - a defect of the sandbox: shown where it runs, told to the caller
            traceback.print_exception(error)
            text = f"sandbox: {type(error).__name__}: {error}"
            return Reply(500, text, encode({"data": None, "message": text + "\n"}))
        if fault is not None and fault.fault == "error_after":
            return Reply(fault.status, fault.reason, encode({"data": None, "message": fault.reason + "\n"}))
        return Reply(200, "OK", content)
