"""Past the gateway: raw messages to every method of every service, with callers whom nobody vouched for."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credit.suite import service_class
from gateway.identity.permissions import ALL
from services.common import keys
from services.common.caller import Caller, CallerSigner, service_caller
from services.common.config import ALL_SERVICES, GATEWAY
from services.common.messaging.door import OfService
from tests.security.conftest import Office
from tests.support.doors import speaking_as

_ROOT = Caller("user", "1", "admin", roles=("admin",), permissions=ALL)
_PUBLIC = {"ping", "many"}


def _methods() -> list[tuple[str, str]]:
    found = []
    for service in ALL_SERVICES:
        kind = service_class(service)
        names = [name for name in dir(kind) if hasattr(getattr(kind, name), "__credit_endpoint__")]
        found += [(service, name) for name in names if name not in _PUBLIC]
    return found


class Intruder:
    """Somebody on the broker who knows every name, and the keys of one service, but not the gateway's."""

    def __init__(self, office: Office) -> None:
        client = office.ground("limits").client
        self._folder = office.suite.settings.keys_dir
        self.clients = {name: speaking_as(name, client, office.suite.settings) for name in ALL_SERVICES}

    def send(self, service: str, method: str, caller: Any, sender: str = GATEWAY) -> int:
        """The status that a method answers to a message with this caller; 200 where it lets it in.

        The message itself is beyond doubt (see test_forged_messages): what is refused is the caller.
        """
        declared = getattr(service_class(service), method).__credit_endpoint__.permission
        # Some ask for a right on what the input names.
        named = {"form": "nothing"} if callable(declared) or isinstance(declared, OfService) else {}
        request = {"input": named, "caller": caller, "trace_id": "t", "idempotency_key": None}
        answer = self.clients[sender].call_async(service, method, request, 15)()
        return int(answer["error"]["status"]) if "error" in answer else 200

    def signed(self, issuer: str, claims: dict[str, Any], key: Any = None) -> str:
        """A token of these claims, signed with the issuer's own key, or another one."""
        return jwt.encode(
            {"iss": issuer, **claims}, key or keys.load_private_key(self._folder, issuer), algorithm="EdDSA"
        )

    def of_root(self, service: str, *, issued: float = 0, **more: Any) -> dict[str, Any]:
        """The claims of an administrator, as the gateway would sign them so many seconds from now."""
        at = int(time.time() + issued)
        person = {"kind": "user", "sub": "1", "usr": "admin", "prm": sorted(ALL)}
        return {"aud": service, "iat": at, "exp": at + 60, **person, **more}

    def true_token(self, service: str, caller: Caller = _ROOT) -> str:
        """A token that the gateway has made for one service."""
        return CallerSigner(keys.load_private_key(self._folder, GATEWAY), GATEWAY).sign(caller, service)


@pytest.fixture(scope="module")
def intruder(office: Office) -> Intruder:
    return Intruder(office)


@pytest.mark.parametrize(("service", "method"), _methods())
def test_a_method_lets_in_nobody_whom_the_gateway_has_not_vouched_for(
    intruder: Intruder, service: str, method: str
) -> None:
    other = "limits" if service != "limits" else "customer"
    stranger = Ed25519PrivateKey.generate()
    head, body, signature = intruder.true_token(service).split(".")
    by_other = {
        "a person by a service": intruder.signed(other, intruder.of_root(service)),
        "a service by another": intruder.signed(
            other, intruder.of_root(service, kind="service", sub="workflow")
        ),
        "stolen from the gateway": intruder.true_token(service),
    }
    by_gateway = {
        "none": None,
        "no token": {"kind": "service"},
        "garbage": "a.b.c",
        "unsigned": jwt.encode({"iss": GATEWAY, **intruder.of_root(service)}, None, algorithm="none"),
        "by a key of nobody's": intruder.signed(GATEWAY, intruder.of_root(service), stranger),
        "by an issuer of nobody's": jwt.encode(
            {"iss": "ghost", **intruder.of_root(service)}, stranger, algorithm="EdDSA"
        ),
        "altered": f"{head}.{body[:-2]}AA.{signature}",
        "expired": intruder.signed(GATEWAY, intruder.of_root(service, issued=-120)),
        "replayed from another service": intruder.true_token(other),
        "without an end": intruder.signed(
            GATEWAY, {name: one for name, one in intruder.of_root(service).items() if name != "exp"}
        ),
    }
    statuses = {name: intruder.send(service, method, token) for name, token in by_gateway.items()}
    statuses |= {name: intruder.send(service, method, token, other) for name, token in by_other.items()}
    assert set(statuses.values()) == {401}, statuses


@pytest.mark.parametrize("service", ALL_SERVICES)
def test_a_message_of_many_hides_no_forged_one(intruder: Intruder, service: str) -> None:
    request = {"input": {}, "caller": None, "trace_id": "t", "idempotency_key": None}
    many = {"requests": [{"method": "list_parked", "request": request}]}
    answer = intruder.clients[GATEWAY].call_async(service, "many", {"input": many}, 15)()
    assert [one["error"]["status"] for one in answer["ok"]["answers"]] == [401]


@pytest.mark.parametrize(("service", "method"), _methods())
def test_a_method_asks_for_its_right_also_behind_the_gateway(
    intruder: Intruder, service: str, method: str
) -> None:
    declared = getattr(service_class(service), method).__credit_endpoint__.permission
    nobody = Caller("user", "2", "nobody")
    status = intruder.send(service, method, intruder.true_token(service, nobody))
    assert (status == 403) == (declared is not None), f"{declared}: {status}"


def test_a_service_does_as_itself_what_it_may(intruder: Intruder, office: Office) -> None:
    signer = CallerSigner(keys.load_private_key(office.suite.settings.keys_dir, "workflow"), "workflow")
    token = signer.sign(service_caller("workflow"), "limits")
    assert intruder.send("limits", "list_positions", token, "workflow") == 200
