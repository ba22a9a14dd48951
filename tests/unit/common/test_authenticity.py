"""Each message is let in once, for as long as it could be sent again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from kombu import Message

from services.common.config import Settings
from services.common.errors import Unauthenticated
from services.common.keys import make_missing_keys
from services.common.messaging import authenticity
from services.common.messaging.authenticity import MessageSigner, MessageVerifier, ReplayedMessage, SharedKeys

_BODY = b"{}"


class Line:
    """The two ends of a line from a till to a book."""

    def __init__(self, settings: Settings) -> None:
        self.signer = MessageSigner(SharedKeys.load(settings, "till"))
        self.verifier = MessageVerifier(SharedKeys.load(settings, "book"))

    def message(self, identity: str, *, seconds: float = 10, again: bool = False) -> Any:
        """One that is good for so many seconds."""
        headers = self.signer.headers(
            "book", "add", reply_to="r", identity=identity, seconds=seconds, body=_BODY
        )
        return Message(
            _BODY,
            content_encoding="utf-8",
            headers=headers,
            properties={"reply_to": "r", "correlation_id": identity},
            delivery_info={"routing_key": "book.add", "redelivered": again},
        )


@pytest.fixture
def line(tmp_path: Path) -> Line:
    make_missing_keys(tmp_path / "keys", ["till", "book"])
    return Line(Settings(keys_dir=tmp_path / "keys"))


def test_both_ends_know_the_sender_and_the_message(line: Line) -> None:
    assert line.verifier.open(line.message("1")) == authenticity.Envelope("till", "1")


def test_only_the_broker_may_bring_a_message_again(line: Line) -> None:
    line.verifier.open(line.message("1"))
    with pytest.raises(ReplayedMessage):
        line.verifier.open(line.message("1"))
    assert line.verifier.open(line.message("1", again=True)).identity == "1"


@pytest.mark.parametrize("seconds", [-11, 700])
def test_a_message_is_good_for_no_longer_than_a_call_waits(line: Line, seconds: float) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        line.verifier.open(line.message("1", seconds=seconds))
    assert refusal.value.code == "message_expired"


def test_what_has_expired_is_not_remembered(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.time()]
    monkeypatch.setattr(time, "time", lambda: now[0])
    for number in range(100):
        line.verifier.open(line.message(str(number), seconds=number))
    now[0] += 70.5
    line.verifier.open(line.message("new"))
    # For the clocks' difference, each is remembered ten seconds longer.
    assert line.verifier.remembered == 100 - 61 + 1


def test_what_is_remembered_is_bounded(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authenticity, "_REMEMBERED_MAX", 10)
    for number in range(100):
        line.verifier.open(line.message(str(number), seconds=100 + number))
    assert line.verifier.remembered == 10
    with pytest.raises(ReplayedMessage):
        line.verifier.open(line.message("99", seconds=199))
