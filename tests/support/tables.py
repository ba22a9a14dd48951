"""Bringing tables in through the API, as the web app does."""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import requests

from credit.demo.client import ApiRefused, Client
from tests.support.wait import wait_until

_SETTLE_SECONDS_MAX = 60


def workbook_of(rows: list[list[Any]]) -> bytes:
    """The rows as an xlsx."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def csv_of(rows: list[list[str]]) -> bytes:
    """The rows as csv."""
    target = io.StringIO()
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()


def tampered(book: bytes, part: str, content: bytes) -> bytes:
    """A workbook with this in the place of one of its parts."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for member in old.infolist():
            if member.filename != part:
                new.writestr(member.filename, old.read(member))
        new.writestr(part, content)
    return target.getvalue()


def sign_in(client: Client, username: str, password: str, form: str) -> Tables:
    """Imports into a form as this person."""
    token = client.post("/auth/login", {"username": username, "password": password})["access_token"]
    return Tables(Client(client.base_url, token), token, form)


@dataclass
class Tables:
    """Imports into one form, as one person."""

    client: Client
    token: str
    form: str
    # Where files lie.
    folder: Path = Path()

    def path(self, made: dict[str, Any]) -> str:
        """Where an import is."""
        return f"/forms/{self.form}/imports/{made['id']}"

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        """The answer as it comes."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.client.base_url}/api/v1{path}"
        return requests.request(method, url, headers=headers, timeout=120, **options)

    def upload(self, name: str, content: bytes) -> Any:
        """A new import; `ApiRefused` when it is refused."""
        files = {"file": (name, content)}
        response = self.send("POST", f"/forms/{self.form}/imports", files=files)
        if response.status_code != 201:
            raise ApiRefused("POST", response.url, response.status_code, response.json())
        return response.json()

    def download(self, path: str) -> bytes:
        """A file."""
        response = self.send("GET", path)
        assert response.status_code == 200, response.text
        return response.content

    def rows(self, path: str) -> list[list[str]]:
        """The lines of a csv."""
        return list(csv.reader(io.StringIO(self.download(path).decode("utf-8-sig"))))

    def settled(self, made: dict[str, Any], state: str) -> Any:
        """The import once it has ended as it should."""
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.client.get(self.path(made)))
            return found["state"] not in ("checking", "running")

        wait_until(has_ended, _SETTLE_SECONDS_MAX, what="the import")
        assert found["state"] == state, found
        return found
