"""What identity ships with: the roles, and a first administrator."""

from __future__ import annotations

import secrets

from gateway.identity import operations, store, tokens
from services.common.config import Settings
from services.common.db import UnitOfWork


def seed(work: UnitOfWork, settings: Settings) -> str | None:
    """Make the roles and the first administrator; returns a generated password, to be shown once."""
    operations.seed_roles(work)
    if store.find_user(work, username=settings.admin_username) is not None:
        return None
    password = settings.admin_password or secrets.token_urlsafe(12)
    operations.ensure_admin(work, settings.admin_username, tokens.hash_password(password))
    return None if settings.admin_password else password
