"""Uploaded files: streamed to an fsspec folder, named by us, typed by their bytes and not by their name."""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, Protocol

import fsspec
import puremagic

from services.common.errors import Invalid, NotFound, PayloadTooLarge, Unavailable, UnsupportedMediaType
from services.common.ids import new_id

SIZE_MAX_BYTES = 20 * 1024 * 1024
NAME_LENGTH_MAX = 200
ANY_TYPE = "application/octet-stream"
_CHUNK_BYTES = 64 * 1024
_KEY = re.compile(r"[a-z]{1,30}/[0-9a-f]{2}/[0-9a-f]{32}")
_OFFICE = "application/vnd.openxmlformats-officedocument."
# A browser shows or saves these and runs none of them. Everything else is served as bytes without a type.
_SAFE_TYPES = frozenset(
    {
        "application/pdf",
        "application/zip",
        "application/x-rar-compressed",
        "application/x-7z-compressed",
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/tiff",
    }
)
_ZIP = b"PK\x03\x04"
_INSIDE_ZIP = (
    (b"word/", _OFFICE + "wordprocessingml.document"),
    (b"xl/", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/", _OFFICE + "presentationml.presentation"),
    (b"OFD.xml", "application/ofd"),
)
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")


class Readable(Protocol):
    """Anything that bytes can be read from, piece by piece."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


@dataclass(frozen=True)
class StoredFile:
    """A file that is safely kept: where, how long, what kind, and the hash of its content."""

    key: str
    size_bytes: int
    content_type: str
    sha256: str


class FileStorage:
    """A folder of files on whatever fsspec reaches (`./var/files`, `s3://bucket/folder`, …)."""

    def __init__(self, url: str, *, size_max_bytes: int = SIZE_MAX_BYTES) -> None:
        filesystem, root = fsspec.core.url_to_fs(url)
        self._filesystem: Any = filesystem
        self._root = str(root).rstrip("/")
        self._size_max_bytes = size_max_bytes

    def put(self, stream: Readable, *, area: str = "attachments", token: str | None = None) -> StoredFile:
        """Keep a stream's bytes; they are on the disk when this returns.

        The same bytes with the same `token` (a request that is tried again) are kept under the same key.
        Raises `PayloadTooLarge`, `Invalid` for an empty file, `UnsupportedMediaType` for a program,
        `Unavailable` when they cannot be written. Nothing stays behind then.
        """
        unique = new_id().hex
        partial = f"{self._root}/{area}/{unique}.part"
        try:
            self._filesystem.makedirs(f"{self._root}/{area}", exist_ok=True)
            with self._filesystem.open(partial, "wb") as target:
                size_bytes, sha256, head = self._copy(stream, target)
                _flush_to_disk(target)
            key = _key(area, unique if token is None else f"{token}\n{sha256}")
            path = self._path(key)
            self._filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._filesystem.mv(partial, path)
        except OSError as problem:
            self._forget(partial)
            raise Unavailable("文件暂时无法保存, 请稍后重试", code="storage_unavailable") from problem
        except BaseException:
            self._forget(partial)
            raise
        return StoredFile(key, size_bytes, content_type(head), sha256)

    def open(self, key: str) -> IO[bytes]:
        """The kept bytes, to be read and closed; `NotFound` when there are none under this key."""
        path = self._path(key)
        try:
            return self._filesystem.open(path, "rb")  # type: ignore[no-any-return]
        except FileNotFoundError as problem:
            raise NotFound("文件不存在", code="file_not_found") from problem
        except OSError as problem:
            raise Unavailable("文件暂时无法读取, 请稍后重试", code="storage_unavailable") from problem

    def chunks(self, key: str) -> Iterator[bytes]:
        """The kept bytes in pieces, as an HTTP answer wants them."""
        with self.open(key) as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk

    def delete(self, key: str) -> None:
        """Remove a file; one that is gone already is no error."""
        self._forget(self._path(key))

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise NotFound("文件不存在", code="file_not_found")
        return f"{self._root}/{key}"

    def _copy(self, stream: Readable, target: IO[bytes]) -> tuple[int, str, bytes]:
        digest = hashlib.sha256()
        size_bytes, head = 0, b""
        while chunk := stream.read(_CHUNK_BYTES):
            if not head:
                head = chunk
                _refuse_programs(head)
            size_bytes += len(chunk)
            if size_bytes > self._size_max_bytes:
                most = self._size_max_bytes // (1024 * 1024)
                raise PayloadTooLarge(f"文件不能超过 {most} MB", code="file_too_large")
            digest.update(chunk)
            target.write(chunk)
        if not size_bytes:
            raise Invalid("文件是空的", code="file_empty")
        return size_bytes, digest.hexdigest(), head

    def _forget(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._filesystem.rm_file(path)


def _key(area: str, seed: str) -> str:
    name = hashlib.sha256(seed.encode()).hexdigest()[:32]
    return f"{area}/{name[:2]}/{name}"


def content_type(head: bytes) -> str:
    """The media type that a file's first bytes show, if a browser runs nothing of that type.

    `text/plain` for UTF-8 text without markup, `application/octet-stream` for everything unknown, executable
    or active (HTML, SVG, scripts).
    """
    if head.startswith(_ZIP):
        return next((kind for mark, kind in _INSIDE_ZIP if mark in head), "application/zip")
    try:
        guesses = puremagic.magic_string(head[:8192])
    except (puremagic.PureError, ValueError):
        guesses = []
    text = _is_text(head)
    for guess in guesses:
        # Two or fewer bytes of magic (0.2: "BM" of a bitmap) do not outweigh readable text.
        if guess.mime_type in _SAFE_TYPES and (not text or guess.confidence > 0.2):
            return str(guess.mime_type)
    return "text/plain; charset=utf-8" if text else ANY_TYPE


def file_name(received: object) -> str:
    """A name that is safe to show and to offer for saving; never used as a path."""
    text = received if isinstance(received, str) else ""
    text = text.replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        "_" if unicodedata.category(sign)[0] == "C" or sign in '<>:"|?*' else sign for sign in text
    )
    kept = kept.strip(" .")
    if len(kept) > NAME_LENGTH_MAX:
        stem, dot, ending = kept.rpartition(".")
        room = NAME_LENGTH_MAX - len(dot + ending)
        kept = f"{stem[:room]}{dot}{ending}" if stem and room > 0 else kept[:NAME_LENGTH_MAX]
    return kept or "file"


def _is_text(head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return False
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        return False
    return all(unicodedata.category(sign) != "Cc" or sign in "\n\r\t" for sign in text)


def _refuse_programs(head: bytes) -> None:
    if head.startswith(_PROGRAMS):
        raise UnsupportedMediaType("不接受可执行程序", code="file_is_program")


def _flush_to_disk(target: IO[bytes]) -> None:
    target.flush()
    try:
        descriptor = target.fileno()
    except (AttributeError, OSError):
        # A remote store has no descriptor: it has the bytes when it is closed.
        return
    os.fsync(descriptor)
