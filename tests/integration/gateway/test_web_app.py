"""The web application as the gateway serves it: kept long where it may be, and never in the API's way."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway import web_app
from tests.integration.gateway.conftest import Api

PAGE = "<!doctype html><title>the page</title>"
SCRIPT = "console.log(1)"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[FlaskClient]:
    """A browser before an application that was just built."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "sw.js").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / ".built").write_text("a digest", encoding="utf-8")
    script = tmp_path / "assets" / "index-Ab12.js"
    script.write_text(SCRIPT, encoding="utf-8")
    script.with_name("index-Ab12.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    app = Flask("web", static_folder=None)
    web_app.add_web_app(app, tmp_path)
    with app.test_client() as client:
        yield client


def test_the_page_is_always_asked_for_and_lets_no_strange_script_in(browser: FlaskClient) -> None:
    answer = browser.get("/")
    assert answer.text == PAGE
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    again = browser.get("/", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_files_with_a_hash_in_their_name_are_kept_for_ever_and_come_compressed(browser: FlaskClient) -> None:
    answer = browser.get("/assets/index-Ab12.js", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(answer.data).decode() == SCRIPT
    assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("gzip", "Accept-Encoding")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert browser.get("/assets/index-Ab12.js").text == SCRIPT


def test_the_service_worker_may_ask_for_what_it_keeps(browser: FlaskClient) -> None:
    answer = browser.get("/sw.js")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "connect-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_address_of_a_page_leads_to_it(browser: FlaskClient) -> None:
    answer = browser.get("/inbox?tab=done", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/#/inbox?tab=done")


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/assets/../../web_app.py", "/.built", "/gone.js", "/api", "/inbox"]
)
def test_what_is_not_there_is_not_there(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_wrong_addresses_of_the_api_stay_its_own_404(api: Api, method: str) -> None:
    api.refused(method, "/no/such/thing", 404, headers={"Accept": "text/html"})


def test_a_suite_without_its_web_application_says_how_to_build_it(tmp_path: Path) -> None:
    app = Flask("web", static_folder=None)
    web_app.add_web_app(app, tmp_path)
    with app.test_client() as client:
        answer = client.get("/")
    assert answer.status_code == 200
    assert "make run" in answer.text
