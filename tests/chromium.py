"""A headless Chromium for tests, driven by the DevTools protocol over a pipe: no port, no network, no driver.

https://chromedevtools.github.io/devtools-protocol/ says what the commands and events hold.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Where it is; None where it is not installed."""
ANSWER_MAX_S = 60
"""How long to wait for an answer: a machine with many tests at once is slow to start a browser."""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-extensions", "--remote-debugging-pipe"),
)

HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
WIDE = "document.documentElement.scrollWidth - innerWidth"
CONTRAST = """
(() => {
  const number = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => number(c).slice(0, 3)
    .map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (number(c)[3] !== 0) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    const drawn = e.namespaceURI.endsWith('svg');
    if (drawn && e.tagName !== 'text') continue;
    const proves = drawn && e.closest('.proves');
    const ink = getComputedStyle(e)[drawn ? 'fill' : 'color'];
    const paper = proves ? getComputedStyle(document.querySelector('.band')).fill : behind(e.closest('div, body'));
    const [a, b] = [light(ink), light(drawn ? paper : behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${e.tagName} ${e.textContent.trim().slice(0, 40)} ${ink} ${paper}`);
  }
  return poor;
})()
"""


class Browser:
    """One process, with an empty profile."""

    def __init__(self, profile: Path) -> None:
        """Start it."""
        assert CHROMIUM is not None
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def three_and_four() -> None:
            # Chromium reads commands from descriptor 3 and writes to 4; first out of the way of each other.
            commands, answers = (fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (theirs_in, theirs_out))
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=three_and_four,
            pass_fds=(3, 4),
        )
        os.close(theirs_in)
        os.close(theirs_out)
        os.set_blocking(self._in, False)
        self._rest = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End it."""
        try:
            self.ask("Browser.close")
            self.process.wait(10)
        except (BrokenPipeError, EOFError, subprocess.TimeoutExpired, TimeoutError):
            self.process.kill()
            self.process.wait()
        os.close(self._in)
        os.close(self._out)

    def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result; what happens meanwhile is added to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait(self, method: str) -> dict[str, Any]:
        """Wait for an event; it may have come already."""
        for event in self.events:
            if event.get("method") == method:
                return event
        while True:
            self.events.append(self._next())
            if self.events[-1].get("method") == method:
                return self.events[-1]

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + ANSWER_MAX_S
        while b"\0" not in self._rest:
            if time.monotonic() > until:
                raise TimeoutError("Chromium does not answer")
            try:
                more = os.read(self._in, 1 << 20)
            except BlockingIOError:
                time.sleep(0.005)
                continue
            if not more:
                raise EOFError("Chromium has ended")
            self._rest += more
        first, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(first)
        return answer

    @contextmanager
    def page(self, path: Path, width: int = 1280, dark: bool = False, script: bool = True) -> Iterator[Page]:
        """A file opened in a window of that width, loaded to its end. `script` says whether it may run any."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.events.clear()
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.ask(f"{domain}.enable", session)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.ask("Emulation.setDeviceMetricsOverride", session, **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.ask("Emulation.setEmulatedMedia", session, features=scheme)
        self.ask("Emulation.setScriptExecutionDisabled", session, value=not script)
        self.ask("Page.navigate", session, url=path.as_uri())
        self.wait("Page.loadEventFired")
        yield Page(self, session)
        self.ask("Target.closeTarget", targetId=target)


class Page:
    """One loaded page."""

    def __init__(self, browser: Browser, session: str) -> None:
        """Of that browser, by that session of the protocol."""
        self.browser, self.session = browser, session

    def run(self, script: str) -> Any:
        """What an expression comes to in the page, whatever its security policy forbids the page itself."""
        found = self.browser.ask("Runtime.evaluate", self.session, expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A command about this page."""
        return self.browser.ask(method, self.session, **params)

    def picture(self, path: Path) -> None:
        """Write a PNG of the whole page."""
        # What is far outside of the window is not laid out: the window becomes as high as the page, and that grows.
        for _ in range(3):
            size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
            window = {"width": int(size["width"]), "height": int(size["height"]) + 1}
            self.ask("Emulation.setDeviceMetricsOverride", **window, deviceScaleFactor=1, mobile=False)
            self.run("document.body.offsetHeight")
        shot = self.ask("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(shot["data"]))

    def print(self) -> bytes:
        """The page as a PDF, on the paper that it asks for."""
        return base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"])

    @property
    def requests(self) -> list[str]:
        """Addresses that were asked for, the page itself not among them."""
        told = [e["params"] for e in self.browser.events if e.get("method") == "Network.requestWillBeSent"]
        return [p["request"]["url"] for p in told if p["type"] != "Document"]

    @property
    def complaints(self) -> list[str]:
        """All that the browser finds wrong: errors and warnings of the console, exceptions, violations of policy."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Audits.issueAdded")
        return [json.dumps(e["params"]) for e in self.browser.events if e.get("method") in kinds]
