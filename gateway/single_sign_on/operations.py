"""Signing in by way of a provider: sent there, come back, and who that is here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.audit.trail import trail
from gateway.identity import operations as identity
from gateway.identity import store as people
from gateway.identity import tokens
from gateway.identity.roles import check_version
from gateway.identity.schema import is_username_sign
from gateway.sign_in import store as sessions
from gateway.sign_in.entrance import ticket_invalid
from gateway.sign_in.schema import NAME_LENGTH_MAX
from gateway.sign_in.sealing import Seal
from gateway.single_sign_on import store
from gateway.single_sign_on.protocol import Attempt, Provider
from services.common import outgoing
from services.common.db import UnitOfWork
from services.common.errors import Conflict, CreditError, Forbidden, NotFound, Unauthenticated, invalid_field
from services.common.ids import new_id

ATTEMPT_SECONDS = 600
_HANDOVER_SECONDS = 60
_SHOWN = ("id", "key", "label", "issuer", "client_id", "link_by", "create_roles", "trusts_second_factor")


# --- providers -------------------------------------------------------------------------------------------


def shown(provider: Mapping[str, Any]) -> dict[str, Any]:
    """A provider as administrators see it: never with its secret."""
    return {name: provider[name] for name in (*_SHOWN, "active", "version")}


def save_provider(
    work: UnitOfWork, key: str | None, received: Mapping[str, Any], seal: Seal
) -> dict[str, Any]:
    """Make a provider (`key` None), or change one.

    403 for whoever holds less than administrators do: a provider says who anybody is.
    """
    before = None if key is None else store.provider(work, key, lock=True)
    if key is not None and before is None:
        raise _no_provider()
    identity.require_all(work)
    values = {name: value for name, value in received.items() if name != "version"}
    if "issuer" in values and not outgoing.is_acceptable(values["issuer"]):
        message = "应为 https 地址 (本机可用 http)"
        raise invalid_field("issuer", "issuer_insecure", message, f"issuer {message}")
    if values.get("create_roles"):
        identity.require_known_roles(work, values["create_roles"], "create_roles")
    if values.get("client_secret") is not None:
        values["client_secret"] = seal.seal(values["client_secret"])
    if before is None:
        after = {"id": new_id(), "version": 1, **values}
        if not store.add_provider(work, after):
            raise Conflict(f"登录服务 {values['key']} 已存在", code="provider_taken")
    else:
        check_version(before, received)
        after = {**before, **values, "version": before["version"] + 1}
        store.change_provider(work, before["key"], {**values, "version": after["version"]})
    trail(work).add("identity_provider.save", after["key"], before=before, after=after)
    return shown(after)


def provider_in_use(work: UnitOfWork, key: str) -> dict[str, Any]:
    """A provider's row; 404 for one that is not there or not in use."""
    found = store.provider(work, key)
    if found is None or not found["active"]:
        raise _no_provider()
    return found


def opened(provider: Mapping[str, Any], seal: Seal) -> Provider:
    """A provider with its secret."""
    return Provider(provider["issuer"], provider["client_id"], seal.open(provider["client_secret"]))


# --- there and back --------------------------------------------------------------------------------------


def begin(work: UnitOfWork, key: str, browser: str, return_to: str, seal: Seal) -> Attempt:
    """Keep an attempt, which only the same browser can finish."""
    attempt = Attempt(*(secrets.token_urlsafe(32) for _ in Attempt._fields))
    store.add_attempt(
        work,
        {
            "state_hash": tokens.hash_token(attempt.state),
            "provider": key,
            "browser_hash": tokens.hash_token(browser),
            "sealed": seal.seal(f"{attempt.nonce} {attempt.verifier}"),
            "return_to": return_to,
            "expires_at": work.now + timedelta(seconds=ATTEMPT_SECONDS),
        },
    )
    return attempt


def come_back(work: UnitOfWork, state: str) -> dict[str, Any] | None:
    """What was kept of the attempt with this state; it counts once, whatever becomes of it."""
    return store.take_attempt(work, tokens.hash_token(state))


