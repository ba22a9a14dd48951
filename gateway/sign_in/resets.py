"""A forgotten password: a mail with a link that is good once, for half an hour.

Asking only notes who is asked for, the same for everybody; who that is, and whether there is a mail to be
sent, is looked up afterwards. So neither the answer nor the time it takes tells who has an account.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.audit.trail import Origin, trail
from gateway.identity import store as identity
from gateway.identity import tokens
from gateway.notifications.store import add_mail
from gateway.sign_in import delays, store
from gateway.sign_in.sealing import PLACE, Seal
from services.common.db import Database, UnitOfWork
from services.common.errors import invalid_field

VALID = timedelta(minutes=30)
_AT_ONCE_MAX = 100
_SUBJECT = "重设密码 / Reset your password"
_BODY = """{name}, 您好:

有人 (希望是您) 请求重设您在客户授信管理系统的密码。请在 30 分钟内打开以下链接, 链接只能使用一次:

{link}

如果不是您本人操作, 请忽略这封邮件, 您的密码不会改变。

Somebody asked to reset the password of your account ({username}). The link is good once, for 30 minutes.
If it was not you, nothing has changed.
"""


def ask(work: UnitOfWork, name: str, origin: Origin) -> None:
    """Note that somebody asks for a mail to this username or address; 429 for asking too often."""
    delays.attempt(work, delays.reset(name), delays.asker(origin.address))
    store.add_reset_request(work, name, origin.address)
    trail(work).add("password.reset_asked", name, actor="")


def answer_requests(database: Database, public_url: str, seal: Seal, caller: Any) -> int:
    """Put mails into the queue for those who asked and have an account with an address; returns how many."""
    with database.begin(caller) as work:
        asked = store.take_reset_requests(work, _AT_ONCE_MAX)
        people = {person["id"]: person for one in asked for person in store.people_named(work, one["name"])}
        for person in people.values():
            _send_link(work, person, public_url, seal)
    return len(people)


def _send_link(work: UnitOfWork, person: Mapping[str, Any], public_url: str, seal: Seal) -> None:
    token = secrets.token_urlsafe(32)
    hashed = tokens.hash_token(token)
    store.add_reset(work, hashed, person["id"], work.now + VALID)
    link = f"{public_url}/#/reset-password/{PLACE}"
    body = _BODY.format(name=person["name"], username=person["username"], link=link)
    add_mail(work, f"password-reset:{hashed}", person["email"], _SUBJECT, body, sealed=seal.seal(token))


def holder(work: UnitOfWork, token: str) -> dict[str, Any]:
    """The user whom a token of a mail was sent to; `Invalid` for one that is used, late or nobody's.

    Locks the token's row.
    """
    found = store.lock_reset(work, tokens.hash_token(token))
    user = identity.find_user(work, user_id=found["user_id"]) if found else None
    if found is None or user is None or not user["active"]:
        raise invalid_field(
            "token", "reset_token_invalid", "链接无效、已使用或已过期", "链接无效、已使用或已过期, 请重新申请"
        )
    return user


def reset(work: UnitOfWork, token: str, password_hash: str) -> dict[str, Any]:
    """Set the password; every session of the user ends, and so does every other link."""
    user = holder(work, token)
    store.save_password(work, user["id"], password_hash)
    store.end_sessions(work, user["id"], "password_reset")
    store.use_resets(work, user["id"])
    store.forget_delay(work, delays.account(user["username"]))
    trail(work).add("password.reset", user["username"], actor=user["username"])
    return {}
