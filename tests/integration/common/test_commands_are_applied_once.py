"""A command with an idempotency key has one effect and one answer, whatever happens around it."""

from __future__ import annotations

import eventlet
import pytest

from services.common.errors import Conflict, Invalid
from tests.support.toys import Toys
from tests.support.wait import wait_until


def test_the_same_key_and_body_give_the_same_answer_and_one_effect(toys: Toys) -> None:
    received = {"customer": "a", "amount": "10"}
    first = toys.ask("till", "take", received, idempotency_key="k1")
    assert toys.ask("till", "take", received, idempotency_key="k1") == first
    assert toys.ask("till", "count") == {"count": 1}


def test_the_same_key_with_another_body_is_a_conflict_and_changes_nothing(toys: Toys) -> None:
    toys.ask("till", "take", {"customer": "a", "amount": "10"}, idempotency_key="k1")
    with pytest.raises(Conflict):
        toys.ask("till", "take", {"customer": "a", "amount": "11"}, idempotency_key="k1")
    assert toys.ask("till", "count") == {"count": 1}


def test_a_refusal_is_kept_as_the_answer_of_its_key(toys: Toys) -> None:
    for _ in range(2):
        with pytest.raises(Invalid, match="金额不能为负"):
            toys.ask("till", "take", {"customer": "a", "amount": "-1"}, idempotency_key="k1")
    assert toys.ask("till", "count") == {"count": 0}


def test_five_copies_at_once_are_one_effect(toys: Toys) -> None:
    received = {"customer": "a", "amount": "10"}
    pool = eventlet.GreenPool()
    copies = [pool.spawn(toys.ask, "till", "take", received, idempotency_key="k1") for _ in range(5)]
    assert [copy.wait() for copy in copies] == [received] * 5
    assert toys.ask("till", "count") == {"count": 1}


def test_a_saga_step_is_sent_after_the_commit_and_its_answer_is_applied_once(toys: Toys) -> None:
    toys.ask("book", "ask_till", {"customer": "a", "amount": "7"})
    expected = {"a": "7", "answer:a": "7"}
    wait_until(lambda: toys.totals() == expected, what="the answer and the event")
    toys.ask("book", "ask_till", {"customer": "a", "amount": "7"})
    toys.ask("book", "settle")
    assert toys.totals() == expected


def test_a_definite_refusal_of_a_saga_step_reaches_its_handler(toys: Toys) -> None:
    toys.ask("book", "ask_till", {"customer": "b", "amount": "-5"})
    wait_until(lambda: toys.totals() == {"answer:b": "-1"}, what="the refusal")
