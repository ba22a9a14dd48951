"""Asking all services at once, when some of them may be away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eventlet

from services.common.config import ALL_SERVICES
from services.common.errors import CreditError, error_from_dict


def ask_everybody(
    ground: Any, method: str, request_for: Callable[[str], dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """What each service answered, or its refusal (a `CreditError`), by name; waits `seconds` in all."""

    def ask(name: str) -> Any:
        try:
            answer = ground.client.call_async(name, method, request_for(name), seconds)()
        except CreditError as refusal:
            return refusal
        return error_from_dict(answer["error"]) if "error" in answer else answer["ok"]

    # Each waits in a greenthread of its own: one after the other, the waits for those away would add up.
    asking = {name: eventlet.spawn(ask, name) for name in ALL_SERVICES}
    return {name: asked.wait() for name, asked in asking.items()}
