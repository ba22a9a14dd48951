"""An uploaded csv or xlsx as plain lines: read once, by a child process with limits, and never trusted again.

Each line of the result is a JSON list: the number of its line in the file, then its cells as text. So it can
be gone through from any byte on, with bounded memory.
"""

from __future__ import annotations

import csv
import io
import json
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any
from xml.parsers import expat

import orjson

from services.common import sheets
from services.common.errors import CreditError, Invalid, MalformedRequest, Unavailable

FILE_BYTES_MAX = 50 * 1024 * 1024
ROWS_MAX = 100_000
PREVIEW_ROWS = 20
_COPY_BYTES = 256 * 1024
_SECONDS_MAX = 60
_CPU_SECONDS_MAX = 40
_MEMORY_BYTES_MAX = 1536 * 1024 * 1024
_PROLOG_BYTES_MAX = 64 * 1024
_REFUSED = 3
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """What a file holds: its headings, its number of rows, and the first of them.

    `encoding` and `separator` say how a csv was read; both are empty of an xlsx.
    """

    headings: tuple[str, ...]
    rows: int
    preview: tuple[tuple[str, ...], ...]
    encoding: str = ""
    separator: str = ""


def read(source: IO[bytes], lines: IO[bytes]) -> Table:
    """Write the rows of a csv or xlsx to `lines`; blank rows are left out.

    `lines` is a real file, see the module. Raises `Invalid` for more than 100,000 rows, a missing or doubled
    heading, macros, a document type (entities) or a file that unpacks too large, `MalformedRequest` for what
    is no table.
    """
    with tempfile.TemporaryFile() as taken:
        while piece := source.read(_COPY_BYTES):
            taken.write(piece)
        taken.flush()
        taken.seek(0)
        complaint = _run_child(taken, lines)
    lines.seek(0)
    told = json.loads(complaint)
    return Table(
        tuple(told["headings"]),
        told["rows"],
        tuple(map(tuple, told["preview"])),
        told["encoding"],
        told["separator"],
    )


def _run_child(taken: IO[bytes], lines: IO[bytes]) -> str:
    command = [sys.executable, "-m", "services.common.imports.reading"]
    with subprocess.Popen(command, stdin=taken, stdout=lines, stderr=subprocess.PIPE) as child:
        try:
            complaint = child.communicate(timeout=_SECONDS_MAX)[1].decode("utf-8", "replace").strip()
        except subprocess.TimeoutExpired as problem:
            child.kill()
            raise Unavailable("处理表格超时, 请减小文件后重试", code="table_timeout") from problem
    last = complaint.rpartition("\n")[2]
    if child.returncode == 0:
        return last
    if child.returncode == _REFUSED:
        refusal = json.loads(last)
        kind = MalformedRequest if refusal["status"] == MalformedRequest.status else Invalid
        raise kind(refusal["detail"], code=refusal["code"])
    raise MalformedRequest("无法读取该文件, 它可能已损坏或过大", code="table_unreadable")


# --- in the child ----------------------------------------------------------------------------------------


def _child() -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS_MAX, _CPU_SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES_MAX, _MEMORY_BYTES_MAX))
    try:
        told = _read(sys.stdin.buffer, sys.stdout.buffer)
    except CreditError as refusal:
        told = {"status": refusal.status, "code": refusal.code, "detail": refusal.detail}
        sys.stderr.write(json.dumps(told) + "\n")
        return _REFUSED
    sys.stdout.buffer.flush()
    sys.stderr.write(json.dumps(told) + "\n")
    return 0


def _read(source: IO[bytes], lines: IO[bytes]) -> dict[str, Any]:
    head = source.read(4)
    source.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return {"encoding": "", "separator": "", **_written(_of_workbook(source), lines)}
    encoding = sheets.encoding_of(source)
    source.seek(0)
    text = io.TextIOWrapper(source, encoding=encoding, newline="")
    separator = _separator(text)
    try:
        told = _written(csv.reader(text, delimiter=separator, strict=True), lines)
    except csv.Error as problem:
        raise MalformedRequest(f"csv 文件格式不正确: {problem}", code="table_unreadable") from problem
    return {"encoding": encoding, "separator": separator, **told}


def _separator(text: io.TextIOWrapper) -> str:
    first = text.readline()
    text.seek(0)
    return max(_SEPARATORS, key=first.count)


def _written(found: Iterable[list[str]], lines: IO[bytes]) -> dict[str, Any]:
    numbered = enumerate(found, 1)
    headings = sheets.checked_header(next(numbered, (1, []))[1])
    rows, preview = 0, []
    for line, cells in numbered:
        if not any(cells) or not any(cell.strip() for cell in cells):
            continue
        rows += 1
        if rows > ROWS_MAX:
            raise Invalid(f"一次最多导入 {ROWS_MAX} 行", code="too_many_rows")
        if len(cells) > len(headings) and any(cell.strip() for cell in cells[len(headings) :]):
            raise Invalid(f"第 {line} 行的单元格多于表头", code="row_too_wide")
        read = [sheets.read_cell(cell) for cell in cells[: len(headings)]]
        read += [""] * (len(headings) - len(read))
        if rows <= PREVIEW_ROWS:
            preview.append(read)
        lines.write(orjson.dumps([line, *read], option=orjson.OPT_APPEND_NEWLINE))
    if not rows:
        raise Invalid("文件中没有数据行", code="table_empty")
    return {"headings": headings, "rows": rows, "preview": preview}


def _of_workbook(source: IO[bytes]) -> Iterator[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook, XmlError, ZipError

    with zipfile.ZipFile(source) as archive:
        sheets.check_archive(archive)
        _refuse_entities(archive)
    source.seek(0)
    try:
        book = CalamineWorkbook.from_filelike(source)
        sheet = book.get_sheet_by_index(0)
        left = [""] * (sheet.start[1] if sheet.start else 0)
        for cells in sheet.iter_rows():
            yield left + ["" if cell == "" else sheets.shown(cell) for cell in cells]
    except (CalamineError, XmlError, ZipError, OSError) as problem:
        raise MalformedRequest("无法读取该 xlsx 文件, 它可能已损坏", code="table_unreadable") from problem


class _Refused(Exception):
    """A part has a document type."""


class _Root(Exception):
    """The root element begins: there was no document type before it, and there can be none after it."""


def _refuse_entities(archive: zipfile.ZipFile) -> None:
    """`Invalid` for a part that declares a document type, in whatever encoding: no workbook needs one."""
    for member in archive.infolist():
        if not member.filename.lower().endswith((".xml", ".rels", ".vml")):
            continue
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = _stop
        with archive.open(member) as part, suppress(_Root):
            try:
                parser.Parse(part.read(_PROLOG_BYTES_MAX), False)
            except _Refused:
                detail = "不接受含有实体声明 (DTD) 的 xlsx 文件"
                raise Invalid(detail, code="table_entities") from None
            except expat.ExpatError as problem:
                raise MalformedRequest("无法读取该 xlsx 文件", code="table_unreadable") from problem
            raise MalformedRequest("无法读取该 xlsx 文件", code="table_unreadable")


def _refuse_doctype(*_: Any) -> None:
    raise _Refused


def _stop(*_: Any) -> None:
    raise _Root


if __name__ == "__main__":
    sys.exit(_child())
