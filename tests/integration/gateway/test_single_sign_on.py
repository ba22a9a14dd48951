"""Signing in at an OpenID Connect provider: there and back as a browser goes, with a real provider."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from gateway.identity import operations as identity
from gateway.sign_in.sealing import Seal
from gateway.single_sign_on import operations
from services.common.config import Settings
from services.common.errors import Forbidden
from tests.integration.gateway.conftest import Api, Begin, Gateway, problem_of, running_gateway
from tests.support.oidc_server import CLIENT_ID, CLIENT_SECRET, OidcServer
from tests.support.postgres import DatabaseServer

PASSWORD = "a long enough password"
SSO = "/api/v1/auth/sso"


@pytest.fixture(scope="module")
def gateway(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that knows how people reach it."""

    def reached(settings: Settings) -> Settings:
        return replace(settings, public_url=f"http://127.0.0.1:{settings.http_port}")

    with running_gateway(database_server, tmp_path_factory.mktemp("gateway"), reached) as running:
        yield running


@pytest.fixture(scope="module")
def server(gateway: Gateway) -> Iterator[OidcServer]:
    with OidcServer(f"{gateway.api.url}{SSO}/corp/callback") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def provider(server: OidcServer, admin: Api) -> dict[str, Any]:
    """The provider as an administrator has made it known; it finds people by their usernames."""
    body = {"key": "corp", "label": "公司账号", "issuer": server.issuer, "client_id": CLIENT_ID}
    more = {"client_secret": CLIENT_SECRET, "link_by": "username"}
    made: dict[str, Any] = admin.json("POST", "/admin/identity-providers", 201, json={**body, **more})
    for name in ("lilei", "hanmei", "zhangli", "zhaoyun", "sunquan", "liubei", "caocao"):
        person = {"username": name, "name": name, "roles": ["finance"]}
        admin.json("POST", "/users", 201, json=person)
    return made


def _change(admin: Api, **values: Any) -> None:
    admin.json("PATCH", "/admin/identity-providers/corp", json=values)


def _begin(gateway: Gateway, browser: requests.Session, return_to: str = "/customers") -> str:
    """Where the gateway sends a browser that wants to sign in."""
    asked = browser.get(
        f"{gateway.api.url}{SSO}/corp", params={"return_to": return_to}, allow_redirects=False, timeout=30
    )
    assert asked.status_code == 302, asked.text
    return asked.headers["Location"]


def _onward(browser: requests.Session, address: str) -> dict[str, str]:
    """What the gateway tells the app, in the fragment, after the provider has sent the browser back."""
    back = browser.get(address, allow_redirects=False, timeout=30)
    assert back.status_code == 302, back.text
    return dict(parse_qsl(urlsplit(back.headers["Location"]).fragment.partition("?")[2]))


def _redeem(gateway: Gateway, browser: requests.Session, ticket: str) -> requests.Response:
    return browser.post(f"{gateway.api.url}/api/v1/auth/sso:redeem", json={"ticket": ticket}, timeout=30)


def _sign_in(gateway: Gateway, server: OidcServer, name: str) -> requests.Response:
    with requests.Session() as browser:
        onward = _onward(browser, server.sign_in(browser, _begin(gateway, browser), name))
        return _redeem(gateway, browser, onward["ticket"])


def test_somebody_signs_in_at_the_provider(gateway: Gateway, server: OidcServer, admin: Api) -> None:
    (listed,) = gateway.api.json("GET", "/auth/providers")["items"]
    assert listed == {"key": "corp", "label": "公司账号"}
    with requests.Session() as browser:
        address = _begin(gateway, browser)
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["nonce"]
        assert asked["scope"] == ["openid profile email"]
        onward = _onward(browser, server.sign_in(browser, address, "lilei"))
        assert onward["return_to"] == "/customers"
        tokens = _redeem(gateway, browser, onward["ticket"])
        assert tokens.status_code == 200, tokens.text
        person = Api(gateway.api.url, {"Authorization": f"Bearer {tokens.json()['access_token']}"})
        assert person.json("GET", "/me")["user"]["username"] == "lilei"
        again = _redeem(gateway, browser, onward["ticket"])
        assert again.status_code == 401, "a ticket counts once"
    line = admin.json("GET", "/admin/audit", params={"actor": "lilei", "action": "sign_in"})["items"][0]
    assert line["detail"]["method"] == "sso:corp"
    cookie = next(iter(browser.cookies))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"


def test_the_second_time_the_link_is_used_and_not_the_name(
    gateway: Gateway, server: OidcServer, admin: Api
) -> None:
    assert _sign_in(gateway, server, "lilei").status_code == 200
    _change(admin, link_by="none")
    assert _sign_in(gateway, server, "lilei").status_code == 200
    with requests.Session() as browser:
        onward = _onward(browser, server.sign_in(browser, _begin(gateway, browser), "hanmei"))
    assert onward == {"problem": "sso_user_unknown"}
    _change(admin, link_by="username")


