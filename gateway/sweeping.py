"""Removing the bytes of files that no record has held for long enough."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from services.common import storage
from services.common.errors import CreditError

_log = logging.getLogger(__name__)
_HOSTS = ("customer", "application")
Ask = Callable[[str, str, Mapping[str, Any]], Any]


def sweep_files(ask: Ask, url: str) -> int:
    """Ask the services which files nobody holds any more, and remove their bytes; returns of how many.

    What is interrupted, or cannot be asked now, is done by the next sweep.
    """
    files, swept = storage.FileStorage(url), 0
    for host in _HOSTS:
        try:
            items = ask(host, "take_removable_files", {})["items"]
            for item in items:
                files.delete(item["storage_key"])
            if items:
                swept += ask(host, "forget_files", {"ids": [item["id"] for item in items]})["forgotten"]
        except CreditError as problem:
            _log.info("files of %s are swept later: %s", host, problem.code)
    return swept
