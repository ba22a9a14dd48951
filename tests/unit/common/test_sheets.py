"""Tables from people's Excel, and tables for it."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import sheets
from services.common.errors import CreditError

TEXT = "客户编码,客户名称\nA-1,北京甲公司\n"


def rows(data: bytes, rows_max: int = 100) -> list[dict[str, str]]:
    return [row.cells for row in sheets.read_table(data, rows_max=rows_max)]


def refusal(data: bytes, rows_max: int = 100) -> str:
    with pytest.raises(CreditError) as refused:
        sheets.read_table(data, rows_max=rows_max)
    return refused.value.code


def workbook(lines: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for line in lines:
        sheet.append(line)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_csv_is_read_in_every_encoding_that_excel_writes(encoding: str) -> None:
    assert rows(TEXT.encode(encoding)) == [{"客户编码": "A-1", "客户名称": "北京甲公司"}]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_separator_and_line_ending_is_understood(separator: str, ending: str) -> None:
    text = TEXT.replace(",", separator).replace("\n", ending)
    assert rows(text.encode()) == [{"客户编码": "A-1", "客户名称": "北京甲公司"}]


def test_quotes_blank_rows_and_short_rows_are_read_right_with_their_lines() -> None:
    found = sheets.read_table(b'a,b,\n"x, ""y""\nz",2\n,,\n\n3\n', rows_max=10)
    assert [(row.line, row.cells) for row in found] == [(2, {"a": 'x, "y"\nz', "b": "2"}), (5, {"a": "3"})]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "header_blank"),
        (b"a,b\n", "table_empty"),
        (b"a,,b\n1,2,3\n", "header_blank"),
        (b"a,a\n1,2\n", "header_doubled"),
        (b"a\n1,2\n", "row_too_wide"),
        (b'a\n"x', "table_unreadable"),
        (b"a\n\x00", "table_unreadable"),
        (b"\xff\xff\xff", "table_unreadable"),
        (b"a\n" + b"1\n" * 101, "too_many_rows"),
        (b"a\n" + b"x" * 10_001, "cell_too_long"),
        (b"x" * (20 * 1024 * 1024 + 1), "file_too_large"),
        (b"PK\x03\x04 this is no zip", "table_unreadable"),
        (",".join(f"c{number}" for number in range(301)).encode() + b"\n1\n", "too_many_columns"),
    ],
)
def test_what_is_no_good_table_is_refused(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_workbook_is_read_as_people_see_it() -> None:
    data = workbook(
        [
            ["文本", "整数", "小数", "日期", "时间", "是否", "空"],
            ["甲", 12, 0.1, date(2028, 2, 29), datetime(2026, 3, 1, 8, 30), True, None],  # noqa: DTZ001
            [None] * 7,
            ["'=1+1", 1e15, 1e-7, None, None, False, "x"],
        ]
    )
    assert rows(data) == [
        {"文本": "甲", "整数": "12", "小数": "0.1", "日期": "2028-02-29", "时间": "2026-03-01T08:30:00",
         "是否": "true", "空": ""},
        {"文本": "=1+1", "整数": "1000000000000000", "小数": "0.0000001", "日期": "", "时间": "",
         "是否": "false", "空": "x"},
    ]  # fmt: skip


def test_a_workbook_with_macros_too_many_rows_or_a_bomb_inside_is_refused() -> None:
    plain = workbook([["a"], ["1"], ["2"]])
    assert refusal(plain, rows_max=1) == "too_many_rows"
    for name, content, code in (
        ("xl/vbaProject.bin", b"x", "table_macros"),
        ("xl/bomb.xml", b"0" * (301 * 1024 * 1024), "table_too_large"),
    ):
        target = io.BytesIO(plain)
        with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, content)
        assert refusal(target.getvalue()) == code


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\tx", "\rx", "＝1", "=cmd|' /C calc'!A0"]
)
def test_what_a_spreadsheet_would_run_is_written_as_text(text: str) -> None:
    assert sheets.neutral(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-12.50", "+5", "0", "甲公司", "a=b", ""])
def test_numbers_and_common_text_are_written_as_they_are(text: str) -> None:
    assert sheets.neutral(text) == text
    assert sheets.neutral(None) == ""


CELLS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12).map(str.strip)


@given(st.lists(st.lists(CELLS.filter(bool), min_size=2, max_size=2), min_size=1, max_size=5))
def test_an_exported_csv_is_imported_the_same(lines: list[list[str]]) -> None:
    lines = [[cell for cell in line if not cell.startswith("'")] or ["x"] for line in lines]
    data = b"".join(sheets.write_csv(["a", "b"], lines))
    assert rows(data) == [dict(zip("ab", line, strict=False)) for line in lines]


def test_an_exported_workbook_is_imported_the_same_and_holds_no_formula() -> None:
    lines = [["=1+1", "-12.50"], ["甲\x07", None]]
    data = sheets.write_xlsx(["a", "b"], lines)
    assert rows(data) == [{"a": "=1+1", "b": "-12.50"}, {"a": "甲", "b": ""}]
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert all(cell.data_type != "f" for line in book.worksheets[0].iter_rows() for cell in line)
