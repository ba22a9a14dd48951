"""A local mail server that keeps what it gets, so that tests read the mail people would have got."""

from __future__ import annotations

import email.policy
import mailbox
import subprocess
import sys
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType

from tests.support.ports import LOOPBACK, free_port, is_listening
from tests.support.wait import wait_until


class SmtpSink:
    """An SMTP server in a process of its own (asyncio and eventlet do not share one)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mail"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The value for SMTP_URL."""
        return f"smtp://{LOOPBACK}:{self.port}"

    def start(self) -> SmtpSink:
        """Start it, on the same port as before, and wait until it accepts mail."""
        command = [sys.executable, "-W", "ignore", "-m", "aiosmtpd", "--nosetuid"]
        command += ["--listen", f"{LOOPBACK}:{self.port}", "--class", "aiosmtpd.handlers.Mailbox"]
        self._process = subprocess.Popen([*command, str(self.folder)])
        wait_until(lambda: is_listening(self.port), 15, what="the mail sink to listen")
        return self

    def stop(self) -> None:
        """End it, as when the mail server is away."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def messages(self) -> list[EmailMessage]:
        """All mail received so far, oldest first, decoded."""
        if not self.folder.exists():
            return []
        box = mailbox.Maildir(self.folder, create=False)
        # A Maildir file is named after the second and then a counter of the process that wrote it.
        return [_parsed(box.get_bytes(key)) for key in sorted(box.keys(), key=_age)]

    def to(self, address: str) -> list[EmailMessage]:
        """The mail that was addressed to one person."""
        return [message for message in self.messages() if address in str(message["To"])]

    def __enter__(self) -> SmtpSink:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _age(key: str) -> tuple[int, int]:
    seconds, rest = key.split(".", 1)
    counter = rest.split("Q", 1)[-1].split(".", 1)[0]
    return int(seconds), int(counter) if counter.isdigit() else 0
