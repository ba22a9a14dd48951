"""Uploaded files, on a real folder."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from services.common import storage
from services.common.errors import CreditError, Invalid, NotFound, PayloadTooLarge, UnsupportedMediaType

OFFICE = "application/vnd.openxmlformats-officedocument."
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"


@pytest.fixture
def files(tmp_path: Path) -> storage.FileStorage:
    return storage.FileStorage(str(tmp_path / "files"), size_max_bytes=1024 * 1024)


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_kept_whole_under_a_name_of_ours(files: storage.FileStorage, tmp_path: Path) -> None:
    content = PDF + b"x" * 200_000
    stored = files.put(io.BytesIO(content))
    assert stored.size_bytes == len(content)
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.content_type == "application/pdf"
    assert b"".join(files.chunks(stored.key)) == content
    assert kept(tmp_path) == [tmp_path / "files" / stored.key]


def test_the_same_bytes_with_the_same_token_are_one_file(files: storage.FileStorage, tmp_path: Path) -> None:
    keys = [files.put(io.BytesIO(PDF), token="user:1 key-1").key for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(kept(tmp_path)) == 1
    others = {
        files.put(io.BytesIO(PDF)).key,
        files.put(io.BytesIO(PDF)).key,
        files.put(io.BytesIO(PDF), token="user:2 key-1").key,
        files.put(io.BytesIO(PDF + b"x"), token="user:1 key-1").key,
    }
    assert len(others | set(keys)) == 5


def test_a_deleted_file_is_gone_and_may_be_deleted_again(files: storage.FileStorage) -> None:
    stored = files.put(io.BytesIO(PDF))
    files.delete(stored.key)
    files.delete(stored.key)
    with pytest.raises(NotFound):
        files.open(stored.key)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"x" * (1024 * 1024 + 1), PayloadTooLarge),
        (b"", Invalid),
        (b"MZ\x90\x00" + b"\0" * 100, UnsupportedMediaType),
        (b"\x7fELF\x02\x01\x01", UnsupportedMediaType),
        (b"#!/bin/sh\nrm -rf /", UnsupportedMediaType),
    ],
)
def test_a_refused_file_leaves_nothing_behind(
    files: storage.FileStorage, tmp_path: Path, content: bytes, problem: type[CreditError]
) -> None:
    with pytest.raises(problem):
        files.put(io.BytesIO(content))
    assert kept(tmp_path) == []


def test_a_stream_that_breaks_leaves_nothing_behind(files: storage.FileStorage, tmp_path: Path) -> None:
    class Broken:
        sent = False

        def read(self, size: int = -1, /) -> bytes:
            if self.sent:
                raise ConnectionResetError("the sender is gone")
            self.sent = True
            return PDF

    with pytest.raises(CreditError):
        files.put(Broken())
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "/etc/passwd", "attachments/ab/../x", "", "attachments/zz/" + "0" * 32]
)
def test_a_key_that_is_not_ours_finds_nothing(files: storage.FileStorage, key: str) -> None:
    with pytest.raises(NotFound):
        files.open(key)


def office(member: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(member, "<x/>")
    return target.getvalue()


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PDF, "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (office("word/document.xml"), OFFICE + "wordprocessingml.document"),
        (office("xl/workbook.xml"), OFFICE + "spreadsheetml.sheet"),
        (office("OFD.xml"), "application/ofd"),
        (office("x.txt"), "application/zip"),
        ("客户,金额\nBMW,1\n".encode(), "text/plain; charset=utf-8"),
        (b"BMW,1\n", "text/plain; charset=utf-8"),
        (b"<!DOCTYPE html><script>alert(1)</script>", storage.ANY_TYPE),
        (b" \n<svg xmlns='http://www.w3.org/2000/svg'/>", storage.ANY_TYPE),
        (b"<?xml version='1.0'?><x/>", storage.ANY_TYPE),
        (b"\x00\x01\x02\x03", storage.ANY_TYPE),
    ],
)  # fmt: skip
def test_the_type_comes_from_the_bytes_and_is_never_one_that_runs(head: bytes, kind: str) -> None:
    assert storage.content_type(head) == kind


@pytest.mark.parametrize(
    ("received", "name"),
    [
        ("合同.pdf", "合同.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\a.pdf", "a.pdf"),
        ('a"\r\nb.pdf', "a___b.pdf"),
        ("\u202efdp.exe", "_fdp.exe"),
        ("", "file"),
        (None, "file"),
        ("...", "file"),
    ],
)
def test_a_name_is_made_safe_to_show(received: object, name: str) -> None:
    assert storage.file_name(received) == name


def test_a_long_name_keeps_its_ending() -> None:
    assert storage.file_name("长" * 300 + ".pdf") == "长" * 196 + ".pdf"
