"""Tables that people import and export: csv as any Excel writes it, xlsx by way of a child process."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from services.common.errors import (
    CreditError,
    Invalid,
    MalformedRequest,
    PayloadTooLarge,
    Unavailable,
    invalid_field,
)

FILE_BYTES_MAX = 20 * 1024 * 1024
COLUMNS_MAX = 300
CELL_LENGTH_MAX = 10_000
_CHILD_SECONDS_MAX = 60
_CHILD_CPU_SECONDS_MAX = 30
_WRITE_SECONDS_MAX = 300
_CHILD_MEMORY_BYTES_MAX = 1024 * 1024 * 1024
_UNPACKED_BYTES_MAX = 300 * 1024 * 1024
_ZIP_MEMBERS_MAX = 2_000
_SHEETS_MAX = 20
_PIECE_BYTES = 256 * 1024
_RISKY = tuple("=+-@\t\r\n＝＋－＠")
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class SheetRow:
    """One row: the number of its line in the file (the header is line 1), and its cells by column name."""

    line: int
    cells: dict[str, str]


def read_table(data: bytes, *, rows_max: int) -> list[SheetRow]:
    """The rows of an uploaded csv or xlsx file, told apart by their bytes; blank rows are left out.

    Raises `PayloadTooLarge` for more than 20 MB, `Invalid` for more than `rows_max` rows, a missing or
    doubled column name and for macros, `MalformedRequest` for what is no table.
    """
    if len(data) > FILE_BYTES_MAX:
        raise PayloadTooLarge("文件不能超过 20 MB", code="file_too_large")
    if data.startswith(b"PK\x03\x04"):
        answer = _run_child("read", data, rows_max)
        return _rows(json.loads(answer), rows_max)
    return _rows(_csv_lines(_decoded(data)), rows_max)


def read_book(data: bytes, sheets: Sequence[str], *, rows_max: int) -> dict[str, list[SheetRow]]:
    """The rows of the named sheets of an uploaded xlsx file; a sheet that is not there has none.

    Raises what `read_table` raises; a refusal says in which sheet.
    """
    if len(data) > FILE_BYTES_MAX:
        raise PayloadTooLarge("文件不能超过 20 MB", code="file_too_large")
    if not data.startswith(b"PK\x03\x04"):
        raise MalformedRequest("无法识别的文件, 请上传 xlsx", code="table_unreadable")
    found = json.loads(_run_child("read-book", data, rows_max))
    book: dict[str, list[SheetRow]] = {}
    for name in sheets:
        lines = found.get(name) or []
        try:
            book[name] = _rows(lines, rows_max, may_be_empty=True) if any(map(any, lines)) else []
        except Invalid as refusal:
            detail = refusal.detail
            raise invalid_field(name, refusal.code, detail, f"工作表 {name}: {detail}") from refusal
    if not any(sheet in found for sheet in sheets):
        raise Invalid(f"文件中没有工作表 {'、'.join(sheets)}", code="sheets_missing")
    return book


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The table as csv in UTF-8 with a byte order mark (Excel needs it), piece by piece."""
    yield b"\xef\xbb\xbf"
    target = io.StringIO()
    writer = csv.writer(target)
    for row in _with(header, rows):
        writer.writerow([neutral(cell) for cell in row])
        yield target.getvalue().encode()
        target.seek(0)
        target.truncate()


def write_xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """The table as an xlsx workbook with one sheet; every cell is text."""
    return b"".join(stream_xlsx(header, rows))


