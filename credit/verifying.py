"""Checking what must always hold: event logs, positions, the ledger, and reporting against the ledger."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg2

from credit.databases import DatabaseProblem, dsn
from credit.settling import Progress
from credit.suite import database_of
from services.common.caller import service_caller
from services.common.config import ALL_SERVICES, GATEWAY, Settings


@dataclass
class Check:
    """One thing that was checked: how many pieces of it, and what was wrong."""

    title: str
    checked: int = 0
    faults: list[str] = field(default_factory=list)


def verify(
    settings: Settings, tell: Callable[[Check], None], progress: Progress = lambda done, total: None
) -> list[Check]:
    """Check everything, telling each result as it is known; nothing is changed.

    `progress` gets how many rows of the ledger have been read and how many there are.
    """
    checks = []
    ledger = partial(_check_ledger, progress=progress)
    for check in (
        _check_logs,
        _check_positions,
        _check_parked,
        ledger,
        _check_reporting,
        _check_roots,
        _check_audit,
    ):
        done = check(settings)
        tell(done)
        checks.append(done)
    return checks


def _check_logs(settings: Settings) -> Check:
    """Every log is numbered 1, 2, 3, … without a gap, up to its head."""
    check = Check("事件日志连续无缺 / event logs have no gap")
    for name in ALL_SERVICES:
        with _reading(settings, name) as cursor:
            cursor.execute(
                "SELECT count(sequence), coalesce(min(sequence), 1), coalesce(max(sequence), 0),"
                " coalesce((SELECT sequence FROM event_head), 0) FROM events"
            )
            count, first, last, head = cursor.fetchone()
        check.checked += count
        if (first, last, head) != (1, count, count):
            check.faults.append(f"{name}: {count} 个事件, 编号 {first}–{last}, 记录的末尾 {head}")
    return check


def _check_positions(settings: Settings) -> Check:
    """Every position stands at an event that its source still has."""
    check = Check("读取位置与来源一致 / positions stand where their sources say")
    for name in ALL_SERVICES:
        with _reading(settings, name) as cursor:
            cursor.execute("SELECT source, sequence, last_event_id, state FROM positions")
            rows = cursor.fetchall()
        for source, sequence, event_id, state in rows:
            if source not in ALL_SERVICES:
                continue
            check.checked += 1
            if state != "running":
                check.faults.append(f"{name} 已停止读取 {source} 的事件: {state}")
            if sequence and not _has_event(settings, source, sequence, event_id):
                check.faults.append(
                    f"{name} 读到 {source} 的第 {sequence} 个事件, 但来源没有它: 运行 credit rebuild {name}"
                )
    return check


def _check_parked(settings: Settings) -> Check:
    """Nothing waits for a person."""
    check = Check("没有待人工处理的事件 / nothing is parked")
    for name in ALL_SERVICES:
        with _reading(settings, name) as cursor:
            cursor.execute(
                "SELECT source, ordering_key, count(*), min(problem) FROM parked_events"
                " WHERE resolved_at IS NULL GROUP BY 1, 2 ORDER BY 1, 2"
            )
            for source, key, count, problem in cursor.fetchall():
                check.faults.append(f"{name}: {source} 的 {count} 个事件 ({key}): {problem}")
        check.checked += 1
    return check


def _check_ledger(settings: Settings, progress: Progress) -> Check:
    """Every balance is the sum of its entries, which form a chain, and of the documents behind them."""
    ledger = importlib.import_module("services.limits.operations.verification")
    with database_of(settings, "limits") as database, database.read(service_caller("limits")) as work:
        answer = ledger.verify(work, progress)
    check = Check("额度余额等于分录与单据之和, 分录链完整 / balances are their sums, chains are whole")
    check.checked = sum(answer["counts"].values())
    check.faults = [_line(difference) for difference in answer["differences"]]
    if answer["found"] > len(check.faults):
        check.faults.append(f"共 {answer['found']} 处 / in all")
    return check


def _check_reporting(settings: Settings) -> Check:
    """Reporting shows for every customer what the ledger says."""
    answer = _compared(settings, "ledger_totals", "verify")
    return _check("报表与额度账一致 / reporting agrees with the ledger", answer)


def _check_roots(settings: Settings) -> Check:
    """The chains still have the roots that reporting was told when each business date closed."""
    answer = _compared(settings, "ledger_roots", "verify_roots")
    return _check("每日分录链根与报表所存一致 / daily roots are those that reporting holds", answer)


def _check_audit(settings: Settings) -> Check:
    """Every line of the audit trail follows from the one before it, up to the last."""
    trail = importlib.import_module("gateway.audit.store")
    check = Check("审计记录链完整 / the audit trail is one whole chain")
    with database_of(settings, GATEWAY) as database, database.read(service_caller(GATEWAY)) as work:
        check.checked, fault = trail.verify(work)
    if fault is not None:
        check.faults.append(fault)
    return check


def _compared(settings: Settings, told: str, verify_told: str) -> dict[str, Any]:
    """What reporting finds when it compares what it holds with what the ledger tells."""
    ledger = importlib.import_module("services.limits.operations.verification")
    reporting = importlib.import_module("services.reporting.operations.reports")
    with database_of(settings, "limits") as database, database.read(service_caller("limits")) as work:
        items = getattr(ledger, told)(work)["items"]
    with database_of(settings, "reporting") as database, database.read(service_caller("reporting")) as work:
        answer: dict[str, Any] = getattr(reporting, verify_told)(work, items)
    return answer


def _line(difference: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in difference.items())


def _check(title: str, answer: dict[str, Any]) -> Check:
    return Check(title, int(answer["checked"]), [str(fault) for fault in answer["faults"]])


def _has_event(settings: Settings, source: str, sequence: int, event_id: object) -> bool:
    with _reading(settings, source) as cursor:
        cursor.execute("SELECT id FROM events WHERE sequence = %s", (sequence,))
        row = cursor.fetchone()
    return row is not None and (event_id is None or row[0] == event_id)


@contextmanager
def _reading(settings: Settings, name: str) -> Iterator[Any]:
    try:
        connection = psycopg2.connect(dsn(settings, name))
    except psycopg2.OperationalError as problem:
        raise DatabaseProblem(f"无法连接数据库 {name}: {problem}") from problem
    try:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
