"""The browser's own unit tests, and how much of it a first visit asks for."""

from __future__ import annotations

import json

import pytest

from credit.node import Node, find_node
from credit.web_app import BUILT, build

ENTRY_BYTES_MAX = 250_000


@pytest.fixture(scope="module")
def node() -> Node:
    found = find_node()
    found.install()
    return found


def test_the_browsers_units_do_what_their_tests_say(node: Node) -> None:
    assert "passed" in node.npm_run("run", "--silent", "test", "--", "--reporter=dot")


@pytest.mark.timeout(400)
def test_a_first_visit_asks_for_little(node: Node) -> None:
    build(node)
    parts = json.loads((BUILT / "build.json").read_text(encoding="utf-8"))
    needed: set[str] = set()

    def need(name: str) -> None:
        if name not in needed:
            needed.add(name)
            for other in parts[name].get("imports", ()):
                need(other)

    need("index.html")
    sizes = {name: (BUILT / f"{parts[name]['file']}.gz").stat().st_size for name in needed}
    assert sum(sizes.values()) <= ENTRY_BYTES_MAX, sizes


def test_nothing_is_fetched_from_elsewhere(node: Node) -> None:
    build(node)
    page = (BUILT / "index.html").read_text(encoding="utf-8")
    styles = [path.read_text(encoding="utf-8") for path in BUILT.rglob("*.css")]
    assert "//" not in page.replace("<!doctype html>", "")
    assert not [text for text in styles if "url(http" in text or "@import" in text]
