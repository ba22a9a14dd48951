"""The Chromium of this run, and the scenarios that are played in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.debian import install_packages

ROOT = Path(__file__).parents[2]
# Where what was seen is kept, for people to look at.
PICTURES = ROOT / "build" / "screenshots"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_PACKAGES = ("chromium", "fonts-noto-cjk")
_SCENARIO_SECONDS_MAX = 240


def find_chromium() -> tuple[str | None, str]:
    """The program, or none and what was tried; Debian's is installed where we may."""
    found = _on_path()
    if found is None and install_packages(*_PACKAGES):
        found = _on_path()
    return found, "" if found else f"none of {', '.join(_NAMES)} on the path, no apt as root"


def _on_path() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def play(scenario: str, **given: Any) -> dict[str, Any]:
    """Play one scenario of tests/browser/scenarios in a process of its own: Playwright needs real threads.

    Answers what it tells; `AssertionError` with what it said where it fails.
    """
    command = [sys.executable, "-m", "tests.browser.play", scenario, json.dumps(given)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=_SCENARIO_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{scenario} {given}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
