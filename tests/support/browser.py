# Copyright (c) 2026 Foresight Capacity contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium that opens one file, over the DevTools protocol on a pipe: what it asks for, what it complains about, what it shows."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# No name is ever resolved and no proxy answers: whatever the page asks of the network fails, and is seen.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9",
    "--remote-debugging-pipe",
)  # fmt: skip
SECONDS = 240.0


def find_browser() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


NEEDS_BROWSER = pytest.mark.skipif(find_browser() is None, reason="no Chromium here: apt-get install chromium")


@dataclass
class Tab:
    """One page: requests, console messages and exceptions are collected from the moment it is made."""

    _write: int
    _read: int
    session: str = ""
    requested: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _events: list[str] = field(default_factory=list)
    _waiting: bytes = b""
    _number: int = 0

    def ask(self, method: str, **parameters: Any) -> Any:
        """Send one command and return its result; events that come meanwhile are noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters, **({"sessionId": self.session} if self.session else {})}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def open(self, path: Path, width: int = 1300, height: int = 900) -> None:
        """Open a file and wait until it is loaded and everything in it drawn."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self._events.clear()
        self.ask("Page.navigate", url=path.resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._note(self._next())
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; a promise is waited for."""
        result = self.ask("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def count(self, selector: str) -> int:
        """Return how many elements of the page a CSS selector finds."""
        return int(self.value(f"document.querySelectorAll({selector!r}).length"))

    def unwanted(self, path: Path) -> list[str]:
        """Return what the page of this file asked for besides itself, and what it complained about."""
        own = path.resolve().as_uri()
        return [*(url for url in self.requested if url != own and not url.startswith("data:")), *self.complaints]

    def picture(self) -> bytes:
        """Return the whole page as PNG."""
        width, height = self.value("[innerWidth, Math.ceil(document.body.getBoundingClientRect().height)]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"])

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while b"\0" not in self._waiting:
            ready, _writable, _broken = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            part = os.read(self._read, 1 << 20) if ready else b""
            if not part:
                raise AssertionError("the browser ended" if ready else f"the browser did not answer within {SECONDS:.0f} s")
            self._waiting += part
        one, _end, self._waiting = self._waiting.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        return message

    def _note(self, event: dict[str, Any]) -> None:
        name, details = event.get("method", ""), event.get("params", {})
        self._events.append(name)
        if name == "Network.requestWillBeSent":
            self.requested.append(details["request"]["url"])
        elif name == "Runtime.consoleAPICalled":
            self.complaints.append(f"{details['type']}: {[one.get('value', one.get('description')) for one in details['args']]}")
        elif name == "Runtime.exceptionThrown":
            self.complaints.append(str(details["exceptionDetails"]))
        elif name == "Log.entryAdded":
            self.complaints.append(f"{details['entry']['level']}: {details['entry']['text']} ({details['entry'].get('url')})")


@contextlib.contextmanager
def browser(program: str, **environment: str) -> Iterator[Tab]:
    """Start a browser with a profile of its own and give one empty tab of it."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # The protocol wants file descriptors 3 and 4; copies far above cannot be in each other's way.
    copies = [fcntl.fcntl(number, fcntl.F_DUPFD, 20) for number in (theirs_in, theirs_out)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        script = f'exec "$@" 3<&{copies[0]} 4>&{copies[1]}'
        process = subprocess.Popen(
            ["bash", "-c", script, "bash", program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=copies, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment},
        )  # fmt: skip
        for number in (theirs_in, theirs_out, *copies):
            os.close(number)
        try:
            tab = Tab(ours_out, ours_in)
            target = tab.ask("Target.createTarget", url="about:blank")["targetId"]
            tab.session = tab.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                tab.ask(f"{domain}.enable")
            yield tab
            tab.session = ""
            tab.ask("Browser.close")
            process.wait(timeout=SECONDS)
        finally:
            process.kill()
            process.wait()
            os.close(ours_out)
            os.close(ours_in)


@contextlib.contextmanager
def read_in_tokyo(path: Path) -> Iterator[Tab]:
    """Open a file in a browser of a reader who does not live in UTC."""
    program = find_browser()
    assert program is not None, "the test is marked NEEDS_BROWSER"
    with browser(program, TZ="Asia/Tokyo") as tab:
        tab.open(path)
        yield tab
