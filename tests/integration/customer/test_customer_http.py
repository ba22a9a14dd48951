"""Customers over HTTP, through the real gateway."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from gateway.identity.seed import seed
from gateway.service import GatewayService
from services.common import keys
from services.common.caller import service_caller
from services.common.db import Database
from services.common.messaging import Runner, memory_transport
from services.customer.service import CustomerService
from tests.conftest import suite_settings
from tests.support.postgres import DatabaseServer

USCC = "91350100M000100Y43"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"x" * 1000


@dataclass
class Client:
    """A signed-in person."""

    url: str
    session: requests.Session

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=30, **options)

    def json(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        response = self.send(method, path, **options)
        assert response.status_code == status, response.text
        return response.json()

    def refused(self, method: str, path: str, status: int, **options: Any) -> dict[str, Any]:
        response = self.send(method, path, **options)
        assert response.status_code == status, response.text
        assert response.headers["Content-Type"].startswith("application/problem+json")
        problem: dict[str, Any] = response.json()
        assert problem["status"] == status
        assert any("\u4e00" <= sign <= "\u9fff" for sign in problem["detail"])
        return problem


@pytest.fixture(scope="module")
def client(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with database_server.databases(["customer", "gateway"]) as prefix:
        settings = suite_settings(database_server, prefix, tmp_path_factory.mktemp("http"))
        keys.make_missing_keys(settings.keys_dir)
        database = Database(settings.database("gateway"), GatewayService.metadata, name="gateway")
        with database.begin(service_caller("gateway")) as work:
            seed(work, settings)
        database.dispose()
        runner = Runner(settings, [CustomerService, GatewayService])
        runner.start()
        http = next(each for each in runner.container("gateway").dependencies if hasattr(each, "server"))
        url = f"http://127.0.0.1:{http.server.port}/api/v1"
        session = requests.Session()
        signed_in = {"username": settings.admin_username, "password": settings.admin_password}
        token = session.post(f"{url}/auth/login", json=signed_in, timeout=30).json()["access_token"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield Client(url, session)
        session.close()
        runner.stop()
        memory_transport.reset()


@pytest.fixture
def new(client: Client) -> Callable[..., dict[str, Any]]:
    def make(**values: Any) -> dict[str, Any]:
        made: dict[str, Any] = client.json("POST", "/customers", 201, json={"name": "公司", **values})
        return made

    return make


def test_a_customer_is_created_found_changed_and_deleted(client: Client) -> None:
    draft = {
        "code": "H/1", "name": "福州公司", "uscc": USCC, "region": "福建",
        "contacts": [{"name": "张三", "phone": "0591-8888"}], "fields": {"industry": "retail"},
    }  # fmt: skip
    made = client.json("POST", "/customers", 201, json=draft)
    assert client.json("GET", f"/customers/{made['id']}") == client.json("GET", "/customers/H%2F1")
    found = client.json(
        "GET", "/customers", params={"region": "福建", "sort": "-created_at", "page[size]": "1"}
    )
    assert [item["code"] for item in found["items"]] == ["H/1"]
    assert client.json("GET", "/customers", params={"q": "福州"})["items"][0]["id"] == made["id"]
    path = f"/customers/{made['id']}"
    changed = client.json("PATCH", path, json={"region": "浙江"}, headers={"If-Match": '"1"'})
    assert (changed["version"], changed["region"]) == (2, "浙江")
    assert client.refused("PATCH", path, 409, json={"region": "x", "version": 1})["current_version"] == 2
    assert client.refused("PATCH", path, 409, json={"region": "x"}, headers={"If-Match": '"1"'})
    history = client.json("GET", f"{path}/history")["items"]
    assert history[0]["changes"][0]["before"] == "福建"
    assert client.json("DELETE", path)["deleted"] is True
    client.refused("GET", path, 404)


def test_a_second_customer_with_the_code_is_refused_and_the_first_is_named(
    client: Client, new: Callable[..., dict[str, Any]]
) -> None:
    first = new(code="DUP")
    problem = client.refused("POST", "/customers", 409, json={"name": "又一家", "code": "DUP"})
    assert problem["existing"] == {"id": first["id"], "code": "DUP", "name": "公司"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"name": "x", "uscc": "91350100M000100Y44"}),
        (422, {"name": "x", "credit_limit": "1"}),
        (422, {"name": "x", "colour": "red"}),
        (422, {"name": "x", "fields": {"colour": "red"}}),
        (422, {"name": ""}),
        (422, {}),
        (422, {"name": "x", "group_id": "00000000-0000-0000-0000-000000000001"}),
        (400, []),
    ],
)
def test_bad_input_is_refused_with_its_fields_and_creates_nothing(
    client: Client, status: int, body: object
) -> None:
    before = len(client.json("GET", "/customers")["items"])
    problem = client.refused("POST", "/customers", status, json=body)
    assert status == 400 or problem["errors"][0]["field"]
    assert len(client.json("GET", "/customers")["items"]) == before


@pytest.mark.parametrize("name", ["credit_status", "credit_limit", "payment_term_days", "grade"])
def test_a_patch_of_a_copy_names_the_field(
    client: Client, new: Callable[..., dict[str, Any]], name: str
) -> None:
    problem = client.refused("PATCH", f"/customers/{new()['id']}", 422, json={name: "5"})
    assert [error["field"] for error in problem["errors"]] == [name]


@pytest.mark.parametrize("query", ["colour=red", "sort=colour", "page[size]=0", "page[after]=x", "filter=1"])
def test_a_list_refuses_what_it_does_not_know(client: Client, query: str) -> None:
    assert client.send("GET", f"/customers?{query}").status_code in (400, 422)


def test_the_same_key_creates_once_however_often_and_at_once(client: Client) -> None:
    answers: list[dict[str, Any]] = []

    def create() -> None:
        headers = {**client.session.headers, "Idempotency-Key": "create-1"}
        response = requests.post(
            f"{client.url}/customers", json={"name": "一次"}, headers=headers, timeout=30
        )
        answers.append(response.json())

    threads = [threading.Thread(target=create) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 5
    assert all(answer == answers[0] for answer in answers)
    other = {"json": {"name": "两次"}, "headers": {"Idempotency-Key": "create-1"}}
    client.refused("POST", "/customers", 409, **other)


def test_attachments_go_up_and_come_down(client: Client, new: Callable[..., dict[str, Any]]) -> None:
    path = f"/customers/{new()['id']}/attachments"
    made = client.json("POST", path, 201, files={"file": ("营业执照.pdf", PDF)})
    assert made["name"] == "营业执照.pdf"
    assert [item["id"] for item in client.json("GET", path)["items"]] == [made["id"]]
    got = client.send("GET", f"{path}/{made['id']}/content")
    assert got.content == PDF
    assert (got.headers["Content-Type"], got.headers["X-Content-Type-Options"]) == (
        "application/pdf",
        "nosniff",
    )
    assert client.json("DELETE", f"{path}/{made['id']}")["deleted"] is True
    client.refused("GET", f"{path}/{made['id']}/content", 404)
    client.refused("POST", path, 415, files={"file": ("a.pdf", b"MZ\x90\x00")})
    client.refused("POST", path, 413, files={"file": ("a.pdf", b"x" * (20 * 1024 * 1024 + 1))})
    client.refused("POST", path, 415, json={"file": "x"})


def test_tables_go_in_and_out(client: Client) -> None:
    table = "客户编码,客户名称,地区\r\nIM-1,甲,表格\r\nIM-2,,表格\r\n".encode("gbk")
    answer = client.json("POST", "/customers:import", files={"file": ("客户.csv", table)})
    assert (answer["created"], answer["failed"], answer["results"][1]["row"]) == (1, 1, 3)
    out = client.send("GET", "/customers:export", params={"format": "csv", "region": "表格"})
    assert out.content.decode("utf-8-sig").splitlines()[1].startswith("IM-1,甲")
    client.refused("GET", "/customers:export", 422, params={"format": "pdf"})


def test_groups_and_the_form_are_answered(client: Client, new: Callable[..., dict[str, Any]]) -> None:
    group = client.json("POST", "/customer-groups", 201, json={"code": "G1", "name": "集团"})
    client.refused("POST", "/customer-groups", 409, json={"code": "G1", "name": "集团"})
    made = new(group_id=group["id"])
    found = client.json("GET", "/customers", params={"group_id": group["id"]})["items"]
    assert [item["id"] for item in found] == [made["id"]]
    assert client.json("GET", "/forms/customer")["version"] == 1
    client.refused("GET", "/forms/customer?version=9", 404)


def test_nobody_gets_in_without_signing_in(client: Client) -> None:
    for path in ("/customers", "/customers:export", "/forms/customer"):
        assert requests.get(client.url + path, timeout=30).status_code == 401


def test_a_group_moves_below_another_but_never_below_itself(client: Client) -> None:
    def made(code: str, parent: str | None) -> str:
        body = {"code": code, "name": code, "parent_id": parent}
        return str(client.json("POST", "/customer-groups", 201, json=body)["id"])

    top = made("MOVE-1", None)
    below = made("MOVE-2", top)
    lowest = made("MOVE-3", below)
    moved = client.json("PATCH", f"/customer-groups/{lowest}", json={"parent_id": top, "name": "新名"})
    assert (moved["parent_id"], moved["name"], moved["code"]) == (top, "新名", "MOVE-3")
    assert client.json("PATCH", f"/customer-groups/{lowest}", json={"parent_id": below})["name"] == "新名"
    for parent in (top, below, lowest):
        problem = client.refused("PATCH", f"/customer-groups/{top}", 422, json={"parent_id": parent})
        assert problem["errors"][0]["code"] == "group_circle"
    nowhere = {"parent_id": "00000000-0000-0000-0000-000000000001"}
    assert client.refused("PATCH", f"/customer-groups/{below}", 422, json=nowhere)["code"] == "group_unknown"
    client.refused("PATCH", f"/customer-groups/{nowhere['parent_id']}", 404, json={"name": "x"})
    client.refused("PATCH", f"/customer-groups/{below}", 422, json={})
    assert client.json("PATCH", f"/customer-groups/{below}", json={"parent_id": None})["parent_id"] is None
