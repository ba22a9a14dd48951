"""Tests of the waiting helper."""

from __future__ import annotations

import itertools

import pytest

from tests.support.wait import wait_until


def test_answers_the_first_truthy_value() -> None:
    count = itertools.count()
    assert wait_until(lambda: next(count) if next(count) > 3 else 0) > 3


def test_gives_up_after_the_limit_and_says_what_it_saw() -> None:
    with pytest.raises(AssertionError, match=r"waited 0\.05 s in vain for the moon; last seen: \[\]"):
        wait_until(list, 0.05, what="the moon")


def test_an_ignored_exception_counts_as_not_yet_and_others_pass_through() -> None:
    answers = iter([OSError("no"), "yes"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert wait_until(ask, ignoring=(OSError,)) == "yes"
    with pytest.raises(StopIteration):
        wait_until(ask, ignoring=(OSError,))