def test_unknown_people_are_made_users_where_that_is_set(
    gateway: Gateway, server: OidcServer, admin: Api
) -> None:
    _change(admin, link_by="none", create_roles=["salesperson"])
    with requests.Session() as browser:
        onward = _onward(browser, server.sign_in(browser, _begin(gateway, browser), "hanmei"))
    assert onward == {"problem": "username_taken"}, "nobody becomes somebody else by a name"
    assert _sign_in(gateway, server, "newcomer").status_code == 200
    made = admin.json("GET", "/users/newcomer")
    assert (made["roles"], made["name"]) == (["salesperson"], "Newcomer")
    _change(admin, link_by="username", create_roles=None)


def test_an_address_that_the_provider_does_not_vouch_for_finds_nobody(
    gateway: Gateway, server: OidcServer, admin: Api
) -> None:
    body = {"username": "wang", "name": "王", "email": "wangwei@corp.example", "roles": []}
    admin.json("POST", "/users", 201, json=body)
    _change(admin, link_by="email")
    with requests.Session() as browser:
        onward = _onward(browser, server.sign_in(browser, _begin(gateway, browser), "wangwei"))
    assert onward == {"problem": "sso_user_unknown"}
    _change(admin, link_by="username")


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"email": "LI@corp.example", "email_verified": True}, True),
        ({"email": "li@corp.example", "email_verified": "true"}, False),
        ({"email": "li@corp.example"}, False),
        ({"email": "shared@corp.example", "email_verified": True}, False),
        ({"email": ["li@corp.example"], "email_verified": True}, False),
        ({"email_verified": True}, False),
    ],
    ids=str,
)
def test_an_address_counts_that_is_vouched_for_and_of_one_person_only(
    begin: Begin, claims: dict[str, Any], found: bool
) -> None:
    provider = {"key": "corp", "label": "公司", "issuer": "https://login.example", "client_id": "a"}
    more = {"client_secret": "b", "link_by": "email", "create_roles": None, "trusts_second_factor": False}
    with begin() as work:
        operations.save_provider(work, None, {**provider, **more, "active": True}, Seal("secret"))
        for name, email in (("li", "li"), ("one", "shared"), ("two", "shared")):
            person = {"username": name, "name": name, "email": f"{email}@corp.example", "department": None}
            identity.create_user(work, {**person, "roles": []}, None)
        row = operations.provider_in_use(work, "corp")
        told = {"sub": "s", **claims}
        if found:
            assert operations.hand_over(work, row, told, "browser")
        else:
            with pytest.raises(Forbidden, match="没有与您的账号对应的用户"):
                operations.hand_over(work, row, told, "browser")


def test_an_inactive_user_stays_out(gateway: Gateway, server: OidcServer, admin: Api) -> None:
    admin.json("PATCH", "/users/hanmei", json={"active": False})
    with requests.Session() as browser:
        onward = _onward(browser, server.sign_in(browser, _begin(gateway, browser), "hanmei"))
    assert onward == {"problem": "sso_user_inactive"}
    admin.json("PATCH", "/users/hanmei", json={"active": True})


def test_a_second_factor_of_our_own_is_asked_for_unless_the_provider_is_trusted_with_it(
    gateway: Gateway, server: OidcServer, admin: Api
) -> None:
    admin.json("PATCH", "/admin/sign-in-settings", json={"second_factor_roles": ["finance"]})
    answer = _sign_in(gateway, server, "zhangli").json()
    assert answer["second_factor"] == "needed"
    assert "access_token" not in answer
    _change(admin, trusts_second_factor=True)
    assert "access_token" in _sign_in(gateway, server, "zhangli").json()
    _change(admin, trusts_second_factor=False)
    admin.json("PATCH", "/admin/sign-in-settings", json={"second_factor_roles": []})


def test_another_browser_can_neither_come_back_nor_fetch_the_tokens(
    gateway: Gateway, server: OidcServer
) -> None:
    with requests.Session() as victim, requests.Session() as attacker:
        back = server.sign_in(attacker, _begin(gateway, attacker), "zhaoyun")
        assert _onward(victim, back) == {"problem": "sso_other_browser"}
        assert _onward(attacker, back) == {"problem": "sso_state_unknown"}, "the attempt is used up"
        onward = _onward(attacker, server.sign_in(attacker, _begin(gateway, attacker), "zhaoyun"))
        assert _redeem(gateway, victim, onward["ticket"]).status_code == 401


@pytest.mark.parametrize(
    ("alter", "problem"),
    [
        ({"state": "forged"}, "sso_state_unknown"),
        ({"code": "forged"}, "sso_refused"),
        ({"iss": "https://evil.example"}, "sso_refused"),
        ({"code": "", "error": "access_denied"}, "sso_refused"),
    ],
    ids=str,
)
def test_an_altered_answer_of_the_provider_is_refused(
    gateway: Gateway, server: OidcServer, admin: Api, alter: dict[str, str], problem: str
) -> None:
    with requests.Session() as browser:
        back = urlsplit(server.sign_in(browser, _begin(gateway, browser), "sunquan"))
        given = {**dict(parse_qsl(back.query)), **alter}
        request = requests.Request("GET", back._replace(query="").geturl(), params=given).prepare()
        assert request.url
        assert _onward(browser, request.url) == {"problem": problem}
    line = admin.json("GET", "/admin/audit", params={"subject": "sso:corp"})["items"][0]
    assert line["detail"] == {"code": problem}


