"""What the gateway asks of servers outside: bounded in time and size, and led nowhere else by them."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

ANSWER_BYTES_MAX = 1024 * 1024
_TIMEOUT_SECONDS = (3.05, 7)


class AnswerTooLarge(requests.RequestException):
    """A server answered more than is read of it."""


class GuardedAdapter(HTTPAdapter):
    """Sends with a time-out whatever the caller forgot, and reads answers up to a limit."""

    def send(self, request: Any, stream: bool = False, timeout: Any = None, *args: Any, **more: Any) -> Any:
        """One request; `requests.RequestException` for all that goes wrong."""
        response = super().send(request, True, timeout or _TIMEOUT_SECONDS, *args, **more)
        body = b""
        for piece in response.iter_content(64 * 1024):
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                response.close()
                raise AnswerTooLarge(f"{request.url} answered more than {ANSWER_BYTES_MAX} bytes")
        # What `content` would have read by itself, without a limit.
        response._content = body
        return response


def guard(session: requests.Session) -> None:
    """Let a session send through the guarded adapter only, follow no redirect and heed no environment."""
    session.mount("https://", GuardedAdapter())
    session.mount("http://", GuardedAdapter())
    session.max_redirects = 0
    session.trust_env = False


def is_acceptable(url: str) -> bool:
    """Whether secrets may be sent there: by https, or to this very machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.username or parts.password or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
