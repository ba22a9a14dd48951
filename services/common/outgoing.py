"""The one way out: requests to addresses that people typed in, guarded in target, time and size.

A target must resolve to a public address, or be named by the installation (CREDIT_OUTGOING_ALLOWED); the
connection is made to the very address that was judged, so that a name which changes its mind in between
reaches nothing. Redirects are not followed, proxies of the environment not used.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
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
ANSWER_BYTES_MAX = 64 * 1024
_PORTS = {"http": 80, "https": 443}


class Unreached(Exception):
    """A request that did not succeed; the text says why, without what was sent."""


class Outgoing:
    """Sends requests; `allowed` are hosts, addresses and networks that may be reached though not public."""

    def __init__(self, allowed: Iterable[str] = (), seconds_max: float = SECONDS_MAX) -> None:
        self._seconds_max = seconds_max
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in _PORTS:
            self._session.mount(f"{scheme}://", _Guarded(allowed))

    def post(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> int:
        """Send JSON; returns the status, which is 2xx. `Unreached` otherwise, within `seconds_max`."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            with eventlet.Timeout(self._seconds_max, Unreached(f"{self._seconds_max:g} 秒内没有完成")):
                answer = self._session.post(
                    url,
                    data=strict_json.dumps(body).encode(),
                    headers=sent,
                    timeout=(CONNECT_SECONDS_MAX, WAIT_SECONDS_MAX),
                    allow_redirects=False,
                    stream=True,
                )
                with answer:
                    next(answer.iter_content(ANSWER_BYTES_MAX), b"")
        except (requests.RequestException, ValueError) as failure:
            raise Unreached(f"未送达: {type(failure).__name__}") from failure
        if not 200 <= answer.status_code < 300:
            raise Unreached(f"对方回答 HTTP {answer.status_code}")
        return answer.status_code


class _Guarded(HTTPAdapter):
    """Connects to public addresses and to those that are allowed, under the name that was asked for."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._hosts: set[str] = set()
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for one in allowed:
            try:
                self._networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError:
                self._hosts.add(one.lower())
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send under the host's own name, whatever address it goes to."""
        request.headers["Host"] = urlsplit(str(request.url)).netloc.rpartition("@")[2]
        return super().send(request, *args, **options)

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
        if host in self._hosts or any(found in network for network in self._networks):
            return True
        return found.is_global and not found.is_multicast
