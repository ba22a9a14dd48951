"""People at a browser: signing in, looking around, and what a page must never do meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Response, expect

from credit.node import WEB

_AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
_BUSY = "[aria-busy=true], .ant-spin-spinning, .ant-skeleton-active"
_SERIOUS = {"serious", "critical"}
_SECONDS_MAX = 15
PHONE_WIDTH, PC_WIDTH = 390, 1440
# Whatever a page is to show, it shows within this on a busy machine.
expect.set_options(timeout=_SECONDS_MAX * 1000)
_HEIGHTS = {PHONE_WIDTH: 844, PC_WIDTH: 900}


@dataclass
class Browsing:
    """One browser and what its pages complained of; `given` is what the test hands over."""

    browser: Browser
    given: dict[str, Any]
    complaints: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """How wide its windows are, in CSS pixels."""
        return int(self.given["width"])

    @property
    def is_phone(self) -> bool:
        return self.width == PHONE_WIDTH

    def visitor(self) -> Visitor:
        """Somebody with a window of their own, signed in as nobody."""
        context = self.browser.new_context(
            viewport={"width": self.width, "height": _HEIGHTS[self.width]},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            has_touch=self.is_phone,
            is_mobile=self.is_phone,
            reduced_motion="reduce",
        )
        context.set_default_timeout(_SECONDS_MAX * 1000)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda fault: self.complaints.append(f"{page.url}: {fault}"))
        page.on("response", self._see)
        return Visitor(self, page)

    def sign_in(self, username: str) -> Visitor:
        """Somebody signed in, at the first page."""
        return self.visitor().sign_in(username, self.given["password"])

    def require_quiet(self) -> None:
        """No page wrote an error or a warning, broke, or was refused what it asked for."""
        assert not self.complaints, self.complaints

    def _hear(self, message: ConsoleMessage) -> None:
        # What a server refuses is told by its response, with its address.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    def _see(self, response: Response) -> None:
        expected = self.given.get("expected_statuses", [])
        if response.status >= 400 and response.status not in expected:
            self.complaints.append(f"{response.status} {response.request.method} {response.url}")


class Visitor:
    """Somebody at one window."""

    def __init__(self, browsing: Browsing, page: Page) -> None:
        self.browsing = browsing
        self.page = page

    def visit(self, path: str) -> Visitor:
        """Go to a page of the application."""
        self.page.goto(f"{self.browsing.given['url']}/#{path}")
        return self

    def sign_in(self, username: str, password: str) -> Visitor:
        """Sign in with a password, and wait until the frame stands."""
        self.visit("/")
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码", exact=True).fill(password)
        self.page.get_by_role("button", name="登录").click()
        expect(self.page.get_by_role("navigation")).to_be_visible()
        return self

    def press(self, name: str, within: Locator | None = None) -> Visitor:
        """Press the button with this name."""
        (within or self.page).get_by_role("button", name=name, exact=True).click()
        return self

    def dialog(self) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog").last

    def reads(self, text: str) -> Visitor:
        """The page shows this text, in a moment at most."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()
        return self

    def reads_not(self, text: str) -> Visitor:
        """The page shows this text no longer, in a moment at most."""
        expect(self.page.get_by_text(text)).to_have_count(0)
        return self

    def look(self, name: str) -> Visitor:
        """Keep a picture of the page, and see that everybody can use it: axe-core finds no serious fault."""
        expect(self.page.locator("[aria-busy=true], .ant-spin-spinning, .ant-skeleton-active")).to_have_count(
            0
        )
        folder = Path(self.browsing.given["pictures"])
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}-{self.browsing.width}.png")
        self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for fault in found["violations"]:
            if fault["impact"] in _SERIOUS:
                nodes = [node["html"][:200] for node in fault["nodes"][:3]]
                self.browsing.complaints.append(f"{name}: {fault['id']} ({fault['help']}): {nodes}")
        if self.browsing.is_phone:
            wider = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wider <= 0, f"{name} is {wider} px wider than the phone"
        return self

    def timed(self, path: str, text: str) -> float:
        """Seconds from asking for a page until it shows this text."""
        began = time.monotonic()
        self.visit(path).reads(text)
        return time.monotonic() - began
