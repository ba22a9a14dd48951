"""Sending mails by SMTP: claimed in the database, tried again for a day, each with a stable Message-ID."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import select, update

from gateway.identity import store
from gateway.identity.model import mails
from services.common.caller import service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork

_AT_ONCE = 20
_CLAIM_SECONDS = 60
_TIMEOUT_SECONDS = 10
_ATTEMPTS_MAX = 30
_BACKOFF_SECONDS_MAX = 3_600
DEFAULT_SENDER = "credit@localhost"


def send_waiting(database: Database, smtp_url: str) -> int:
    """Send what is due; returns how many mails were handed over.

    Without a server the mails are kept as `not_configured`: their notifications show all the same.
    """
    with database.begin(service_caller(GATEWAY)) as work:
        if not smtp_url:
            work.execute(update(mails).where(mails.c.state == "waiting").values(state="not_configured"))
            return 0
        claimed = _claim(work)
    return sum(_send(database, smtp_url, mail) for mail in claimed)


def _claim(work: UnitOfWork) -> list[dict[str, Any]]:
    due = (
        select(mails.c.id)
        .where(mails.c.state == "waiting", mails.c.next_attempt_at <= work.now)
        .order_by(mails.c.created_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    later = work.now + timedelta(seconds=_CLAIM_SECONDS)
    statement = update(mails).where(mails.c.id.in_(due))
    claimed = statement.values(next_attempt_at=later, attempts=mails.c.attempts + 1).returning(mails)
    return store.all_rows(work, claimed)


def _send(database: Database, smtp_url: str, mail: dict[str, Any]) -> bool:
    try:
        deliver(smtp_url, mail)
        problem = None
    except (OSError, smtplib.SMTPException) as fault:
        problem = repr(fault)[:500]
    with database.begin(service_caller(GATEWAY)) as work:
        values: dict[str, Any] = {"state": "sent", "sent_at": work.now, "problem": None}
        if problem is not None:
            wait = min(2.0 ** min(mail["attempts"], 12), _BACKOFF_SECONDS_MAX)
            state = "failed" if mail["attempts"] >= _ATTEMPTS_MAX else "waiting"
            next_attempt = work.now + timedelta(seconds=wait)
            values = {"state": state, "problem": problem, "next_attempt_at": next_attempt}
        work.execute(update(mails).where(mails.c.id == mail["id"]).values(**values))
    return problem is None


def deliver(smtp_url: str, mail: dict[str, Any]) -> None:
    """Hand one mail to the server at `smtp[s]://[user:password@]host[:port][/sender]`."""
    target = urlsplit(smtp_url)
    secure = target.scheme == "smtps"
    kind = smtplib.SMTP_SSL if secure else smtplib.SMTP
    message = EmailMessage()
    message["From"] = unquote(target.path.strip("/")) or DEFAULT_SENDER
    message["To"] = mail["recipient"]
    message["Subject"] = mail["subject"]
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{mail['id']}@credit>"
    message.set_content(mail["body"])
    with kind(
        target.hostname or "localhost", target.port or (465 if secure else 25), timeout=_TIMEOUT_SECONDS
    ) as server:
        if target.username:
            server.login(unquote(target.username), unquote(target.password or ""))
        server.send_message(message)
