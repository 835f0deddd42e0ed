"""A headless Chromium, driven over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol/)."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

_KEYS = {
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Enter": 13,
    "Tab": 9,
    "Home": 36,
    "End": 35,
}


def find_chromium() -> str | None:
    """Return the program; ``None`` if there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last = 0
        self.errors: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call one method of the protocol."""
        self._last += 1
        self._connection.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._connection.recv(timeout=30))
            if answer.get("id") == self._last:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        """Remember what the page complains about."""
        if event.get("method") == "Runtime.exceptionThrown":
            details = event["params"]["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            entry = event["params"]["entry"]
            self.errors.append(f"{entry['text']} {entry.get('url', '')}")

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page; a promise is awaited."""
        result = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def open(self, url: str) -> None:
        """Open an address."""
        self.call("Page.navigate", url=url)

    def wait(self, condition: str, *, seconds: float = 20) -> Any:
        """Wait until an expression is true, and return its value."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                # An element arrives as an empty object.
                if (value := self.run(condition)) not in (None, False, "", 0):
                    return value
            except AssertionError:
                pass  # the page is being replaced
            time.sleep(0.05)
        raise AssertionError(f"{condition} is not true after {seconds} s; {self.errors}")

    def click(self, selector: str, *, within: str = "document") -> None:
        """Click the middle of an element with the mouse, as a person does.

        :param within: the document that holds it, such as that of a frame
        """
        box = self.wait(
            f"(() => {{ const e = {within}.querySelector({json.dumps(selector)}); if (!e) return null;"
            "e.scrollIntoView({block: 'center', inline: 'center'}); const b = e.getBoundingClientRect();"
            "let x = b.x + b.width / 2, y = b.y + b.height / 2;"
            "for (let w = e.ownerDocument.defaultView; w !== w.top; w = w.parent) {"
            "const f = w.frameElement.getBoundingClientRect(); x += f.x; y += f.y; } return [x, y]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key: str) -> None:
        """Press one key."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            extra = text if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=_KEYS[key], **extra)

    def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        """Give the page a size in CSS pixels."""
        scale = 2 if mobile else 1
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=mobile
        )

    def prefer(self, scheme: str) -> None:
        """Let the system prefer ``light`` or ``dark``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def set_cookie(self, url: str, name: str, value: str) -> None:
        """Set a cookie, or remove it with an empty value."""
        if value:
            self.call("Network.setCookie", url=url, name=name, value=value, httpOnly=True, sameSite="Lax")
        else:
            self.call("Network.deleteCookies", url=url, name=name)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Store a picture of the page.

        :param whole: also what is below the window
        """
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))


@contextmanager
def open_browser(program: str) -> Iterator[Page]:
    """Start Chromium with an empty profile, and yield its tab."""
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            with connect(_tab(Path(profile) / "DevToolsActivePort"), max_size=None) as connection:
                yield Page(connection)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _tab(port_file: Path) -> str:
    """Return the address of the tab, when the browser is ready."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if port_file.exists() and (lines := port_file.read_text().split()):
            tabs = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list").json()
            if pages := [tab for tab in tabs if tab["type"] == "page"]:
                return str(pages[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")