def stream_xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The same piece by piece, once all rows are there; they lie on the disk meanwhile."""
    with tempfile.TemporaryFile() as lines, tempfile.TemporaryFile() as made:
        for row in _with(header, rows):
            lines.write(json.dumps([neutral(cell) for cell in row]).encode() + b"\n")
        lines.seek(0)
        command = [sys.executable, "-m", "services.common.sheets", "write", "0"]
        child = subprocess.Popen(command, stdin=lines, stdout=made, stderr=subprocess.DEVNULL)
        try:
            child.wait(_WRITE_SECONDS_MAX)
        except subprocess.TimeoutExpired as problem:
            raise Unavailable("导出超时, 请先筛选或改用 csv", code="table_timeout") from problem
        finally:
            child.kill()
        if child.returncode != 0:
            raise Unavailable("无法生成 xlsx 文件, 请改用 csv", code="table_unwritable")
        made.seek(0)
        yield from iter(lambda: made.read(_PIECE_BYTES), b"")


def neutral(cell: Any) -> str:
    """The cell's text, with an apostrophe before what a spreadsheet would take for a formula.

    Plain numbers stay; `read_table` takes the apostrophe off again.
    """
    text = "" if cell is None else str(cell)
    if text.startswith(_RISKY) and not _PLAIN_NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def _with(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    yield header
    yield from rows


def _decoded(data: bytes) -> str:
    return data.decode(encoding_of(io.BytesIO(data)))


def encoding_of(source: IO[bytes]) -> str:
    """How a text is written: UTF-16 or UTF-8, with a byte order mark or without, else GB 18030 (and GBK).

    `MalformedRequest` for what is no text. Reads to the end, piece by piece.
    """
    mark = source.read(2)
    for encoding in ("utf-16",) if mark in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        source.seek(0)
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            pieces = (decoder.decode(piece) for piece in iter(lambda: source.read(_PIECE_BYTES), b""))
            if not any("\x00" in piece for piece in pieces):
                decoder.decode(b"", True)
                return encoding
        except UnicodeDecodeError:
            continue
    raise MalformedRequest("无法识别的文件, 请上传 csv 或 xlsx", code="table_unreadable")


def _csv_lines(text: str) -> Iterator[list[str]]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    except csv.Error as problem:
        raise MalformedRequest(f"csv 文件格式不正确: {problem}", code="table_unreadable") from problem


def _rows(lines: Iterable[Sequence[str]], rows_max: int, *, may_be_empty: bool = False) -> list[SheetRow]:
    numbered = enumerate(lines, 1)
    header = checked_header(next(numbered, (1, []))[1])
    rows: list[SheetRow] = []
    for line, cells in numbered:
        if not any(cell.strip() for cell in cells):
            continue
        if len(rows) >= rows_max:
            raise Invalid(f"一次最多导入 {rows_max} 行", code="too_many_rows")
        if any(cell.strip() for cell in cells[len(header) :]):
            raise Invalid(f"第 {line} 行的单元格多于表头", code="row_too_wide")
        rows.append(SheetRow(line, dict(zip(header, (read_cell(cell) for cell in cells), strict=False))))
    if not rows and not may_be_empty:
        raise Invalid("文件中没有数据行", code="table_empty")
    return rows


def checked_header(cells: Sequence[str]) -> list[str]:
    """The column names of a first row; `Invalid` when one is missing or there twice."""
    header = [cell.strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    if not header or not all(header):
        raise Invalid("首行应为列名, 且不能有空列名", code="header_blank")
    if len(header) > COLUMNS_MAX:
        raise Invalid(f"最多 {COLUMNS_MAX} 列", code="too_many_columns")
    doubled = {name for name in header if header.count(name) > 1}
    if doubled:
        raise Invalid(f"列名重复: {'、'.join(sorted(doubled))}", code="header_doubled")
    return header


def read_cell(cell: str) -> str:
    """A cell as it was meant: without blanks around it and the apostrophe that `neutral` puts before it."""
    text = cell.strip()
    if text.startswith("'") and text[1:].startswith(_RISKY):
        text = text[1:]
    if len(text) > CELL_LENGTH_MAX:
        raise Invalid(f"单元格最多 {CELL_LENGTH_MAX} 个字符", code="cell_too_long")
    return text


def _run_child(task: str, data: bytes, rows_max: int) -> bytes:
    command = [sys.executable, "-m", "services.common.sheets", task, str(rows_max)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        try:
            answer, complaint = child.communicate(data, timeout=_CHILD_SECONDS_MAX)
        except subprocess.TimeoutExpired as problem:
            child.kill()
            raise Unavailable("处理表格超时, 请减小文件后重试", code="table_timeout") from problem
    if child.returncode == 0:
        return bytes(answer)
    known = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
    code, _, detail = known.partition("|")
    if child.returncode == _REFUSED and detail:
        raise Invalid(detail, code=code)
    raise MalformedRequest("无法读取该 xlsx 文件, 它可能已损坏或过大", code="table_unreadable")


_REFUSED = 3


def _child(task: str, rows_max: int) -> int:
    """What the child process does: xlsx bytes in and JSON out, or JSON lines in and xlsx bytes out."""
    seconds = _WRITE_SECONDS_MAX if task == "write" else _CHILD_CPU_SECONDS_MAX
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (_CHILD_MEMORY_BYTES_MAX, _CHILD_MEMORY_BYTES_MAX))
    if task == "write":
        _pack(map(json.loads, sys.stdin.buffer), sys.stdout.buffer)
        return 0
    try:
        answer = _unpack(sys.stdin.buffer.read(), rows_max, whole_book=task == "read-book")
    except CreditError as refusal:
        sys.stderr.write(f"{refusal.code}|{refusal.detail}\n")
        return _REFUSED
    sys.stdout.buffer.write(answer)
    return 0


def _unpack(data: bytes, rows_max: int, *, whole_book: bool) -> bytes:
    import openpyxl

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        check_archive(archive)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    if whole_book:
        sheets = book.worksheets[:_SHEETS_MAX]
        return json.dumps({sheet.title: _lines_of(sheet, rows_max) for sheet in sheets}).encode()
    return json.dumps(_lines_of(book.worksheets[0], rows_max)).encode()


def _lines_of(sheet: Any, rows_max: int) -> list[list[str]]:
    # One row more than allowed, for the refusal; blank rows between count as well, so twice as many.
    cells = sheet.iter_rows(max_row=2 * rows_max + 2, max_col=COLUMNS_MAX + 1, values_only=True)
    return [[shown(cell) for cell in line] for line in cells]


def check_archive(archive: zipfile.ZipFile) -> None:
    """`Invalid` for a workbook that unpacks too large or has macros."""
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if len(members) > _ZIP_MEMBERS_MAX or unpacked > _UNPACKED_BYTES_MAX:
        raise Invalid("该 xlsx 文件解压后过大", code="table_too_large")
    if any(member.filename.lower().endswith("vbaproject.bin") for member in members):
        raise Invalid("不接受带宏的工作簿, 请另存为 xlsx", code="table_macros")


def shown(cell: Any) -> str:
    """The text of a workbook's cell."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        text = f"{Decimal(repr(cell)):f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _pack(lines: Iterable[list[str]], target: IO[bytes]) -> None:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for line in lines:
        cells = []
        for text in line:
            cell = WriteOnlyCell(sheet, value=re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)[:32_767])
            # Never a formula, whatever it begins with.
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    book.save(target)


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1], int(sys.argv[2])))
