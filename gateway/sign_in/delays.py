"""What failed attempts cost: after some, account and address must wait, twice as long each time.

An attempt is counted as failed before it is looked at, in the database: guesses that are sent together, or
to several replicas, are counted like any others. One that succeeds takes its count back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from gateway.sign_in import store
from services.common.db import UnitOfWork
from services.common.errors import TooManyRequests

_DOUBLINGS_MAX = 10


class Patience(NamedTuple):
    """Failures that cost nothing, the longest wait, and after how long without a failure all is forgotten."""

    free: int
    longest_seconds: int
    forgotten_after: timedelta


_ACCOUNT = Patience(3, 900, timedelta(hours=12))
# An address may be a whole office behind one router: it is slowed later, and less.
_ADDRESS = Patience(30, 60, timedelta(minutes=15))
# Asking for mails costs those who get them: each asking counts, none is taken back.
_ASKING = Patience(3, 3_600, timedelta(hours=12))
_PATIENCE = {"account": _ACCOUNT, "code": _ACCOUNT, "address": _ADDRESS, "reset": _ASKING, "asker": _ADDRESS}
KEPT = max(patience.forgotten_after for patience in _PATIENCE.values())


def account(username: str) -> str:
    """The subject of attempts at one account's password, whether there is such an account or not."""
    return f"account:{username.lower()}"


def code(username: str) -> str:
    """The subject of attempts at one account's second factor."""
    return f"code:{username.lower()}"


def address(origin: str) -> str:
    """The subject of attempts from one address."""
    return f"address:{origin}"


def reset(username: str) -> str:
    """The subject of askings for a mail to one account."""
    return f"reset:{username.lower()}"


def asker(origin: str) -> str:
    """The subject of askings for mails from one address."""
    return f"asker:{origin}"


def attempt(work: UnitOfWork, *subjects: str) -> None:
    """Count an attempt as failed, for now; `TooManyRequests` while one of the subjects must wait.

    Locks the subjects' rows, in their order.
    """
    rows = store.lock_delays(work, subjects)
    until = max(row["blocked_until"] for row in rows.values())
    if until > work.now:
        raise too_many(int((until - work.now).total_seconds()) + 1)
    for subject, row in rows.items():
        store.save_delay(work, _after_failure(row, _PATIENCE[subject.partition(":")[0]], work))


def succeeded(work: UnitOfWork, subject: str, origin: str) -> None:
    """Forget the failures of a subject, and take back the attempt's count for its address."""
    store.forget_delay(work, subject)
    store.take_back_delay(work, address(origin))


def too_many(seconds: int) -> TooManyRequests:
    """The refusal of somebody who must wait."""
    return TooManyRequests(f"尝试次数过多, 请 {seconds} 秒后再试", code="login_delayed", retry_after=seconds)


def _after_failure(row: dict[str, Any], patience: Patience, work: UnitOfWork) -> dict[str, Any]:
    recent = work.now - row["last_failure"] < patience.forgotten_after
    failures = (row["failures"] if recent else 0) + 1
    beyond = failures - patience.free
    wait = min(2 ** min(beyond, _DOUBLINGS_MAX), patience.longest_seconds) if beyond > 0 else 0
    until = work.now + timedelta(seconds=wait)
    return {**row, "failures": failures, "blocked_until": until, "last_failure": work.now}