def attempt_of(
    kept: Mapping[str, Any] | None, key: str, state: str, browser: str, seal: Seal
) -> tuple[Attempt, str]:
    """The attempt that a person comes back from, and where they wanted to go."""
    if kept is None or kept["provider"] != key:
        raise Unauthenticated("登录已超时或已完成, 请重新登录", code="sso_state_unknown")
    if not secrets.compare_digest(kept["browser_hash"], tokens.hash_token(browser)):
        raise Unauthenticated("请在开始登录的浏览器中完成登录", code="sso_other_browser")
    nonce, verifier = seal.open(kept["sealed"]).split(" ")
    return Attempt(state, nonce, verifier), kept["return_to"]


def hand_over(work: UnitOfWork, provider: Mapping[str, Any], claims: Mapping[str, Any], browser: str) -> str:
    """Find or make the user of these claims: a ticket with which the same browser fetches tokens, once."""
    user = _user_of(work, provider, claims)
    if not user["active"]:
        raise Forbidden("该用户已停用, 请联系管理员", code="sso_user_inactive")
    ticket = secrets.token_urlsafe(32)
    store.add_handover(
        work,
        {
            "ticket_hash": tokens.hash_token(ticket),
            "user_id": user["id"],
            "provider": provider["key"],
            "browser_hash": tokens.hash_token(browser),
            "expires_at": work.now + timedelta(seconds=_HANDOVER_SECONDS),
        },
    )
    return ticket


def redeem(work: UnitOfWork, ticket: str, browser: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the user, the provider) of a ticket, which is used up."""
    kept = store.take_handover(work, tokens.hash_token(ticket))
    if kept is None or not secrets.compare_digest(kept["browser_hash"], tokens.hash_token(browser)):
        raise ticket_invalid()
    user = people.find_user(work, user_id=kept["user_id"])
    if user is None or not user["active"]:
        raise ticket_invalid()
    return user, provider_in_use(work, kept["provider"])


def unlink(work: UnitOfWork, user: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Forget under which subject a provider knows a user, and end the sessions that came of it."""
    if not store.unlink(work, key, user["id"]):
        raise NotFound("该用户没有与此登录服务关联", code="identity_not_linked")
    sessions.end_sessions(work, user["id"], "identity_unlinked")
    trail(work).add("user.unlink", user["username"], {"provider": key})
    return {}


def failed(work: UnitOfWork, key: str, problem: CreditError) -> None:
    """Tell the trail that somebody came back from a provider in vain."""
    trail(work).add("sign_in.failed", f"sso:{key}", {"code": problem.code}, actor="")


def _user_of(work: UnitOfWork, provider: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
    key, subject = provider["key"], str(claims["sub"])
    user = store.linked_user(work, key, subject)
    if user is not None:
        return user
    user = _known_user(work, provider["link_by"], claims)
    if user is None and provider["create_roles"] is not None:
        user = _new_user(work, provider, claims)
    if user is None:
        raise Forbidden("没有与您的账号对应的用户, 请联系管理员", code="sso_user_unknown")
    if not store.link(work, key, subject, user["id"]):
        raise Forbidden("该用户已与另一个账号关联, 请联系管理员", code="sso_user_linked")
    trail(work).add(
        "user.link", user["username"], {"provider": key, "subject": subject}, actor=user["username"]
    )
    return user


def _known_user(work: UnitOfWork, link_by: str, claims: Mapping[str, Any]) -> dict[str, Any] | None:
    """Whom the provider's word names among the users: only what it vouches for counts."""
    if link_by == "username" and isinstance(claims.get("preferred_username"), str):
        return people.find_user(work, username=claims["preferred_username"])
    if link_by == "email" and isinstance(claims.get("email"), str) and claims.get("email_verified") is True:
        found = store.users_with_email(work, claims["email"])
        return found[0] if len(found) == 1 else None
    return None


def _new_user(work: UnitOfWork, provider: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
    wanted = str(claims.get("preferred_username") or claims.get("email") or claims["sub"])
    username = "".join(sign if is_username_sign(sign) else "." for sign in wanted)
    name = str(claims.get("name") or username)[:NAME_LENGTH_MAX]
    received = {"username": username[:NAME_LENGTH_MAX], "name": name, "email": None, "department": None}
    made = identity.create_user(work, {**received, "roles": provider["create_roles"]}, None)
    found = people.find_user(work, user_id=made["id"])
    assert found is not None, "it was made a moment ago"  # noqa: S101
    return found


def _no_provider() -> NotFound:
    return NotFound("没有这个登录服务", code="provider_not_found")
