"""Texts for people with places in them (`{name}`), which facts fill. Pure; nothing is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def filled(template: str, facts: Mapping[str, Any]) -> str:
    """A text with `{name}` replaced by facts; unknown names stay as they are, nothing is evaluated."""
    text = template
    for name, value in facts.items():
        if not isinstance(value, (dict, list)):
            text = text.replace("{" + name + "}", str(value))
    return text
