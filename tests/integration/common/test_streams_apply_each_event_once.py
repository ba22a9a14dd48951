"""Readers apply each event once and in order; what fails is set aside alone; a restored source is noticed."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import delete, text, update

from services.common import events, positions
from services.common.config import Settings
from services.common.events import event_from_envelope
from services.common.messaging import wire
from services.common.positions import StreamStopped, apply_batch
from tests.support.toys import CALLER, Book, Till, Toys, lines, running
from tests.support.wait import wait_until


def _take(toys: Toys, customer: str, amount: str) -> None:
    toys.ask("till", "take", {"customer": customer, "amount": amount})


def test_a_batch_delivered_twice_and_out_of_order_has_one_effect(toys: Toys) -> None:
    for amount in ("1", "2", "4"):
        _take(toys, "a", amount)
    toys.ask("book", "settle")
    till, book = toys.ground("till"), toys.ground("book")
    with till.database.read(CALLER) as work:
        told = events.read_batch(work, "till", 0, 10).events
    log = [event_from_envelope(wire.loads(each.envelope)) for each in told]
    assert [event.sequence for event in log] == [1, 2, 3]
    handlers = Book.subscriptions["till"]
    for batch in ([log[2]], [log[0], log[1]], log):
        assert apply_batch(book.database, "book", "till", handlers, batch, batch[0].sequence - 1) == 0
    assert toys.totals() == {"a": "7"}


def test_a_reader_whose_position_another_process_has_reset_reads_again_from_there(toys: Toys) -> None:
    _take(toys, "a", "1")
    toys.ask("book", "settle")
    book = toys.ground("book")
    with book.database.begin(CALLER) as work:
        positions.read_again(work, Book.projections, ["till"])
    _take(toys, "a", "2")
    toys.ask("book", "settle")
    assert toys.totals() == {"a": "3"}


def test_sequences_are_gapless_although_transactions_roll_back(toys: Toys) -> None:
    for amount in ("1", "-1", "2", "-1", "3"):
        if amount == "-1":
            with pytest.raises(Exception, match="金额不能为负"):
                _take(toys, "a", amount)
        else:
            _take(toys, "a", amount)
    answer = toys.ask("till", "events_after", {"after": 0})
    assert [event["sequence"] for event in answer["events"]] == [1, 2, 3]
    assert not answer["more"]


def test_a_large_transaction_is_numbered_to_its_end_before_the_log_is_read(toys: Toys) -> None:
    with toys.ground("till").database.begin(CALLER) as work:
        for number in range(5_001):
            work.add_event("taken", subject=str(number), data={"customer": "a", "amount": "1"})
    asked = {"after": 5_000, "last_event_id": None, "fresh": False}
    (last,) = toys.ask("till", "events_after", asked)["events"]
    assert (last["sequence"], last["subject"]) == (5_001, "5000")


def test_what_was_told_while_the_reader_was_down_is_read_at_its_start(toys_settings: Settings) -> None:
    with running(toys_settings, Till) as till:
        till.ask("till", "take", {"customer": "a", "amount": "5"})
    with running(toys_settings) as both:
        wait_until(lambda: both.totals() == {"a": "5"}, what="the missed event")


def test_a_poison_event_is_parked_with_its_followers_and_others_flow(toys: Toys) -> None:
    poisoned, healthy = "018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b"
    with toys.ground("till").database.begin(CALLER) as work:
        work.add_event("taken", subject=poisoned, data={"customer": poisoned, "amount": "poison"})
    _take(toys, poisoned, "3")
    _take(toys, healthy, "4")
    wait_until(lambda: toys.totals() == {healthy: "4"}, what="the healthy customer")
    parked = toys.ask("book", "list_parked")["items"]
    assert [item["ordering_key"] for item in parked] == [poisoned, poisoned]

    repaired = {"customer": poisoned, "amount": "2"}
    toys.ask("book", "edit_parked", {"identity": parked[0]["identity"], "data": repaired})
    replay = {"source": "till", "ordering_key": poisoned}
    assert toys.ask("book", "replay_parked", replay) == {"replayed": 2}
    assert toys.totals() == {healthy: "4", poisoned: "5"}
    assert toys.ask("book", "list_parked")["items"] == []


def test_a_replay_that_fails_again_leaves_everything_parked(toys: Toys) -> None:
    poisoned = "018f0000-0000-7000-8000-00000000000a"
    with toys.ground("till").database.begin(CALLER) as work:
        work.add_event("taken", subject=poisoned, data={"customer": poisoned, "amount": "poison"})
    _take(toys, poisoned, "3")
    toys.ask("book", "settle")
    with pytest.raises(Exception, match="服务内部错误"):
        toys.ask("book", "replay_parked", {"source": "till", "ordering_key": poisoned})
    assert len(toys.ask("book", "list_parked")["items"]) == 2
    assert toys.totals() == {}


def test_an_event_that_concerns_everybody_stops_the_stream_loudly(
    toys: Toys, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        with toys.ground("till").database.begin(CALLER) as work:
            work.add_event("taken", subject="rule-set", data={"customer": "x", "amount": "poison"})
        wait_until(lambda: toys.ask("book", "ping")["stopped_streams"] == ["till"], what="the stop")
    assert "ALARM" in caplog.text
    _take(toys, "a", "1")
    assert toys.ask("book", "settle")["stopped"] == ["till"]
    assert toys.totals() == {}


def test_a_source_restored_from_a_backup_is_an_alarm_and_a_rebuild_heals_it(toys: Toys) -> None:
    for amount in ("1", "2", "4"):
        _take(toys, "a", amount)
    toys.ask("book", "settle")
    assert toys.totals() == {"a": "7"}
    with toys.ground("till").database.begin(CALLER) as work:
        log = work.table("events")
        work.execute(delete(log).where(log.c.sequence == 3))
        work.execute(update(work.table("event_head")).values(sequence=2, published=2))
    with pytest.raises(StreamStopped, match="credit rebuild book"):
        toys.ground("book").readers["till"].pull()
    _take(toys, "a", "8")
    assert toys.ask("book", "settle")["stopped"] == ["till"]
    toys.ask("book", "rebuild")
    wait_until(lambda: toys.totals() == {"a": "11"}, what="the rebuilt book")


def test_a_rebuild_gives_the_same_book(toys: Toys) -> None:
    for customer, amount in (("a", "1"), ("b", "2"), ("a", "3")):
        _take(toys, customer, amount)
    toys.ask("book", "settle")
    before = toys.totals()
    toys.ask("book", "rebuild")
    wait_until(lambda: toys.totals() == before, what="the rebuilt book")


def test_a_passing_failure_of_the_database_is_not_parked(toys: Toys) -> None:
    with toys.ground("book").database.begin(CALLER) as work:
        work.execute(text("SET LOCAL lock_timeout = 0"))
        work.execute(text("LOCK TABLE lines IN ACCESS EXCLUSIVE MODE"))
        _take(toys, "a", "1")
    wait_until(lambda: toys.totals() == {"a": "1"}, timeout=20, what="the event after the lock")
    assert toys.ask("book", "list_parked")["items"] == []
    assert lines.name in Book.projections
