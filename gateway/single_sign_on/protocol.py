"""OpenID Connect with one provider: authorization code with PKCE, state and nonce; ID tokens checked."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.common import outgoing
from services.common.errors import Unauthenticated, Unavailable

# All that an unreachable or broken provider can end in.
_FAILURES = (requests.RequestException, outgoing.Unreached, ValueError)
_log = logging.getLogger(__name__)
SCOPE = "openid profile email"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_LEEWAY_SECONDS = 60
_REMEMBERED_SECONDS = 600.0
_REMEMBERED_MAX = 100
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Attempt(NamedTuple):
    """What this side keeps of one sign-in until the provider sends the person back."""

    state: str
    nonce: str
    verifier: str


class Provider(NamedTuple):
    """Where a provider is, and as whom it knows us."""

    issuer: str
    client_id: str
    client_secret: str


class OpenIdConnect:
    """Talks to providers; what they publish of themselves is remembered for some minutes. One per process."""

    def __init__(self) -> None:
        self._published: dict[str, tuple[float, dict[str, Any]]] = {}

    def address(self, provider: Provider, attempt: Attempt, callback: str) -> str:
        """Where to send a person who wants to sign in."""
        metadata = self._metadata(provider.issuer)
        with _session(provider, callback) as session:
            url, _ = session.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url)

    def claims(self, provider: Provider, attempt: Attempt, callback: str, code: str) -> dict[str, Any]:
        """Who the person is by the provider's word: the claims of the ID token that the code is worth.

        `Unauthenticated` for a code or a token that is not right, `Unavailable` where the provider is away.
        """
        metadata = self._metadata(provider.issuer)
        try:
            with _session(provider, callback) as session:
                token = session.fetch_token(
                    metadata["token_endpoint"], code=code, code_verifier=attempt.verifier
                )
                claims = self._checked(provider, attempt, token)
                return {**self._more(session, metadata, claims), **claims}
        except OAuthError as problem:
            raise _refused(problem) from problem
        except _FAILURES as problem:
            raise _away(problem) from problem

    @staticmethod
    def _more(session: Any, metadata: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """What the provider tells of the person beside the ID token, which with some holds the least."""
        address = str(metadata.get("userinfo_endpoint") or "")
        if not outgoing.is_acceptable(address):
            return {}
        response = session.get(address, headers={"Accept": "application/json"})
        response.raise_for_status()
        told = response.json()
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise _refused(ValueError("the userinfo is of somebody else"))
        return told

    def _checked(self, provider: Provider, attempt: Attempt, token: Mapping[str, Any]) -> dict[str, Any]:
        try:
            read = self._decoded(provider.issuer, str(token["id_token"]))
            claims = CodeIDToken(
                read.claims,
                read.header,
                {
                    "iss": {"essential": True, "value": provider.issuer},
                    "aud": {"essential": True, "value": provider.client_id},
                },
                {
                    "nonce": attempt.nonce,
                    "client_id": provider.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, OAuthError, KeyError, ValueError, TypeError) as problem:
            raise _refused(problem) from problem
        return dict(claims)

    def _decoded(self, issuer: str, id_token: str) -> Any:
        keys = self._keys(issuer)
        try:
            return jwt.decode(id_token, keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have new keys.
            self._published.pop(f"{issuer} keys", None)
            return jwt.decode(id_token, self._keys(issuer), algorithms=_ALGORITHMS)

    def _metadata(self, issuer: str) -> dict[str, Any]:
        found = self._read(issuer, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer or not all(
            outgoing.is_acceptable(str(found.get(name))) for name in _ENDPOINTS
        ):
            raise Unavailable("登录服务的配置不正确, 请联系管理员", code="provider_misconfigured")
        return found

    def _keys(self, issuer: str) -> KeySet:
        found = self._read(f"{issuer} keys", self._metadata(issuer)["jwks_uri"])
        return KeySet.import_key_set(found)  # type: ignore[arg-type]

    def _read(self, name: str, url: str) -> dict[str, Any]:
        kept = self._published.get(name)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        try:
            with requests.Session() as session:
                outgoing.guard(session, allowed=None)
                response = session.get(url, headers={"Accept": "application/json"})
                response.raise_for_status()
                found = response.json()
        except _FAILURES as problem:
            raise _away(problem) from problem
        if not isinstance(found, dict):
            raise _away()
        if len(self._published) >= _REMEMBERED_MAX:
            self._published.clear()
        self._published[name] = (time.monotonic() + _REMEMBERED_SECONDS, found)
        return found


def _session(provider: Provider, callback: str) -> Any:
    session = OAuth2Session(
        provider.client_id,
        provider.client_secret,
        scope=SCOPE,
        redirect_uri=callback,
        code_challenge_method="S256",
    )
    outgoing.guard(session, allowed=None)
    return session


def _refused(problem: Exception) -> Unauthenticated:
    # The person is told little; whoever sets the provider up needs to know.
    _log.warning("a provider's word was not accepted: %r", problem)
    return Unauthenticated("登录服务没有确认您的身份, 请重试", code="sso_refused")


def _away(problem: Exception | None = None) -> Unavailable:
    _log.warning("an identity provider cannot be reached: %r", problem)
    return Unavailable("登录服务暂时无法访问, 请稍后重试", code="provider_unavailable")
