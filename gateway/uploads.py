"""Files that come with a request: one, in the form field `file`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request
from werkzeug.datastructures import FileStorage as UploadedFile
from werkzeug.exceptions import RequestEntityTooLarge

from services.common import sheets, storage
from services.common.errors import MalformedRequest, PayloadTooLarge, UnsupportedMediaType

# What a multipart body has beside its file.
_AROUND_BYTES_MAX = 64 * 1024


@contextmanager
def uploaded_file(request: Request, *, bytes_max: int = storage.SIZE_MAX_BYTES) -> Iterator[UploadedFile]:
    """The file of a multipart request, within the block; refused when it is missing or too large."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType("请以 multipart/form-data 上传文件 (字段名 file)", code="not_multipart")
    request.max_content_length = bytes_max + _AROUND_BYTES_MAX
    try:
        uploaded = request.files.get("file")
        if uploaded is None:
            raise MalformedRequest("缺少上传的文件 (字段名 file)", code="file_missing")
        yield uploaded
    except RequestEntityTooLarge as problem:
        most = bytes_max // (1024 * 1024)
        raise PayloadTooLarge(f"文件不能超过 {most} MB", code="file_too_large") from problem
    finally:
        request.close()


def uploaded_table(request: Request, rows_max: int) -> list[sheets.SheetRow]:
    """The rows of an uploaded csv or xlsx file."""
    with uploaded_file(request) as uploaded:
        content = uploaded.stream.read(sheets.FILE_BYTES_MAX + 1)
    return sheets.read_table(content, rows_max=rows_max)
