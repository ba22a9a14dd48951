"""The one way out: requests to addresses that people typed in, guarded in target, time and size.

What a flow sends must go to a public address, or to one named by the installation (CREDIT_OUTGOING_ALLOWED);
the connection is made to the very address that was judged, so that a name which changes its mind in between
reaches nothing. An identity provider, which whoever may do everything has named, may stand anywhere.
Redirects are not followed, proxies of the environment not used.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import eventlet
import requests
from requests.adapters import HTTPAdapter

from services.common import strict_json

CONNECT_SECONDS_MAX = 3.0
WAIT_SECONDS_MAX = 10.0
# All in all: a server that answers a byte at a time ends here.
SECONDS_MAX = 15.0
ANSWER_BYTES_MAX = 1024 * 1024
_PORTS = {"http": 80, "https": 443}


class Unreached(Exception):
    """A request that did not succeed; the text says why, without what was sent."""


def guard(session: requests.Session, allowed: Iterable[str] | None, seconds_max: float = SECONDS_MAX) -> None:
    """Let a session send guarded only: `Unreached` for what goes on too long, is too large or not allowed.

    `allowed` are the hosts, addresses and networks that may be reached though not public; None for any.
    """
    adapter = _Guarded(allowed, seconds_max)
    for scheme in _PORTS:
        session.mount(f"{scheme}://", adapter)
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


class Outgoing:
    """Sends requests; `allowed` are hosts, addresses and networks that may be reached though not public."""

    def __init__(self, allowed: Iterable[str] = (), seconds_max: float = SECONDS_MAX) -> None:
        self._session = requests.Session()
        guard(self._session, allowed, seconds_max)

    def post(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> int:
        """Send JSON; returns the status, which is 2xx. `Unreached` otherwise."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            # What they answer beside the status is nobody's concern, however much it is.
            with self._session.post(
                url, data=strict_json.dumps(body).encode(), headers=sent, allow_redirects=False, stream=True
            ) as answer:
                status = answer.status_code
        except (requests.RequestException, ValueError) as failure:
            raise Unreached(f"未送达: {type(failure).__name__}") from failure
        if not 200 <= status < 300:
            raise Unreached(f"对方回答 HTTP {status}")
        return status


class _Guarded(HTTPAdapter):
    """Connects to public addresses and to those that are allowed, under the name that was asked for."""

    def __init__(self, allowed: Iterable[str] | None, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._anywhere = allowed is None
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for one in allowed or ():
            try:
                self._networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError:
                self._hosts.add(one.lower())
        super().__init__(max_retries=0)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **options: Any,
    ) -> requests.Response:
        """Send under the host's own name, whatever address it goes to.

        The answer is read to its end, unless whoever asks wants to `stream` it.
        """
        request.headers["Host"] = urlsplit(str(request.url)).netloc.rpartition("@")[2]
        waits = (CONNECT_SECONDS_MAX, WAIT_SECONDS_MAX)
        with eventlet.Timeout(self._seconds_max, Unreached(f"{self._seconds_max:g} 秒内没有完成")):
            response = super().send(request, True, timeout or waits, *args, **options)
            if not stream:
                with closing(response):
                    # What `content` would have read by itself, without a limit.
                    response._content = _limited(response)
        return response

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """A connection to the address that was judged; certificates are still checked against the name."""
        where, how = self.build_connection_pool_key_attributes(request, verify, cert)
        host = str(where["host"])
        where["host"] = self._address(host, int(where["port"] or _PORTS[str(where["scheme"])]))
        named = {"server_hostname": host, "assert_hostname": host} if where["scheme"] == "https" else {}
        return self.poolmanager.connection_from_host(**where, pool_kwargs={**how, **named})

    def _address(self, host: str, port: int) -> str:
        try:
            found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as failure:
            raise Unreached("找不到该主机") from failure
        for *_, address in found:
            if self._may_reach(host.lower(), str(address[0])):
                return str(address[0])
        raise Unreached("不允许访问该地址")

    def _may_reach(self, host: str, address: str) -> bool:
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        found = mapped or found
        if self._anywhere or host in self._hosts or any(found in network for network in self._networks):
            return True
        return found.is_global and not found.is_multicast


def _limited(response: requests.Response) -> bytes:
    body = b""
    for piece in response.iter_content(64 * 1024):
        body += piece
        if len(body) > ANSWER_BYTES_MAX:
            raise Unreached(f"对方的回答超过 {ANSWER_BYTES_MAX} 字节")
    return body
