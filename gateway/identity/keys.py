"""API keys: made, revoked, and when they were last used."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import eventlet

from gateway.audit.trail import trail
from gateway.identity import forms, roles, store, tokens
from services.common.caller import Caller, service_caller
from services.common.config import GATEWAY
from services.common.db import Database, UnitOfWork
from services.common.errors import NotFound, invalid_field

_HINT_LENGTH = 7
_NOTED_EVERY_SECONDS = 60.0
_NOTED_MAX = 10_000


def create_key(work: UnitOfWork, received: Mapping[str, Any], key_id: UUID, text: str) -> dict[str, Any]:
    """Keep an API key's hash; its text is in no answer that is stored. 403 for rights beyond the caller's."""
    roles.check_rights(received["permissions"], forms.catalogue(work))
    roles.require_holds_fully(work, received["permissions"])
    expires_at: datetime | None = received["expires_at"]
    if expires_at is not None and expires_at <= work.now:
        raise invalid_field("expires_at", "in_the_past", "应晚于现在", "密钥的有效期应晚于现在")
    key = {
        "id": key_id,
        "name": received["name"],
        "key_hash": tokens.hash_token(text),
        "hint": text[:_HINT_LENGTH],
        "permissions": sorted(set(received["permissions"])),
        "created_by": work.caller.actor,
        "created_at": work.now,
        "expires_at": expires_at,
    }
    store.add(work, "api_keys", key)
    names = ("name", "hint", "permissions", "expires_at")
    trail(work).add("key.create", str(key_id), after={name: key[name] for name in names})
    return {name: value for name, value in key.items() if name != "key_hash"}


def revoke_key(work: UnitOfWork, key_id: str) -> dict[str, Any]:
    """Revoke an API key at once; again is no change. 403 for a key with rights beyond the caller's."""
    key = store.lock_key(work, key_id)
    if key is None:
        raise NotFound("没有这个密钥", code="key_not_found")
    roles.require_holds(work, key["permissions"])
    if key["revoked_at"] is None:
        store.change(work, "api_keys", key["id"], {"revoked_at": work.now})
        trail(work).add("key.revoke", str(key["id"]), {"name": key["name"]})
    return {"id": key["id"], "revoked_at": key["revoked_at"] or work.now}


class KeyUses:
    """Notes when and from where keys are used, at most once a minute each and beside the request."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[str, float] = {}

    def note(self, caller: Caller, address: str) -> None:
        """This caller has come with its key."""
        if caller.kind != "key":
            return
        now = time.monotonic()
        if now - self._noted.get(caller.id, -_NOTED_EVERY_SECONDS) < _NOTED_EVERY_SECONDS:
            return
        if len(self._noted) >= _NOTED_MAX:
            self._noted.clear()
        self._noted[caller.id] = now
        eventlet.spawn_n(self._write, UUID(caller.id), address)

    def _write(self, key_id: UUID, address: str) -> None:
        with self._database.begin(service_caller(GATEWAY)) as work:
            store.change(work, "api_keys", key_id, {"last_used_at": work.now, "last_used_from": address})
