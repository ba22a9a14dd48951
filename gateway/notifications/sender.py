"""Sending mails by SMTP: claimed in the database, tried again for a day, each with a stable Message-ID."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote, urlsplit

from gateway.notifications import store
from gateway.sign_in.sealing import PLACE, Seal
from services.common.caller import service_caller
from services.common.config import GATEWAY, ConfigurationError
from services.common.db import Database
from services.common.errors import CreditError

_log = logging.getLogger(__name__)
_AT_ONCE_MAX = 100
_TIMEOUT_SECONDS = 10
_ATTEMPTS_MAX = 40
_BACKOFF_SECONDS_MAX = 3_600
_DOUBLINGS_MAX = 12
_PROBLEM_LENGTH_MAX = 500
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
DEFAULT_SENDER = "credit@localhost"


@dataclass(frozen=True)
class Target:
    """A mail server as SMTP_URL names it."""

    scheme: str
    host: str
    port: int
    username: str
    password: str
    sender: str


def read_target(smtp_url: str) -> Target:
    """The server at `smtp[s]|smtp+starttls://[user:password@]host[:port][/sender]`.

    `ConfigurationError` for any other text.
    """
    try:
        parts = urlsplit(smtp_url)
        port = parts.port
    except ValueError as problem:
        raise ConfigurationError(f"SMTP_URL 无法读取: {problem}") from problem
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError("SMTP_URL 应为 smtp://、smtps:// 或 smtp+starttls:// 开头的地址")
    username = unquote(parts.username or "")
    sender = unquote(parts.path.strip("/")) or (username if "@" in username else DEFAULT_SENDER)
    return Target(
        parts.scheme,
        parts.hostname,
        port or _PORTS[parts.scheme],
        username,
        unquote(parts.password or ""),
        sender,
    )


def send_waiting(database: Database, smtp_url: str, seal: Seal) -> int:
    """Send what is due, until nothing is or the server is away; returns how many mails it took.

    `seal` opens the secrets that stand in a mail only when it is sent.
    """
    if not smtp_url:
        with database.begin(service_caller(GATEWAY)) as work:
            store.set_unconfigured(work)
        return 0
    target = read_target(smtp_url)
    sent = 0
    for _ in range(_AT_ONCE_MAX):
        with database.begin(service_caller(GATEWAY)) as work:
            mail = store.claim_mail(work)
        if mail is None:
            break
        problem = _try(target, mail, seal)
        _note(database, mail, problem)
        if problem is not None and is_away(problem):
            # The server is away: the others would only wait for the same time-out.
            break
        sent += problem is None
    return sent


def _try(target: Target, mail: dict[str, Any], seal: Seal) -> Exception | None:
    try:
        deliver(target, _opened(mail, seal))
    except (OSError, ValueError, CreditError) as problem:
        # smtplib's own errors are OSErrors; ValueError is what no header can hold; CreditError is a seal
        # that was made with another secret.
        _log.warning("mail %s could not be sent: %r", mail["id"], problem)
        return problem
    return None


def _opened(mail: dict[str, Any], seal: Seal) -> dict[str, Any]:
    if mail["sealed"] is None:
        return mail
    return {**mail, "body": mail["body"].replace(PLACE, seal.open(mail["sealed"]))}


def _note(database: Database, mail: dict[str, Any], problem: Exception | None) -> None:
    with database.begin(service_caller(GATEWAY)) as work:
        values: dict[str, Any] = {"state": "sent", "sent_at": work.now, "problem": None, "sealed": None}
        if problem is not None:
            wait = min(2.0 ** min(mail["attempts"], _DOUBLINGS_MAX), _BACKOFF_SECONDS_MAX)
            given_up = is_final(problem) or mail["attempts"] >= _ATTEMPTS_MAX
            values = {
                "state": "failed" if given_up else "waiting",
                "problem": repr(problem)[:_PROBLEM_LENGTH_MAX],
                "next_attempt_at": work.now + timedelta(seconds=wait),
            }
        store.save_mail(work, mail["id"], values)


def is_away(problem: Exception) -> bool:
    """Whether it was the server and not this one mail."""
    if isinstance(problem, smtplib.SMTPException):
        reasons = (smtplib.SMTPServerDisconnected, smtplib.SMTPConnectError, smtplib.SMTPAuthenticationError)
        return isinstance(problem, reasons)
    return isinstance(problem, OSError)


def is_final(problem: Exception) -> bool:
    """Whether the same mail can never be taken: no such recipient, or no header can hold it."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in problem.recipients.values())
    if isinstance(problem, smtplib.SMTPDataError):
        return int(problem.smtp_code) >= 500
    return isinstance(problem, (ValueError, CreditError))


def compose(mail: dict[str, Any], sender: str) -> EmailMessage:
    """The message of a mail; the same mail always has the same Message-ID, so that a copy is known as one."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail["recipient"]
    message["Subject"] = mail["subject"]
    message["Date"] = formatdate(mail["created_at"].timestamp())
    message["Message-ID"] = f"<{mail['id']}@{sender.rpartition('@')[2] or 'credit'}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail["body"])
    return message


def deliver(target: Target, mail: dict[str, Any]) -> None:
    """Hand one mail to the server; `OSError` (smtplib's errors are ones) when it was not taken."""
    message = compose(mail, target.sender)
    with _connect(target) as server:
        if target.scheme == "smtp+starttls":
            server.starttls(context=ssl.create_default_context())
        if target.username:
            server.login(target.username, target.password)
        server.send_message(message)


def _connect(target: Target) -> smtplib.SMTP:
    # Named here, as smtplib would ask the name server for our name, and may wait long for it.
    own_name = socket.gethostname()
    if target.scheme != "smtps":
        return smtplib.SMTP(target.host, target.port, own_name, _TIMEOUT_SECONDS)
    context = ssl.create_default_context()
    return smtplib.SMTP_SSL(target.host, target.port, own_name, timeout=_TIMEOUT_SECONDS, context=context)
