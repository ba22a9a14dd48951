"""Whoever watches hears at once what waits for them, and no longer than they are signed in."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any

import requests

from credit.demo.client import Client
from tests.journeys.conftest import PASSWORD, Company

# What is revoked is gone within two seconds, also from a stream that was open before.
_SIGNED_OUT_SECONDS_MAX = 2.0


def _open(company: Company, token: str, **headers: str) -> requests.Response:
    return requests.get(
        f"{company.suite.url}/api/v1/events/stream",
        headers={"Authorization": f"Bearer {token}", **headers},
        stream=True,
        timeout=20,
    )


def _sign_in(company: Company, username: str) -> str:
    client = company.suite.client()
    answer = client.post("/auth/login", {"username": username, "password": PASSWORD})
    return str(answer["access_token"])


def _events(response: requests.Response) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """`(id, event, data)` of each event; comments are passed over."""
    found: dict[str, str] = {}
    for line in response.iter_lines(chunk_size=1, decode_unicode=True):
        if line:
            name, _, value = line.partition(": ")
            found[name] = value
        elif "event" in found:
            yield found.get("id", ""), found["event"], json.loads(found["data"])
            found = {}


def _next(events: Iterator[tuple[str, str, dict[str, Any]]], kind: str) -> tuple[str, dict[str, Any]]:
    return next((identity, data) for identity, event, data in events if event == kind)


def _submit(company: Company, sam: Client, code: str) -> None:
    customer = sam.post("/customers", {"code": code, "name": f"客户 {code}", "salesperson": "sam"})
    asked = {"customer_id": customer["id"], "amount": "1000.00", "currency": "CNY", "term_days": 30}
    application = sam.post("/applications", asked)
    sam.post(f"/applications/{application['id']}:submit")
    company.settle()


def test_a_new_task_reaches_who_watches_and_nobody_else(company: Company) -> None:
    token = _sign_in(company, "mia")
    with closing(_open(company, token)) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        events = _events(response)
        first = {event: data for _, event, data in islice(events, 2)}
        before = first["tasks"]["open"]
        unread = first["notifications"]["unread"]
        with closing(_open(company, _sign_in(company, "carl"))) as other:
            of_carl = _events(other)
            carl_before = _next(of_carl, "tasks")[1]["open"]
            _submit(company, company.sam, "LIVE-1")
            told: dict[str, dict[str, Any]] = {}
            identity = ""
            while told.get("tasks", {}).get("open") != before + 1 or (
                told.get("notifications", {}).get("unread") != unread + 1
            ):
                identity, event, data = next(events)
                told[event] = data
            # Carl has no new task; what he is told first of tasks is what he had.
            assert company.carl.get("/tasks", state="open")["items"] == []
            assert carl_before == 0
    # Whoever comes back with the last id is told nothing twice, but the next change.
    with closing(_open(company, token, **{"Last-Event-ID": identity})) as response:
        events = _events(response)
        _submit(company, company.sam, "LIVE-2")
        assert _next(events, "tasks")[1]["open"] == before + 2
        for task in company.tasks("mia"):
            company.mia.post(f"/tasks/{task['id']}:approve", {"opinion": "同意"})
        while data["open"] != 0:
            data = _next(events, "tasks")[1]


def test_a_stream_ends_with_its_session_and_a_user_has_a_bounded_number(company: Company) -> None:
    token = _sign_in(company, "rita")
    streams = [_open(company, token) for _ in range(6)]
    try:
        assert [each.status_code for each in streams] == [200] * 6
        refused = _open(company, token)
        assert refused.status_code == 429
        assert refused.json()["type"].endswith("too_many_streams")
        events = _events(streams[0])
        _next(events, "tasks")
        requests.post(
            f"{company.suite.url}/api/v1/auth/logout",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        ).raise_for_status()
        began = time.monotonic()
        assert _next(events, "signed-out")[1] == {}
        assert time.monotonic() - began < _SIGNED_OUT_SECONDS_MAX
    finally:
        for each in streams:
            each.close()
    nobody = requests.get(f"{company.suite.url}/api/v1/events/stream", timeout=20)
    assert nobody.status_code == 401


def test_a_browser_watches_with_its_cookie(company: Company) -> None:
    with requests.Session() as browser:
        signed_in = browser.post(
            f"{company.suite.url}/api/v1/auth/login",
            json={"username": "rita", "password": PASSWORD},
            headers={"X-Session": "cookie"},
            timeout=20,
        )
        assert signed_in.status_code == 200, signed_in.text
        stream = browser.get(f"{company.suite.url}/api/v1/events/stream", stream=True, timeout=20)
        with closing(stream):
            assert "open" in _next(_events(stream), "tasks")[1]
