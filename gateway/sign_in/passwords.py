"""Which passwords are good enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zxcvbn import zxcvbn

from gateway.sign_in import settings, store
from services.common.db import UnitOfWork
from services.common.errors import invalid_field

# Estimating takes longer with each sign, and what begins with so many hard ones is hard enough.
_ESTIMATED_LENGTH_MAX = 40
# zxcvbn's scale from 0 to 4: at least some 10^8 guesses.
_SCORE_MIN = 3


def check(work: UnitOfWork, password: str, person: Mapping[str, Any], *, field: str = "password") -> None:
    """`Invalid` for a password that is too short, easily guessed, or made of the person's own names."""
    shortest = settings.current(work)["password_length_min"]
    if len(password) < shortest:
        raise invalid_field(field, "too_short", f"密码至少 {shortest} 个字符")
    own = [part for part in _names(person) if len(part) > 2]
    if any(part.lower() in password.lower() for part in own):
        raise invalid_field(field, "password_has_own_name", "密码不能包含用户名、姓名或邮箱")
    if zxcvbn(password[:_ESTIMATED_LENGTH_MAX], user_inputs=own)["score"] < _SCORE_MIN:
        raise invalid_field(field, "password_weak", "密码太容易被猜到: 请用更长的、不常见的词句")


def change_own(work: UnitOfWork, user: Mapping[str, Any], password_hash: str, kept_session: Any) -> None:
    """Keep a person's new password; every other session of theirs ends."""
    store.save_password(work, user["id"], password_hash)
    store.end_other_sessions(work, user["id"], kept_session, "password_changed")


def _names(person: Mapping[str, Any]) -> Iterable[str]:
    email = str(person.get("email") or "")
    return (str(person.get("username") or ""), str(person.get("name") or ""), email.partition("@")[0])
