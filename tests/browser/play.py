"""Plays one scenario in a real browser and prints what it tells: python -m tests.browser.play NAME JSON."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.visitor import Browsing


def main(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Play `module.function` of tests/browser/scenarios and see that no page complained."""
    module, _, function = name.partition(".")
    scenario = getattr(importlib.import_module(f"tests.browser.scenarios.{module}"), function)
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=given["chromium"], args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            browsing = Browsing(browser, given)
            told = scenario(browsing)
            browsing.require_quiet()
        finally:
            browser.close()
    return told or {}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
