"""The second factor: one-time codes from an app (TOTP, RFC 6238), and recovery codes for when it is lost."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyotp

from gateway.audit.trail import trail
from gateway.identity import tokens
from gateway.sign_in import settings, store
from gateway.sign_in.sealing import Seal
from services.common.db import UnitOfWork
from services.common.errors import Conflict, Invalid, NotFound, invalid_field

CONFIRMED, NEEDED, NONE = "confirmed", "needed", "none"
_ISSUER = "客户授信"
_STEP_SECONDS = 30
_DIGITS = 6
# A clock may be wrong by this many steps.
_STEPS_AROUND = 1
_RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def state_of(work: UnitOfWork, user: Mapping[str, Any]) -> str:
    """`confirmed` when there is one, `needed` when a role asks for one that is not there, else `none`."""
    factor = store.second_factor(work, user["id"])
    if factor is not None and factor["confirmed_at"] is not None:
        return CONFIRMED
    return NEEDED if settings.needs_second_factor(work, user["roles"]) else NONE


def enrol(work: UnitOfWork, user: Mapping[str, Any], seal: Seal) -> dict[str, str]:
    """Begin: a new secret, for the app to read as text or as the code of its URI. 409 when there is one."""
    factor = store.lock_second_factor(work, user["id"])
    if factor is not None and factor["confirmed_at"] is not None:
        raise Conflict("已启用两步验证, 请先停用", code="second_factor_exists")
    secret = pyotp.random_base32()
    store.save_second_factor(work, user["id"], seal.seal(secret))
    uri = pyotp.TOTP(secret).provisioning_uri(name=user["username"], issuer_name=_ISSUER)
    return {"secret": secret, "otpauth_uri": uri}


def confirm(work: UnitOfWork, user: Mapping[str, Any], code: str, seal: Seal) -> list[str] | None:
    """Put it in force with a first code: recovery codes, shown this once, or None for a wrong code."""
    factor = store.lock_second_factor(work, user["id"])
    if factor is None:
        raise Conflict("请先开始设置两步验证", code="second_factor_not_begun")
    if factor["confirmed_at"] is not None:
        raise Conflict("已启用两步验证, 请先停用", code="second_factor_exists")
    step = _matching_step(seal.open(factor["secret"]), code, work.now)
    if step is None:
        return None
    store.confirm_second_factor(work, user["id"], step)
    trail(work).add("second_factor.enable", user["username"])
    return new_recovery_codes(work, user)


def check(work: UnitOfWork, user: Mapping[str, Any], code: str, seal: Seal) -> bool:
    """Whether a code of the app, or a recovery code, is right; each counts once. Locks the factor's row."""
    factor = store.lock_second_factor(work, user["id"])
    if factor is None or factor["confirmed_at"] is None:
        return False
    if len(code) > _DIGITS:
        return _use_recovery_code(work, user, code)
    step = _matching_step(seal.open(factor["secret"]), code, work.now)
    if step is None or step <= factor["last_step"]:
        return False
    store.use_step(work, user["id"], step)
    return True


def new_recovery_codes(work: UnitOfWork, user: Mapping[str, Any]) -> list[str]:
    """Ten new ones instead of those there were."""
    codes = ["-".join(_word() for _ in range(3)) for _ in range(_RECOVERY_CODES)]
    store.replace_recovery_codes(work, user["id"], [tokens.hash_token(code) for code in codes])
    return codes


def remove(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    """Take it away; 409 where a role asks for one."""
    if settings.needs_second_factor(work, user["roles"]):
        raise Conflict("您的角色必须使用两步验证, 不能停用", code="second_factor_needed")
    if not store.remove_second_factor(work, user["id"]):
        raise NotFound("没有启用两步验证", code="second_factor_missing")
    trail(work).add("second_factor.disable", user["username"])


def reset(work: UnitOfWork, user: Mapping[str, Any]) -> None:
    """An administrator takes it away from somebody who lost it; their sessions end."""
    if not store.remove_second_factor(work, user["id"]):
        raise NotFound("该用户没有启用两步验证", code="second_factor_missing")
    store.end_sessions(work, user["id"], "second_factor_reset")
    trail(work).add("second_factor.reset", user["username"])


def wrong_code() -> Invalid:
    """The refusal of a code where somebody is signed in already."""
    return invalid_field("code", "code_wrong", "验证码错误或已使用")


def _use_recovery_code(work: UnitOfWork, user: Mapping[str, Any], code: str) -> bool:
    used = store.use_recovery_code(work, user["id"], tokens.hash_token(code.strip().lower()))
    if used:
        left = store.recovery_codes_left(work, user["id"])
        trail(work).add("second_factor.recovery_code_used", user["username"], {"left": left})
    return used


def _matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The newest time step whose code this is."""
    totp = pyotp.TOTP(secret, digits=_DIGITS, interval=_STEP_SECONDS)
    here = int(now.timestamp()) // _STEP_SECONDS
    for step in range(here + _STEPS_AROUND, here - _STEPS_AROUND - 1, -1):
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def _word() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(5))
