"""What identity ships with: the roles, and a first administrator."""

from __future__ import annotations

from gateway.identity import operations, roles
from services.common.config import Settings
from services.common.db import UnitOfWork


def seed(work: UnitOfWork, settings: Settings) -> str | None:
    """Make the roles and the first administrator; returns a generated password, to be shown once."""
    roles.seed_roles(work)
    return operations.ensure_admin(work, settings.admin_username, settings.admin_password or None)
