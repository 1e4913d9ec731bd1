"""Headless Chromium, driven over its debugging pipe: pages are opened, used and photographed.

The protocol is Chrome's DevTools protocol, JSON messages that end in a zero byte:
https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / ".local" / "chromium"
_ANSWER_SECONDS = 60.0
_TRUE_MS = 30_000
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # as root there is none to be had; it opens our own pages only
    "--no-zygote",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
_KEYS = {"Enter": ("\r", 13), "Tab": ("", 9), "Escape": ("", 27)}


class ChromiumError(Exception):
    """Chromium did not start, answer, or do as it was told; the message holds what it printed."""


class Page:
    """One tab: `requests` are the addresses that it asked for, `complaints` console and errors."""

    def __init__(self, browser: Chromium) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._target, self._session = target, str(attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, place: Path | str) -> None:
        """Open a file or an address and wait until it is loaded."""
        self._browser.events.clear()
        url = place if isinstance(place, str) else place.resolve().as_uri()
        self._call("Page.navigate", {"url": url})
        self._browser.wait_for("Page.loadEventFired")

    def show_as(
        self, *, width: int, height: int = 900, scheme: str = "light", moves: bool = True
    ) -> None:
        """Set the size of the window, and the colours and motion that the person prefers."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", metrics)
        motion = "no-preference" if moves else "reduce"
        features = {"prefers-color-scheme": scheme, "prefers-reduced-motion": motion}
        wanted = [{"name": name, "value": value} for name, value in features.items()]
        self._call("Emulation.setEmulatedMedia", {"features": wanted})

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        wanted = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self._call("Runtime.evaluate", wanted)
        if "exceptionDetails" in answer:
            raise ChromiumError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_until(self, expression: str) -> None:
        """Wait until a JavaScript expression is true; raises ChromiumError if it never is."""
        look = f"() => {{ if ({expression}) done(); else setTimeout(look, 20) }}"
        late = f"() => late('not true in {_TRUE_MS} ms'), {_TRUE_MS}"
        self.evaluate(
            f"new Promise((done, late) => {{ const look = {look}; look(); setTimeout({late}) }})"
        )

    def click(self, selector: str) -> None:
        """Click in the middle of an element with the mouse."""
        x, y = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2] }})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self._call("Input.dispatchMouseEvent", event)

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        text, code = _KEYS[key]
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
        self._call("Input.dispatchKeyEvent", event | {"type": "keyDown" if text else "rawKeyDown"})
        self._call("Input.dispatchKeyEvent", event | {"type": "keyUp", "text": ""})

    def type(self, text: str) -> None:
        """Type text where the focus is."""
        self._call("Input.insertText", {"text": text})

    def accessibility(self) -> list[tuple[str, str]]:
        """Role and name of everything that a screen reader is told of, in its order."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        return [
            (str(node["role"]["value"]), str(node.get("name", {}).get("value", "")).strip())
            for node in nodes
            if not node["ignored"]
        ]

    def screenshot(self) -> bytes:
        """A PNG of the window."""
        found = self._call("Page.captureScreenshot", {"format": "png"})
        return base64.b64decode(found["data"])

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for since the page was opened."""
        self.evaluate("new Promise(done => setTimeout(done, 50))")
        sent = self._browser.events_of("Network.requestWillBeSent")
        return [str(each["request"]["url"]) for each in sent]

    @property
    def stopped(self) -> set[str]:
        """Addresses of these that the page's policy let nobody ask for."""
        sent = self._browser.events_of("Network.requestWillBeSent")
        addresses = {each["requestId"]: str(each["request"]["url"]) for each in sent}
        return {
            addresses[each["requestId"]]
            for each in self._browser.events_of("Network.loadingFailed")
            if each.get("blockedReason") == "csp"
        }

    @property
    def complaints(self) -> list[str]:
        """What the console, the page's policy and its scripts complained of."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(each) for kind in kinds for each in self._browser.events_of(kind)]

    def close(self) -> None:
        """Close the tab."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def _call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.call(method, parameters or {}, self._session)


class Chromium:
    """One browser process with an empty profile."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._number = 0
        self._rest = b""
        self._log = folder / "log"
        self.events: list[tuple[str, dict[str, Any]]] = []
        commands, self._to = _pipe()
        self._from, answers = _pipe()
        environment = dict(os.environ)
        if program.parent == FOLDER:
            environment |= {"LD_LIBRARY_PATH": f"{FOLDER}/lib", "FONTCONFIG_PATH": str(FOLDER)}
        writing = os.O_CREAT | os.O_WRONLY
        try:
            self._pid = os.posix_spawn(
                str(program),
                [str(program), *_ARGUMENTS, f"--user-data-dir={folder}/profile"],
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, commands, 3),
                    (os.POSIX_SPAWN_DUP2, answers, 4),
                    (os.POSIX_SPAWN_OPEN, 2, str(self._log), writing, 0o600),
                ],
            )
        except OSError as error:
            raise ChromiumError(f"{program}: {error}; CHROMIUM=<path> names another") from None
        finally:
            os.close(commands)
            os.close(answers)

    def call(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise self._failure(f"{method}: {error}") from None
        while True:
            answer = self._read(method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise self._failure(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def wait_for(self, event: str) -> None:
        """Wait until an event has come."""
        while not self.events_of(event):
            self._read(event)

    def events_of(self, name: str) -> list[dict[str, Any]]:
        """Events of a name that have come and were not cleared."""
        return [parameters for event, parameters in self.events if event == name]

    def close(self) -> None:
        """End the process; closing its pipe is asking it to."""
        os.close(self._to)
        deadline = time.monotonic() + 10
        while os.waitpid(self._pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                break
            time.sleep(0.02)
        os.close(self._from)

    def _read(self, what: str) -> dict[str, Any]:
        deadline = time.monotonic() + _ANSWER_SECONDS
        while b"\0" not in self._rest:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._from], [], [], left)[0]:
                raise self._failure(f"{what}: no answer in {_ANSWER_SECONDS:.0f} s")
            data = os.read(self._from, 1 << 16)
            if not data:
                raise self._failure(f"{what}: Chromium is gone")
            self._rest += data
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message

    def _failure(self, text: str) -> ChromiumError:
        printed = self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""
        return ChromiumError(f"{text}\n{printed}")


@contextmanager
def chromium() -> Iterator[Chromium]:
    """The browser of `make test`, or the one that CHROMIUM names. Raises ChromiumError."""
    program = Path(os.environ.get("CHROMIUM") or FOLDER / "chromium")
    if not program.exists():
        raise ChromiumError(f"there is no {program}: `make browser` installs it")
    folder = Path(tempfile.mkdtemp(prefix="chromium-"))
    try:
        browser = Chromium(program, folder)
        try:
            yield browser
        finally:
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pipe() -> tuple[int, int]:
    """A pipe whose numbers are not those that Chromium reads and writes, 3 and 4."""
    ends = os.pipe()
    read, write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return read, write
