"""A small client of the public HTTP API, as an ERP connector or a script would write it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

BATCH_MAX = 1_000
_TIMEOUT_SECONDS = 120


class ApiRefused(Exception):
    """The API answered with a problem document."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        detail = problem.get("detail") or problem.get("title") or ""
        errors = problem.get("errors") or ""
        super().__init__(f"{method} {path}: {status} {problem.get('code', '')} {detail} {errors}".strip())
        self.status = status
        self.problem = dict(problem)


class Client:
    """One signed-in user of the API at `base_url` (without `/api/v1`)."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        # The suite stands on this machine or in this network: an outgoing proxy has no business here.
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    @property
    def base_url(self) -> str:
        """Where the suite answers."""
        return self._base

    def sign_in(self, username: str, password: str) -> Client:
        """A client of that user."""
        answer = self.post("/auth/login", {"username": username, "password": password})
        return Client(self._base, answer["access_token"])

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at a path below `/api/v1`."""
        return self._send("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Any:
        """What a POST answered; `ApiRefused` for every problem document."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._send("POST", path, json=dict(body or {}), headers=headers)

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """What a PATCH answered; `ApiRefused` for every problem document."""
        return self._send("PATCH", path, json=dict(body))

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make or replace."""
        return self._send("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        """Take away."""
        return self._send("DELETE", path)

    def upload(self, path: str, file: Path) -> Any:
        """What a POST of one file (multipart part `file`) answered; `ApiRefused` for problem documents."""
        with file.open("rb") as content:
            return self._send("POST", path, files={"file": (file.name, content)})

    def batch(self, path: str, items: Sequence[Mapping[str, Any]], *, key: str) -> list[dict[str, Any]]:
        """The results of a batch call, in the order sent; longer lists go in several calls."""
        results: list[dict[str, Any]] = []
        for start in range(0, len(items), BATCH_MAX):
            part = {"items": list(items[start : start + BATCH_MAX])}
            results += self.post(path, part, key=f"{key}:{start}")["results"]
        return results

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        after: str | None = None
        while True:
            query = {**parameters, "page[size]": 200, **({"page[after]": after} if after else {})}
            answer = self.get(path, **query)
            yield from answer["items"]
            after = answer.get("next")
            if not after:
                return

    def is_up(self) -> bool:
        """Whether the suite answers and all its services are ready."""
        try:
            return self._session.get(f"{self._base}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _send(self, method: str, path: str, **options: Any) -> Any:
        url = f"{self._base}/api/v1{path}"
        response = self._session.request(method, url, timeout=_TIMEOUT_SECONDS, **options)
        try:
            answer = response.json()
        except requests.JSONDecodeError:
            answer = {"detail": response.text[:500]}
        if response.status_code >= 400:
            raise ApiRefused(method, path, response.status_code, answer)
        return answer


def in_path(name: str) -> str:
    """A document number as one segment of a path (it may hold `/` and `:`)."""
    return quote(name, safe="")
