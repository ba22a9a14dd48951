"""Customers' files through the gateway's views: attachments and tables, with the service behind them."""

from __future__ import annotations

import csv
import io
import itertools
from contextlib import closing
from typing import Any

import openpyxl
import pytest
from flask import Flask, Response, request

from gateway.api import customer_files
from services.common.config import Settings
from services.common.errors import CreditError
from tests.integration.customer.conftest import SALES, Door

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"x" * 100_000
_codes = itertools.count(1)


class Desk:
    """What the views need of the gateway, for one salesperson."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.settings: Settings = door.settings
        self.caller = SALES
        self.idempotency_key: str | None = None
        self.audited: list[tuple[str, dict[str, Any]]] = []

    def audit(self, action: str, subject: str, detail: dict[str, Any]) -> None:
        self.audited.append((action, detail))

    def ask(self, service: str, method: str, received: dict[str, Any], timeout: float = 10) -> Any:
        return self.door.ask_service(service, method, received, key=self.idempotency_key)


@pytest.fixture
def desk(door: Door) -> Desk:
    return Desk(door)


def send(view: Any, desk: Desk, /, path: dict[str, str] | None = None, **environment: Any) -> Response:
    with Flask("test").test_request_context(**environment), closing(request.environ["wsgi.input"]):
        response: Response = view(desk, request, path or {})
        response.direct_passthrough = False
        response.get_data()
        return response


def post_file(
    view: Any, desk: Desk, content: bytes, name: str, path: dict[str, str] | None = None, **more: str
) -> Any:
    data = {"file": (io.BytesIO(content), name), **more}
    return send(view, desk, path, method="POST", data=data)


def refused(action: Any) -> CreditError:
    with pytest.raises(CreditError) as caught:
        action()
    return caught.value


def new_customer(desk: Desk, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = desk.door.ask("create_customer", code=f"F-{next(_codes)}", name="文件公司", **more)
    return made


def stored_files(desk: Desk) -> list[str]:
    folder = desk.settings.data_dir / "files"
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


def test_an_attachment_comes_back_byte_for_byte_to_be_saved_not_shown(desk: Desk) -> None:
    path = {"customer_id": new_customer(desk)["code"]}
    response = post_file(customer_files.upload, desk, PDF, "营业*执照.pdf", path)
    assert response.status_code == 201
    described = response.get_json()
    assert (described["name"], described["content_type"]) == ("营业_执照.pdf", "application/pdf")
    assert described["size_bytes"] == len(PDF)
    got = send(customer_files.download, desk, {**path, "attachment_id": described["id"]})
    assert got.get_data() == PDF
    assert got.headers["Content-Type"] == "application/pdf"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert "%E8%90%A5%E4%B8%9A" in got.headers["Content-Disposition"]


def test_an_upload_tried_again_with_its_key_is_one_attachment(desk: Desk) -> None:
    path = {"customer_id": new_customer(desk)["id"]}
    desk.idempotency_key = "upload-1"
    before = stored_files(desk)
    first, again = (post_file(customer_files.upload, desk, PDF, "a.pdf", path).get_json() for _ in range(2))
    assert first == again
    assert len(stored_files(desk)) == len(before) + 1
    assert refused(lambda: post_file(customer_files.upload, desk, PDF + b"x", "a.pdf", path)).status == 409
    assert len(stored_files(desk)) == len(before) + 1
    got = send(customer_files.download, desk, {**path, "attachment_id": first["id"]})
    assert got.get_data() == PDF


@pytest.mark.parametrize("content", [b"<html><script>alert(1)</script>", b"<svg onload='alert(1)'/>"])
def test_active_content_is_never_served_under_its_type(desk: Desk, content: bytes) -> None:
    path = {"customer_id": new_customer(desk)["id"]}
    described = post_file(customer_files.upload, desk, content, "image.png", path).get_json()
    got = send(customer_files.download, desk, {**path, "attachment_id": described["id"]})
    assert got.headers["Content-Type"] == "application/octet-stream"


def test_a_refused_upload_keeps_no_bytes(desk: Desk) -> None:
    before = stored_files(desk)
    path = {"customer_id": new_customer(desk)["id"]}
    attempts = {
        404: lambda: post_file(customer_files.upload, desk, PDF, "a.pdf", {"customer_id": "nobody"}),
        413: lambda: post_file(customer_files.upload, desk, b"x" * (20 * 1024 * 1024 + 1), "a", path),
        415: lambda: post_file(customer_files.upload, desk, b"MZ\x90\x00", "a.pdf", path),
        422: lambda: post_file(customer_files.upload, desk, b"", "a.pdf", path),
        400: lambda: send(
            customer_files.upload, desk, path, method="POST", data={"other": (io.BytesIO(b"x"), "a")}
        ),
    }
    for status, attempt in attempts.items():
        assert refused(attempt).status == status
    plain = {"method": "POST", "data": b"x", "content_type": "application/pdf"}
    assert refused(lambda: send(customer_files.upload, desk, path, **plain)).status == 415
    assert stored_files(desk) == before


def test_a_chinese_excel_table_is_imported_with_the_lines_of_its_faults(desk: Desk) -> None:
    table = (
        "客户编码,客户名称,行业,备注\r\nT-1,甲公司,制造业,=1+1\r\n\r\nT-2,,制造业,\r\nT-3,丙公司,魔法,\r\n"
    )
    answer = post_file(customer_files.import_table, desk, table.encode("gbk"), "客户.csv").get_json()
    assert [(result["row"], result["status"]) for result in answer["results"]] == [
        (2, "created"), (4, "error"), (5, "error"),
    ]  # fmt: skip
    tried = post_file(
        customer_files.import_table, desk, table.encode("gbk"), "客户.csv", dry_run="true"
    ).get_json()
    assert (tried["dry_run"], tried["created"], tried["failed"]) == (True, 0, 3)


def exported(desk: Desk, **arguments: str) -> Response:
    return send(customer_files.export_table, desk, query_string=arguments)


def test_an_export_holds_what_the_filters_find_and_can_be_imported_again(desk: Desk) -> None:
    contacts = [{"name": "张三", "phone": "+86 591"}]
    values = {"industry": "retail", "listed": True, "remark": "=cmd|' /C calc'!A0"}
    made = new_customer(desk, region="导出", contacts=[{**contacts[0], "phone": "+86 591 88"}], fields=values)
    response = exported(desk, region="导出")
    content = response.get_data()
    assert response.headers["Content-Disposition"].startswith('attachment; filename="customers.csv"')
    (line,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert (line["客户编码"], line["联系人"], line["上市公司"]) == (made["code"], "张三", "是")
    assert (line["备注"], line["联系电话"]) == ("'=cmd|' /C calc'!A0", "'+86 591 88")
    again = post_file(
        customer_files.import_table, desk, content, "customers.csv", update_existing="true"
    ).get_json()
    assert (again["unchanged"], again["failed"]) == (1, 0), again


def test_an_export_as_workbook_holds_the_same(desk: Desk) -> None:
    made = new_customer(desk, region="工作簿", fields={"remark": "=1+1"})
    content = exported(desk, region="工作簿", format="xlsx").get_data()
    told = {"filters": {"region": "工作簿"}, "format": "xlsx", "rows": 1}
    assert desk.audited == [("customer.export", told)]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    header, line = [[cell.value for cell in row] for row in sheet.iter_rows()]
    found = dict(zip(header, line, strict=True))
    assert (found["客户编码"], found["备注"]) == (made["code"], "'=1+1")


def test_an_unknown_export_format_or_filter_is_refused(desk: Desk) -> None:
    assert refused(lambda: exported(desk, format="pdf")).status == 422
    assert refused(lambda: exported(desk, colour="red")).status == 422
