"""The table of all routes, from every module of gateway/api."""

from __future__ import annotations

import importlib
import pkgutil

from gateway import api
from gateway.routes import Route


def all_routes() -> list[Route]:
    """Every route of every module in gateway/api, in the order of their names."""
    routes: list[Route] = []
    for module in sorted(pkgutil.iter_modules(api.__path__), key=lambda found: found.name):
        routes += getattr(importlib.import_module(f"gateway.api.{module.name}"), "ROUTES", [])
    return routes
