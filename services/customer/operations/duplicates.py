"""Customers who may be the same as another: told when one is created, and whenever it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.common.db import UnitOfWork
from services.customer import names, store

_TOLD_MAX = 20


def alike(work: UnitOfWork, name: str, uscc: str | None, but: UUID | None = None) -> list[dict[str, Any]]:
    """Those whom a customer with this name and credit code may be, the likest first; only whom one sees.

    `similarity` is from 0 to 1; the same credit code counts as 1.
    """
    key = names.name_key(name)
    found = []
    for row in store.find_alike(work, key, uscc, but):
        same = uscc is not None and row["uscc"] == uscc
        likeness = 1.0 if same else names.similarity(key, row["name_key"])
        if likeness >= names.SIMILAR_FROM:
            shown = {each: row[each] for each in ("id", "code", "name", "uscc")}
            found.append({**shown, "similarity": f"{likeness:.2f}"})
    return sorted(found, key=lambda one: (-float(one["similarity"]), one["code"]))[:_TOLD_MAX]


def warnings_of(work: UnitOfWork, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What whoever has just created a customer is told of others that it may be."""
    found = alike(work, record["name"], record["uscc"], record["id"])
    if not found:
        return []
    message = f"系统中已有 {len(found)} 个名称相近的客户, 请确认是否重复"
    return [{"code": "similar_customers", "message": message, "customers": found}]


def find_duplicates(work: UnitOfWork, received: Mapping[str, Any]) -> dict[str, Any]:
    """Those whom a customer to be created may be: `{"items": [...]}`."""
    return {"items": alike(work, received["name"], received["uscc"])}