def test_a_code_of_another_attempt_is_refused(gateway: Gateway, server: OidcServer) -> None:
    """Its nonce and its verifier are not this attempt's."""
    with requests.Session() as browser, requests.Session() as other:
        mine = urlsplit(server.sign_in(browser, _begin(gateway, browser), "liubei"))
        theirs = urlsplit(server.sign_in(other, _begin(gateway, other), "hanmei"))
        given = {**dict(parse_qsl(mine.query)), "code": dict(parse_qsl(theirs.query))["code"]}
        request = requests.Request("GET", mine._replace(query="").geturl(), params=given).prepare()
        assert request.url
        assert _onward(browser, request.url) == {"problem": "sso_refused"}


def test_a_link_is_taken_away_with_its_sessions(gateway: Gateway, server: OidcServer, admin: Api) -> None:
    tokens = _sign_in(gateway, server, "caocao").json()
    admin.json("DELETE", "/admin/users/caocao/identities/corp")
    person = Api(gateway.api.url, {"Authorization": f"Bearer {tokens['access_token']}"})
    person.refused("GET", "/me", 401)
    admin.refused("DELETE", "/admin/users/caocao/identities/corp", 404)


@pytest.mark.parametrize(
    "return_to", ["https://evil.example", "//evil.example", "/\\evil.example", "x", "/" + "x" * 600]
)
def test_nobody_is_sent_elsewhere_afterwards(gateway: Gateway, return_to: str) -> None:
    asked = requests.get(
        f"{gateway.api.url}{SSO}/corp", params={"return_to": return_to}, allow_redirects=False, timeout=30
    )
    assert asked.status_code == 400
    problem_of(asked)


def test_what_makes_no_sense_is_refused(gateway: Gateway, admin: Api) -> None:
    api = gateway.api
    api.refused("GET", "/auth/sso/nowhere", 404)
    api.refused("GET", "/auth/sso/corp/callback", 400)
    api.refused("GET", "/auth/sso/corp/callback", 400, params={"state": "x" * 5_000, "code": "y"})
    api.refused("GET", "/auth/sso/nowhere/callback", 404, params={"state": "x", "code": "y"})
    api.refused("POST", "/auth/sso:redeem", 422, json={})
    api.refused("POST", "/auth/sso:redeem", 401, json={"ticket": "nonsense"})


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"issuer": "http://login.example"}, 422, "issuer_insecure"),
        ({"issuer": "https://user:pass@login.example"}, 422, "issuer_insecure"),
        ({"issuer": "nonsense"}, 422, "issuer_insecure"),
        ({"key": "Has Blanks"}, 422, "invalid"),
        ({"link_by": "shoe size"}, 422, "invalid"),
        ({"create_roles": ["nobody"]}, 422, "role_unknown"),
        ({"key": "corp"}, 409, "provider_taken"),
        ({"more": 1}, 422, "invalid"),
    ],
    ids=str,
)
def test_a_provider_that_makes_no_sense_is_refused(
    admin: Api, values: dict[str, Any], status: int, code: str
) -> None:
    body = {"key": "other", "label": "其他", "issuer": "https://login.example", "client_id": "a"}
    given = {**body, "client_secret": "b", **values}
    assert admin.refused("POST", "/admin/identity-providers", status, json=given)["code"] == code


def test_the_clients_secret_is_never_shown(admin: Api) -> None:
    _change(admin, client_secret=CLIENT_SECRET)
    listed = admin.send("GET", "/api/v1/admin/identity-providers").text
    trail = admin.send("GET", "/api/v1/admin/audit?action=identity_provider.save").text
    assert CLIENT_SECRET not in listed + trail
    assert '"field":"client_secret","masked":true' in trail.replace(" ", "")


def test_only_full_administrators_say_whom_to_believe(gateway: Gateway, admin: Api) -> None:
    role = {"key": "clerk_of_roles", "label": "角色管理员", "permissions": ["admin.roles"]}
    admin.json("POST", "/roles", 201, json=role)
    body = {"username": "clerk", "password": PASSWORD, "name": "文员", "roles": ["clerk_of_roles"]}
    admin.json("POST", "/users", 201, json=body)
    clerk = gateway.api.sign_in("clerk", PASSWORD)
    refusal = clerk.refused("PATCH", "/admin/identity-providers/corp", 403, json={"label": "我的"})
    assert refusal["code"] == "permission_beyond"


def test_a_provider_that_is_away_is_said_to_be(gateway: Gateway, admin: Api) -> None:
    body = {"key": "away", "label": "不在", "issuer": "http://127.0.0.1:9", "client_id": "a"}
    admin.json("POST", "/admin/identity-providers", 201, json={**body, "client_secret": "b"})
    assert gateway.api.refused("GET", "/auth/sso/away", 503)["code"] == "provider_unavailable"
    admin.json("PATCH", "/admin/identity-providers/away", json={"active": False})
    gateway.api.refused("GET", "/auth/sso/away", 404)
