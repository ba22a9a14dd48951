"""A forgotten password: a link in a mail, good once, that tells nobody who has an account."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.audit.trail import Origin
from gateway.identity import operations, tokens
from gateway.notifications import sender
from gateway.notifications.store import list_mails
from gateway.sign_in import resets, sessions, store
from gateway.sign_in.sealing import Seal
from services.common.caller import service_caller
from services.common.clock import FixedClock
from services.common.db import Database
from services.common.errors import CreditError, TooManyRequests
from tests.integration.gateway.conftest import Api, Begin, Gateway
from tests.support.smtp_sink import SmtpSink
from tests.support.wait import wait_until

HERE = Origin("10.0.0.1", "test", "trace")
SEAL = Seal("a secret of the installation")
OLD, NEW = "a long enough password", "another long password"
URL = "https://credit.example"


@pytest.fixture
def user(begin: Begin) -> dict[str, Any]:
    with begin() as work:
        person = {"username": "Li", "name": "李", "email": "li@example.com", "department": None, "roles": []}
        return operations.create_user(work, person, tokens.hash_password(OLD))


def _ask(begin: Begin, name: str) -> None:
    with begin() as work:
        resets.ask(work, name, HERE)


def _answer(database: Database) -> int:
    return resets.answer_requests(database, URL, SEAL, service_caller("gateway"))


def _token(database: Database, sink: SmtpSink, name: str, begin: Begin) -> str:
    """The token of the mail that somebody gets who asks."""
    before = len(sink.messages())
    _ask(begin, name)
    assert _answer(database) == 1
    assert sender.send_waiting(database, sink.url, SEAL) == 1
    wait_until(lambda: len(sink.messages()) > before, 10, what="the mail")
    found = re.search(rf"{URL}/#/reset-password/(\S+)", str(sink.messages()[-1].get_content()))
    assert found
    return found[1]


def _refusal(begin: Begin, token: str) -> str:
    with pytest.raises(CreditError) as caught, begin() as work:
        resets.reset(work, token, "hash")
    return caught.value.code


@pytest.mark.parametrize("name", ["li", "LI@example.com"])
def test_the_link_sets_a_password_once_and_ends_all_sessions(
    database: Database, begin: Begin, user: dict[str, Any], smtp_sink: SmtpSink, name: str
) -> None:
    with begin() as work:
        sessions.begin(work, user, HERE, "password", second_factor=False)
    token = _token(database, smtp_sink, name, begin)
    with begin() as work:
        resets.reset(work, token, tokens.hash_password(NEW))
    with begin() as work:
        kept = operations.get_user(work, "li") and store.people_named(work, "li")[0]["password_hash"]
        assert store.live_sessions(work, user["id"]) == []
    assert tokens.verify_password(kept, NEW)
    assert _refusal(begin, token) == "reset_token_invalid"


def test_the_token_lies_nowhere_as_text(
    database: Database, begin: Begin, user: dict[str, Any], smtp_sink: SmtpSink
) -> None:
    token = _token(database, smtp_sink, "li", begin)
    with database.engine.connect() as connection:
        for table in ("mails", "password_resets", "audit", "reset_requests"):
            rows = connection.execute(text(f"SELECT * FROM {table}")).all()
            assert token not in str(rows)
        assert connection.execute(text("SELECT sealed FROM mails")).scalar() is None, "sent: kept no longer"
    with begin() as work:
        assert "sealed" not in list_mails(work, {"where": {}})["items"][0]


def test_a_link_is_late_after_half_an_hour_and_a_newer_one_ends_it(
    database: Database, begin: Begin, user: dict[str, Any], smtp_sink: SmtpSink, clock: FixedClock
) -> None:
    first = _token(database, smtp_sink, "li", begin)
    second = _token(database, smtp_sink, "li", begin)
    assert _refusal(begin, first) == "reset_token_invalid"
    clock.advance(resets.VALID + timedelta(seconds=1))
    assert _refusal(begin, second) == "reset_token_invalid"


def test_asking_is_alike_for_everybody_and_writes_to_nobody_else(
    database: Database, begin: Begin, user: dict[str, Any]
) -> None:
    with begin() as work:
        nobody = {"username": "mute", "name": "无", "email": None, "department": None, "roles": []}
        operations.create_user(work, nobody, None)
        operations.change_user(work, "mute", {"active": False}, None)
    for name in ("nobody", "mute", "nobody@example.com"):
        _ask(begin, name)
    assert _answer(database) == 0
    _ask(begin, "li")
    assert _answer(database) == 1
    assert _answer(database) == 0, "each asking is answered once"


def test_asking_for_one_account_again_and_again_must_wait(
    database: Database, begin: Begin, user: dict[str, Any]
) -> None:
    for name in ("li", "nobody"):
        for _ in range(4):
            _ask(begin, name)
        with pytest.raises(TooManyRequests):
            _ask(begin, name)


def test_another_secret_opens_no_mail(
    database: Database, begin: Begin, user: dict[str, Any], smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    _ask(begin, "li")
    _answer(database)
    assert sender.send_waiting(database, smtp_sink.url, Seal("another secret")) == 0
    with begin() as work:
        (mail,) = list_mails(work, {"where": {}})["items"]
    assert mail["state"] == "failed"


def test_the_doors_take_what_they_should(gateway: Gateway, api: Api, admin: Api) -> None:
    body = {"username": "forgetful", "password": OLD, "name": "忘", "email": "f@example.com"}
    admin.json("POST", "/users", 201, json=body)
    for name in ("forgetful", "nobody-at-all"):
        assert api.json("POST", "/auth/password:forgot", 202, json={"username": name}) == {}
    for wrong in ({}, {"username": ""}, {"username": "x" * 300}, {"username": "a", "more": 1}):
        api.refused("POST", "/auth/password:forgot", 422, json=wrong)
    for wrong in ({}, {"token": "x"}, {"token": "x" * 600, "password": NEW}):
        api.refused("POST", "/auth/password:reset", 422, json=wrong)
    refusal = api.refused("POST", "/auth/password:reset", 422, json={"token": "nonsense", "password": NEW})
    assert refusal["code"] == "reset_token_invalid"
    assert "access_token" in api.json("POST", "/auth/login", json={"username": "forgetful", "password": OLD})
