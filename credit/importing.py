"""Bringing a company's own records in through the public API: customers as a file, documents in batches."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from credit.demo.client import BATCH_MAX, Client

KINDS = ("customers", "orders", "invoices", "payments")
FAULTS_SHOWN_MAX = 20
_DONE = {"reserved", "held", "recorded", "duplicate"}


class UnreadableImport(Exception):
    """The file is not what was announced; the text says where."""


@dataclass
class ImportResult:
    """How the rows of a file fared: how many were taken over, and what was wrong with the others."""

    rows: int = 0
    taken: int = 0
    refused: int = 0
    faults: list[str] = field(default_factory=list)


def import_file(client: Client, kind: str, path: Path, progress: Callable[[int], None]) -> ImportResult:
    """Send a file's rows; a repeated import of the same file changes nothing.

    Customers: an xlsx or csv file as `POST /customers:import` takes it. Documents: a UTF-8 csv file whose
    header names the members of the JSON body. `progress` gets the number of rows done since its last call.
    """
    if kind == "customers":
        return _import_customers(client, path, progress)
    rows = _read_rows(path)
    result = ImportResult(rows=len(rows))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    for start in range(0, len(rows), BATCH_MAX):
        part = rows[start : start + BATCH_MAX]
        for line, answer in enumerate(
            client.batch(f"/{kind}:batch", part, key=f"{digest}:{start}"), start + 2
        ):
            _count(result, line, answer)
        progress(len(part))
    return result


def _import_customers(client: Client, path: Path, progress: Callable[[int], None]) -> ImportResult:
    answer = client.upload("/customers:import", path)
    faults = [f"第 {fault.get('row')} 行: {fault.get('message')}" for fault in answer.get("errors", [])]
    taken = int(answer.get("created", 0)) + int(answer.get("updated", 0))
    progress(taken + len(faults))
    return ImportResult(taken + len(faults), taken, 0, faults)


def _read_rows(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UnreadableImport(f"{path}: {problem}") from problem
    if not rows:
        raise UnreadableImport(f"{path}: 没有数据行 / no rows")
    for line, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise UnreadableImport(f"{path} 第 {line} 行: 列数与表头不符 / differs from the header")
    # An empty cell says nothing: the member is left out.
    return [{name.strip(): value.strip() for name, value in row.items() if value.strip()} for row in rows]


def _count(result: ImportResult, line: int, answer: dict[str, Any]) -> None:
    if answer["status"] in _DONE:
        result.taken += 1
        return
    if answer["status"] == "refused":
        result.refused += 1
    why = answer.get("problem") or {}
    if not why and answer.get("decision"):
        why = {"detail": "; ".join(reason["message"] for reason in answer["decision"].get("reasons", []))}
    result.faults.append(f"第 {line} 行: {answer['status']} {why.get('detail', '')}".rstrip())
