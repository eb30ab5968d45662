"""A headless Chromium spoken to over its DevTools pipe: no port, no driver program, no package."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--remote-debugging-pipe",
)
# The browser reads commands from descriptor 3 and answers on 4.
_LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """Return the path of the browser, or None."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Page:
    """One page of a headless browser, as a context manager.

    Attributes:
        problems: Exceptions, console errors and failed requests so far, as text.
        requests: URLs that the page asked for.
    """

    def __init__(self, *, width: int = 1200, height: int = 900) -> None:
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._size = width, height
        self._count = 0
        self._buffer = b""
        self._loaded = 0

    def __enter__(self) -> Page:
        program = find_chromium()
        if program is None:
            raise FileNotFoundError(f"none of {', '.join(PROGRAMS)} is on PATH")
        self._profile = tempfile.mkdtemp(prefix="vidkit-chromium-")
        command_read, self._write = os.pipe()
        self._read, answer_write = os.pipe()
        inherited = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (command_read, answer_write)]
        width, height = self._size
        browser = [program, *FLAGS, f"--user-data-dir={self._profile}", f"--window-size={width},{height}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, *map(str, inherited), *browser, "about:blank"],
            pass_fds=inherited,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for pipe in (command_read, answer_write, *inherited):
            os.close(pipe)
        self._session = ""
        try:
            self._attach()
        except (RuntimeError, TimeoutError):
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._write)  # the browser ends with its pipe
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # the session that __enter__ started, nothing else
            self._process.wait()
        os.close(self._read)
        shutil.rmtree(self._profile, ignore_errors=True)

    def _attach(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(*self._size)

    def call(self, method: str, **params: Any) -> Any:
        """Send one command and return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 30
        while (answer := self._receive(deadline)).get("id") != self._count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, file: Path) -> None:
        """Open a local file and wait until it has loaded."""
        before = self._loaded
        self.call("Page.navigate", url=file.absolute().as_uri())
        deadline = time.monotonic() + 30
        while self._loaded == before:
            self._receive(deadline)

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, script: str, accept: Callable[[Any], bool] = bool, *, seconds: float = 10) -> Any:
        """Return the value of ``script`` once it is accepted."""
        deadline = time.monotonic() + seconds
        while not accept(value := self.run(script)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{script} stayed {value!r} for {seconds} s")
            time.sleep(0.05)
        return value

    def click(self, selector: str, *, across: float = 0.5) -> None:
        """Click an element with the mouse, ``across`` of its width from its left.

        It is scrolled into view, which may lay out what was far away, until it stands still.
        """
        script = (
            f"(async () => {{ const e = document.querySelector({json.dumps(selector)});"
            "const look = async () => { e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
            "const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; };"
            "const before = await look(), now = await look();"
            f"const x = now[0] + now[2] * {across}, y = now[1] + now[3] / 2;"
            "const hit = document.elementFromPoint(x, y);"
            "const isThere = e.contains(hit) || hit?.contains(e);"
            "return String(before) === String(now) && isThere ? [x, y] : null; })()"
        )
        x, y = self.wait(script)
        point = {"x": x, "y": y}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **point)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **point)

    def press(self, key: str) -> None:
        """Press and release one named key, such as "ArrowRight"."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEY_CODES[key]
            )

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )

    def prefer(self, scheme: str) -> None:
        """Ask for the "dark" or the "light" colour scheme."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer within 30 s")
            block = os.read(self._read, 1 << 20)
            if not block:
                raise RuntimeError(f"the browser ended with status {self._process.poll()}")
            self._buffer += block
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, params: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded += 1
        elif event == "Runtime.exceptionThrown":
            self.problems.append(f"exception: {params['exceptionDetails']}")
        elif event == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(f"console: {params['args']}")
        elif event == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"log: {params['entry']['text']}")
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"][:200])


_KEY_CODES = {
    "Tab": 9, "Enter": 13, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
}  # fmt: skip
