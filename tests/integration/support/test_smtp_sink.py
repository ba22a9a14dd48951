"""Tests of the local mail server."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from tests.support.ports import LOOPBACK
from tests.support.smtp_sink import SmtpSink


def test_mail_is_kept_in_order_with_its_text(smtp_sink: SmtpSink) -> None:
    for subject in ("第一封", "第二封"):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", subject
        message.set_content("逾期提醒")
        with smtplib.SMTP(LOOPBACK, smtp_sink.port) as client:
            client.send_message(message)
    assert [str(message["Subject"]) for message in smtp_sink.to("b@example.org")] == ["第一封", "第二封"]
    assert smtp_sink.messages()[0].get_content().strip() == "逾期提醒"
    assert smtp_sink.to("c@example.org") == []
