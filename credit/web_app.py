"""Builds and checks the web application (gateway/web): python -m credit.web_app build|lint|types|format.

It imports nothing of the suite: whoever only builds needs Python and Node, none of our packages.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from credit.node import WEB, Node, NodeProblem, find_node

BUILT = WEB / "dist"
_STAMP = BUILT / ".built"
_SOURCES = ("index.html", "package-lock.json", "package.json", "vite.config.ts", "public", "src")
_SCHEMA = WEB / "src" / "api" / "schema.ts"


def build(node: Node | None = None) -> bool:
    """Build the application unless it is built of just these sources; answers whether it had to."""
    wanted = _digest()
    if is_built() and _STAMP.read_text(encoding="utf-8") == wanted:
        return False
    node = node or find_node()
    print("正在构建网页应用 / building the web application (一两分钟 / a minute or two) …", flush=True)
    node.install(everything=False)
    node.run(str(WEB / "node_modules" / "vite" / "bin" / "vite.js"), "build", "--logLevel", "warn")
    _STAMP.write_text(wanted, encoding="utf-8")
    return True


def is_built() -> bool:
    """Whether there is a built application, of whatever sources."""
    return _STAMP.exists()


def lint(node: Node) -> None:
    """Style and format of the browser's code."""
    node.install()
    node.npm_run("run", "--silent", "lint")


def types(node: Node) -> None:
    """Its types, against the API as the suite now describes it."""
    describe_api(node)
    node.npm_run("run", "--silent", "types")


def describe_api(node: Node) -> None:
    """Make the types of the API (src/api/schema.ts) from its OpenAPI document."""
    node.install()
    described = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "credit.api_description"], check=True, capture_output=True
    ).stdout
    document = WEB / "openapi.json"
    if not _SCHEMA.exists() or not document.exists() or document.read_bytes() != described:
        document.write_bytes(described)
        node.npm_run("run", "--silent", "api")


def _digest() -> str:
    """What the application is built of, as one hash; tests and the API's types are no part of it."""
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(f"{path.relative_to(WEB).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    for name in _SOURCES:
        found = WEB / name
        paths = sorted(found.rglob("*")) if found.is_dir() else [found]
        yield from (path for path in paths if path.is_file() and _counts(path))


def _counts(path: Path) -> bool:
    return path != _SCHEMA and not path.name.endswith((".test.ts", ".test.tsx"))


def main(arguments: list[str]) -> int:
    """Do what is asked; a build that fails leaves the suite without its pages, not without its API."""
    asked = arguments[0] if arguments else "build"
    try:
        if asked == "build":
            build()
        elif asked == "format":
            node = find_node()
            node.install()
            node.npm_run("run", "--silent", "format")
        else:
            {"lint": lint, "types": types}[asked](find_node())
    except (NodeProblem, subprocess.SubprocessError, OSError) as problem:
        print(f"网页应用: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
