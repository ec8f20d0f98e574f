"""HTTP messages: requests from a connection, replies in one piece, parameters of queries and bodies."""

from __future__ import annotations

import json
import ssl
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .errors import Plain
from .schema import Object, Truth

if TYPE_CHECKING:
    from .schema import Value

_MOST = 64 << 20


class Reader:
    """Requests from a connection, one after the other."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._buffer = b""

    def message(self) -> tuple[bytes, bytes] | None:
        """Head and body of the next request; None at the end."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _unused, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lower = head.lower()
        if b"\r\nexpect: 100-continue" in lower:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        start = lower.find(b"\r\ncontent-length:")
        length = int(lower[start + 17 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if length > _MOST:
            return None
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return head, body

    def _more(self) -> bool:
        data = self._connection.recv(1 << 16)
        self._buffer += data
        return bool(data)


class Reply:
    """An answer; ``delay`` = not before three seconds have passed, ``plain`` = a text without a media type."""

    def __init__(self, status: int, reason: str, content: bytes, *, delay: bool = False, plain: bool = False) -> None:
        self.status, self.reason, self.content, self.delay, self.plain = status, reason, content, delay, plain

    def render(self, now: float, *, close: bool) -> bytes:
        """The whole reply."""
        date = formatdate(int(now), usegmt=True)
        lines = [
            f"HTTP/1.1 {self.status} {self.reason}",
            "Cache-Control: max-age=0",
            f"Connection: {'close' if close else 'Keep-Alive'}",
            f"Date: {date}",
            "Pragma: no-cache",
            "Server: pve-api-daemon/3.0",
            f"Content-Length: {len(self.content)}",
        ]
        if self.content and not self.plain:
            lines.append("Content-Type: application/json;charset=UTF-8")
        lines.append(f"Expires: {date}")
        return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + self.content


def encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def form(text: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for name, value in parse_qsl(text.replace(";", "&"), keep_blank_values=True):
        before = values.get(name)
        if before is None:
            values[name] = value
        else:
            values[name] = [*before, value] if isinstance(before, list) else [before, value]
    return values


def body_of(headers: dict[str, str], body: bytes) -> dict[str, Value]:
    """The parameters of a body.

    :raises Plain: neither a form nor JSON
    """
    if not body:
        return {}
    text = body.decode("utf-8", "replace")
    media = headers.get("content-type", "")
    kind = media.partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded", "application/json"):
        raise Plain(506, f"upload 'Content-Type '{media}' not implemented")
    if kind != "application/json":
        return form(text)
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Plain(500, f"malformed JSON string: {error} at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 934.\n") from None
    if not isinstance(document, dict):
        raise Plain(500, "Not a HASH reference at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 943.\n")
    return {name: _text(value) for name, value in document.items() if value is not None}


def _text(value: Any) -> Value:
    if isinstance(value, bool):
        return Truth(int(value))
    if isinstance(value, dict):
        return Object()
    if isinstance(value, list):
        return [str(_text(element)) for element in value]
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
