"""Browsers: tokens in cookies that no script reads, and no change that another site can make them send."""

from __future__ import annotations

from dataclasses import replace
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integration.gateway.conftest import Gateway, problem_of, running_gateway
from tests.support.postgres import DatabaseServer

BY_COOKIE = {"X-Session": "cookie"}


class Browser:
    """A browser that knows what its page knows: what was answered, and the cookies that scripts read."""

    def __init__(self, gateway: Gateway) -> None:
        self._base = f"{gateway.api.url}/api/v1"
        self._settings = gateway.settings
        self.session = requests.Session()
        self.csrf = ""

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self._base + path, timeout=30, **options)

    def change(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.send(method, path, headers={"X-CSRF-Token": self.csrf}, **options)

    def sign_in(self) -> dict[str, Any]:
        given = {"username": self._settings.admin_username, "password": self._settings.admin_password}
        response = self.send("POST", "/auth/login", json=given, headers=BY_COOKIE)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        self.csrf = answer["csrf_token"]
        return answer

    def refresh(self) -> requests.Response:
        return self.send("POST", "/auth/refresh", headers=BY_COOKIE)

    def cookies(self) -> dict[str, Cookie]:
        return {cookie.name: cookie for cookie in self.session.cookies}


@pytest.fixture
def browser(gateway: Gateway) -> Browser:
    return Browser(gateway)


def test_tokens_are_kept_where_no_script_reads_them(browser: Browser) -> None:
    answer = browser.sign_in()
    assert not {"access_token", "refresh_token"} & answer.keys()
    found = browser.cookies()
    hidden = {name for name, cookie in found.items() if cookie.has_nonstandard_attr("HttpOnly")}
    assert hidden == {"credit_access", "credit_refresh"}
    assert {cookie.get_nonstandard_attr("SameSite") for cookie in found.values()} == {"Strict"}
    assert found["credit_refresh"].path == "/api/v1/auth"
    assert found["credit_csrf"].value == browser.csrf

    me = browser.send("GET", "/me").json()
    assert me["user"]["username"] == "admin"
    assert me["roles"] == ["admin"]
    assert "admin.users" in me["permissions"]


def test_a_change_shows_the_token_of_its_own_session(gateway: Gateway, browser: Browser) -> None:
    browser.sign_in()
    other = Browser(gateway)
    other.sign_in()
    change: Any = {"json": {"code": "csrf", "name": "CSRF"}}
    for shown in ({}, {"X-CSRF-Token": "x" * 64}, {"X-CSRF-Token": other.csrf}):
        response = browser.send("POST", "/departments", headers=shown, **change)
        assert response.status_code == 403
        assert problem_of(response)["code"] == "csrf_token_invalid"
    assert browser.change("POST", "/departments", **change).status_code == 201


def test_a_browser_that_asks_for_no_cookie_gets_none(gateway: Gateway, browser: Browser) -> None:
    given = {"username": gateway.settings.admin_username, "password": gateway.settings.admin_password}
    answer = browser.send("POST", "/auth/login", json=given)
    assert "access_token" in answer.json()
    assert "Set-Cookie" not in answer.headers


def test_a_session_is_renewed_by_its_cookie_and_ends_with_it(browser: Browser) -> None:
    browser.sign_in()
    before = browser.cookies()["credit_refresh"].value
    renewed = browser.refresh()
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["csrf_token"] == browser.csrf, "open pages go on"
    assert browser.cookies()["credit_refresh"].value != before

    access = browser.cookies()["credit_access"].value
    assert browser.send("POST", "/auth/logout").status_code == 403
    assert browser.change("POST", "/auth/logout").status_code == 200
    assert not browser.cookies()
    assert browser.send("GET", "/me").status_code == 401
    assert browser.refresh().status_code == 401
    assert browser.send("GET", "/me", cookies={"credit_access": str(access)}).status_code == 401


def test_two_pages_that_renew_at_once_do_not_sign_each_other_out(gateway: Gateway, browser: Browser) -> None:
    browser.sign_in()
    late = Browser(gateway)
    late.session.cookies.update(browser.session.cookies)
    assert browser.refresh().status_code == 200
    refused = late.refresh()
    assert refused.status_code == 409
    assert problem_of(refused)["code"] == "refreshed_meanwhile"
    assert "Set-Cookie" not in refused.headers
    assert browser.refresh().status_code == 200


@pytest.mark.parametrize("garbage", ["x", "a.b.c", "é"])
def test_a_cookie_that_is_no_token_signs_nobody_in(browser: Browser, garbage: str) -> None:
    for method, path in (("GET", "/me"), ("POST", "/departments")):
        headers = {"Cookie": f"credit_access={garbage}".encode()}
        assert browser.send(method, path, headers=headers).status_code == 401


def test_cookies_go_by_https_only_where_the_suite_is_reached_by_it(
    database_server: DatabaseServer, tmp_path: Path
) -> None:
    with running_gateway(
        database_server, tmp_path, lambda made: replace(made, public_url="https://credit.example")
    ) as running:
        browser = Browser(running)
        browser.sign_in()
        assert all(cookie.secure for cookie in browser.cookies().values())
