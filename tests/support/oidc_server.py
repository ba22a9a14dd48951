"""A real OpenID Connect server for tests: Canaille, in a process of its own, with people and a client.

`python -m tests.support.oidc_server PORT CALLBACK` runs it; `OidcServer` starts that, and signs in there.
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from time import time
from typing import Any
from urllib.parse import urljoin

import requests

from tests.support.ports import LOOPBACK, free_port, is_listening
from tests.support.wait import wait_until

CLIENT_ID, CLIENT_SECRET = "credit", "the client's secret"
PASSWORD = "correct horse battery"
PEOPLE = ("lilei", "hanmei", "newcomer", "wangwei", "zhangli", "zhaoyun", "sunquan", "liubei", "caocao")
_STEPS_MAX = 10


class OidcServer:
    """The server, whose client may send people back to `callback`."""

    def __init__(self, callback: str) -> None:
        self.port = free_port()
        self.issuer = f"http://{LOOPBACK}:{self.port}"
        self._callback = callback
        self._last: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> OidcServer:
        command = [sys.executable, "-W", "ignore", "-m", "tests.support.oidc_server"]
        self._process = subprocess.Popen(
            [*command, str(self.port), self._callback], stdout=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: is_listening(self.port), 30, what="the OpenID Connect server to listen")
        except AssertionError:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, as when the provider is away."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def sign_in(self, browser: requests.Session, address: str, username: str) -> str:
        """Sign in there as a browser does; the address to which it is sent back."""
        # Its access tokens of one person and second are the same, and it keeps none twice.
        last = self._last.get(username, 0)
        wait_until(lambda: int(time()) > last + 1, 3, what="the next seconds")
        page = browser.get(address, allow_redirects=False, timeout=30)
        for _ in range(_STEPS_MAX):
            if page.status_code in (302, 303):
                onward = urljoin(page.url, page.headers["Location"])
                if not onward.startswith(self.issuer):
                    self._last[username] = int(time())
                    return onward
                page = browser.get(onward, allow_redirects=False, timeout=30)
                continue
            form = _form(page.text)
            form |= {"password": PASSWORD} if page.url.endswith("/auth/password") else {"login": username}
            page = browser.post(page.url, data=form, allow_redirects=False, timeout=30)
        raise AssertionError(f"no way through the provider's pages: {page.url} {page.status_code}")


def _form(page: str) -> dict[str, str]:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token, page[:500]
    return {"csrf_token": html.unescape(token[1])}


def _serve(port: int, callback: str, folder: str) -> None:
    from canaille import create_app
    from canaille.app import models
    from canaille.backends import Backend
    from joserfc.jwk import RSAKey
    from werkzeug.serving import make_server

    key = RSAKey.generate_key(2048, {"alg": "RS256", "use": "sig"}, auto_kid=True)
    access: dict[str, Any] = {"PERMISSIONS": ["use_oidc"], "READ": ["user_name"], "WRITE": []}
    app = create_app(
        {
            "SECRET_KEY": "of this process only",
            "SERVER_NAME": f"{LOOPBACK}:{port}",
            "PREFERRED_URL_SCHEME": "http",
            # Its in-memory store finds every record of which one condition holds: codes of others, too.
            "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{folder}/oidc.sqlite"},
            "CANAILLE": {
                "DATABASE": "sql",
                "JAVASCRIPT": False,
                "HTMX": False,
                "ACL": {"DEFAULT": access},
            },
            # Our client is trusted: nobody is asked whether they consent.
            "CANAILLE_OIDC": {
                "ACTIVE_JWKS": [key.as_dict(private=True)],
                "TRUSTED_DOMAINS": [LOOPBACK],
                "USERINFO_MAPPING": {"PREFERRED_USERNAME": "{{ user.user_name }}"},
            },
        }
    )
    with app.app_context(), Backend.instance.session():
        for name in PEOPLE:
            names = {"formatted_name": name.title(), "family_name": name.title(), "user_name": name}
            Backend.instance.save(models.User(**names, emails=[f"{name}@corp.example"], password=PASSWORD))
        client = models.Client(
            client_id=CLIENT_ID,
            client_name="credit",
            client_uri=f"http://{LOOPBACK}",
            client_secret=CLIENT_SECRET,
            client_id_issued_at=datetime.now(UTC),
            redirect_uris=[callback],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email"],
            token_endpoint_auth_method="client_secret_basic",
        )
        Backend.instance.save(client)
        # Whom its ID tokens are for: only what is saved can be named.
        client.audience = [client]
        Backend.instance.save(client)
    # One request after the other, as its SQLite wants it.
    make_server(LOOPBACK, port, app).serve_forever()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        _serve(int(sys.argv[1]), sys.argv[2], folder)
