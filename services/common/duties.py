"""Separation of duties: what nobody does alone unless the installation allows it. Pure."""

from __future__ import annotations

from services.common.caller import ALLOWED_AT_FIRST, Caller
from services.common.errors import Forbidden

# What an installation may allow, and whether it does at first; callers carry what is allowed.
APPROVE_OWN = "approve_own_application"
PUBLISH_OWN = "publish_own_draft"
DEFAULTS = {duty: duty in ALLOWED_AT_FIRST for duty in (APPROVE_OWN, PUBLISH_OWN)}


def require_other_author(caller: Caller, author: str) -> None:
    """Raise `Forbidden` for somebody who publishes what they wrote, where that is not allowed."""
    if caller.kind != "service" and caller.actor == author and PUBLISH_OWN not in caller.allows:
        raise Forbidden("发布人不能是作者本人", code="own_draft", duty=PUBLISH_OWN)


def require_other_initiator(caller: Caller, initiator: str) -> None:
    """Raise `Forbidden` for somebody who decides what they asked for, where that is not allowed."""
    if caller.kind != "service" and caller.actor == initiator and APPROVE_OWN not in caller.allows:
        raise Forbidden("不能审批自己的申请", code="own_application", duty=APPROVE_OWN)
