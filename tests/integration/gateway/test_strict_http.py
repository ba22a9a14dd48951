"""Whatever a client sends, the gateway answers it with a clear refusal and lives on."""

from __future__ import annotations

import json
import socket

import pytest
import requests

from tests.integration.gateway.conftest import Api, Gateway, problem_of

JSON = {"Content-Type": "application/json"}


def _login(api: Api, body: bytes, **headers: str) -> requests.Response:
    return api.send("POST", "/api/v1/auth/login", data=body, headers={**JSON, **headers})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "json_malformed"),
        (b"[]", 400, "not_an_object"),
        (b'"text"', 400, "not_an_object"),
        (b'{"username": NaN}', 400, "json_not_a_number"),
        (b'{"a": 1, "a": 2}', 400, "json_duplicate_key"),
        (b'{"a": "\\u0000"}', 400, "json_nul"),
        (b'{"a": "\\ud800"}', 400, "json_lone_surrogate"),
        (b'{"a": "\xff"}', 400, "json_not_utf8"),
        (b"[" * 100_000, 400, "json_too_deep"),
        (b'{"a": 1e999999}', 400, "json_number"),
        (b"{" + b",".join(b'"%d":1' % number for number in range(100_001)) + b"}", 400, "json_too_many_keys"),
        (b"", 422, "invalid"),
        (b'{"username": 5, "password": {}}', 422, "invalid"),
        (b'{"username": "a", "password": "b", "extra": 1}', 422, "invalid"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_bodies_that_are_no_clear_json_are_refused(api: Api, body: bytes, status: int, code: str) -> None:
    response = _login(api, body)
    assert response.status_code == status, response.text
    assert problem_of(response)["code"] == code


def test_each_wrong_field_is_named(api: Api) -> None:
    problem = problem_of(_login(api, json.dumps({"username": 1, "colour": "red"}).encode()))
    assert {error["field"] for error in problem["errors"]} == {"username", "password", "colour"}


def test_other_kinds_of_content_are_refused(api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"):
        response = _login(api, b'{"username": "a", "password": "b"}', **{"Content-Type": kind})
        assert response.status_code == 415
        problem_of(response)


def test_a_body_that_declares_too_much_is_refused_before_it_is_read(gateway: Gateway) -> None:
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answer = gateway.raw(head + b"Content-Length: 99999999999\r\n\r\n{}")
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"Connection: close" in answer


def test_a_large_body_gets_its_answer(api: Api) -> None:
    response = _login(api, b'"' + b"x" * 30_000_000 + b'"')
    assert response.status_code == 413
    assert problem_of(response)["bytes_max"] == 10 * 1024 * 1024


def test_a_chunked_body_without_length_is_read_up_to_the_limit_only(api: Api) -> None:
    response = requests.post(
        f"{api.url}/api/v1/auth/login", data=(b"x" * 65_536 for _ in range(400)), headers=JSON, timeout=30
    )
    assert response.status_code == 413
    problem_of(response)


def test_a_small_chunked_body_is_read(api: Api) -> None:
    pieces = iter([b'{"username": "nobody",', b' "password": "nothing"}'])
    response = requests.post(f"{api.url}/api/v1/auth/login", data=pieces, headers=JSON, timeout=30)
    assert response.status_code == 401, response.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v1/auth/login HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        (
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 50\r\n\r\n{"
        ),
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /%ff%fe%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=range(12),
)
def test_bytes_that_are_no_http_end_only_their_own_connection(gateway: Gateway, request_bytes: bytes) -> None:
    answer = gateway.raw(request_bytes)
    assert b" 500 " not in answer.split(b"\r\n", 1)[0]
    assert requests.get(f"{gateway.api.url}/healthz", timeout=10).status_code == 200


def test_a_client_that_leaves_in_the_middle_ends_nothing(gateway: Gateway) -> None:
    for _ in range(20):
        connection = socket.create_connection(("127.0.0.1", gateway.port))
        connection.sendall(b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n{")
        # A reset instead of a polite end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        connection.close()
    assert requests.get(f"{gateway.api.url}/healthz", timeout=10).status_code == 200


def test_unknown_addresses_and_methods_are_told_apart(api: Api, admin: Api) -> None:
    admin.refused("GET", "/nothing-here", 404)
    response = admin.send("PUT", "/api/v1/auth/login", json={})
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    problem_of(response)


@pytest.mark.parametrize("path", ["/users/%00", "/users/a%0ab", "/users/%ff", "/users/" + "x" * 600])
def test_paths_that_can_name_nothing_are_not_found(admin: Api, path: str) -> None:
    admin.refused("GET", path, 404)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?username=%00", 400),
        ("?username=a&username=b", 400),
        ("?page[size]=abc", 422),
        ("?page[size]=0", 422),
        ("?page[size]=-1", 422),
        ("?page[size]=999999999999", 422),
        ("?page[after]=!!!", 400),
        ("?page[after]=AAAA", 400),
        ("?sort=password_hash", 422),
        ("?sort=username;drop table users", 422),
        ("?password_hash=x", 422),
        ("?active=perhaps", 422),
        ("?" + "&".join(f"a{number}=1" for number in range(200)), 400),
    ],
)
def test_list_parameters_that_mean_nothing_are_refused(admin: Api, query: str, status: int) -> None:
    admin.refused("GET", f"/users{query}", status)


@pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
def test_idempotency_keys_have_a_shape(admin: Api, key: str) -> None:
    refusal = admin.refused("POST", "/departments", 422, json={}, headers={"Idempotency-Key": key})
    assert refusal["code"] == "idempotency_key_invalid"


@pytest.mark.parametrize("tag", ["abc", '"x"', "-1", "1.5", "²"])
def test_if_match_is_a_version(admin: Api, tag: str) -> None:
    headers = {"If-Match": tag.encode("latin-1").decode("latin-1")}
    assert admin.refused("PATCH", "/users/admin", 400, json={}, headers=headers)["code"] == "if_match_invalid"


def test_an_if_match_that_contradicts_the_body_is_refused(admin: Api) -> None:
    admin.refused("PATCH", "/users/admin", 400, json={"version": 1}, headers={"If-Match": '"2"'})


def test_the_trace_id_of_the_client_is_kept_and_a_strange_one_is_replaced(api: Api) -> None:
    response = api.send("GET", "/api/v1/me", headers={"X-Request-Id": "order-42"})
    assert response.headers["X-Request-Id"] == problem_of(response)["trace_id"] == "order-42"
    response = api.send("GET", "/api/v1/me", headers={"X-Request-Id": "<script>"})
    assert response.headers["X-Request-Id"] == problem_of(response)["trace_id"] != "<script>"


def test_a_service_that_is_away_is_a_503_in_bounded_time(admin: Api) -> None:
    response = admin.send("GET", "/readyz")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    found = response.json()["services"]
    assert found["gateway"]["status"] == "ok"
    assert found["limits"]["status"] == "away"


def test_operators_see_what_is_there_while_services_are_away(admin: Api) -> None:
    answer = admin.json("GET", "/admin/system")
    assert [service["service"] for service in answer["services"]] == ["gateway"]
    assert "limits" in answer["away"]


def test_pages_for_people_and_machines(api: Api) -> None:
    first = api.send("GET", "/")
    assert "客户授信管理" in first.text
    described = api.json("GET", "/openapi.json")
    assert described["openapi"].startswith("3.1")
    assert "/api/v1/orders/{order_no}:amend" in described["paths"]
    docs = api.send("GET", "/api/docs").text
    assert "/api/v1/orders" in docs
    assert "src=" not in docs, "the page asks nobody else for anything"
    assert "@import" not in docs, "the page asks nobody else for anything"


def test_figures_are_for_those_who_may_see_the_system(api: Api, admin: Api) -> None:
    assert api.send("GET", "/metrics").status_code == 401
    assert "credit_http_seconds" in admin.send("GET", "/metrics").text
