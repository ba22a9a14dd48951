"""pgbench with the ledger's own statements: what the database could do with one order a transaction.

Nobody keeps a copy of the statements: while the suite takes orders one at a time, PostgreSQL logs what it
is asked. The transaction of an order becomes a script in which what each order has of its own (its number,
its ids, its place in a chain) counts up; there is one script for each customer, and pgbench chooses among
them. What the statements say of balances stays what it was, which is as much work.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

from credit.databases import dsn
from credit.postgres_server import PostgresError, binary
from services.common.config import Settings
from tests.bench.company import Bench
from tests.bench.load import Connection
from tests.support.wait import wait_until

Statements = Sequence[str]
_LOGGED_SECONDS_MAX = 30
# The last twelve digits of an id: two for which of an order's ids it is, ten that count up.
_COUNTED = 12
_CLIENTS_MAX = 900
_COUNTING = "\\set turn :turn + 1\n\\set number 1000000000 + :client_id * 10000000 + :turn\n"
_LINE = re.compile(r"(\d+) (\S*) LOG:  statement: (.*)", re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LITERAL_OR_END = re.compile(r"'(?:[^'\\]|''|\\.)*'|;", re.DOTALL)
_LONG_INTEGERS = re.compile(r"ARRAY\[[\d,]+\]::BIGINT\[\]")


def record(bench: Bench, settings: Settings) -> list[str]:
    """A script for each customer, of an order that the running suite has just taken of it."""
    connection = Connection(bench.url, bench.token)

    def order() -> str:
        body = bench.order()
        status, answer = connection.send("/orders", body["order_no"], body)
        assert status == 201, answer
        assert json.loads(answer)["status"] == "reserved", answer
        return str(body["order_no"])

    log = settings.data_dir / "postgres" / "server.log"
    with _logged(settings):
        wait_until(lambda: order() in _orders(log, settings), _LOGGED_SECONDS_MAX, what="the log")
        # Twice each customer: what both name is the customer's, what one names is that order's.
        numbers = [order() for _ in range(2 * len(bench.customers))]
    connection.close()
    found = _orders(log, settings)
    return [_script(number, found) for number in numbers[len(bench.customers) :]]


def transactions_per_second(
    scripts: Sequence[str], settings: Settings, seconds: float, connections: int
) -> float:
    """How many such orders a second, over so many connections, each a durable transaction of its own.

    Afterwards the ledger's balances are wrong. `PostgresError` where there is no pgbench.
    """
    assert connections < _CLIENTS_MAX, connections
    for name in ("fsync", "synchronous_commit"):
        assert _ask(settings, f"SHOW {name}") == "on", name
    before = _ask(settings, "SELECT count(*) FROM orders")
    said = _run(scripts, settings, seconds, connections)
    assert _number(r"failed transactions: (\d+)", said) == 0, said
    done = _number(r"actually processed: (\d+)", said)
    assert _ask(settings, "SELECT count(*) FROM orders") == before + done, said
    return _number(r"tps = ([\d.]+)", said)


def _run(scripts: Sequence[str], settings: Settings, seconds: float, connections: int) -> str:
    program = binary("pgbench")
    with tempfile.TemporaryDirectory() as folder:
        command = [str(program), "--no-vacuum", "--define", "turn=0"]
        command += ["--client", str(connections), "--jobs", str(os.cpu_count() or 1)]
        command += ["--time", str(max(1, round(seconds)))]
        for place, script in enumerate(scripts):
            path = Path(folder) / f"{place}.sql"
            path.write_text(script, encoding="utf-8")
            command += ["--file", str(path)]
        done = subprocess.run(
            [*command, dsn(settings, "limits")], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise PostgresError(f"pgbench: {done.stderr[-3000:]}")
    return done.stdout


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    assert found is not None, said
    return float(found[1])


def _script(number: str, orders: Mapping[str, Statements]) -> str:
    """A pgbench script of an order's transaction."""
    others = {id_ for other, texts in orders.items() if other != number for id_ in _ids(texts)}
    text = "".join(f"{_in_one_trip(statement)};\n" for statement in orders[number])
    for place, id_ in enumerate(sorted(_ids(orders[number]) - others)):
        text = text.replace(id_, f"{id_[:-_COUNTED]}{place:02x}:number")
    text = text.replace(number, f"{number}-:number")
    return _COUNTING + _LONG_INTEGERS.sub(lambda found: re.sub(r"\d+", ":number", found[0]), text)


def _ids(statements: Statements) -> set[str]:
    return {id_ for statement in statements for id_ in _ID.findall(statement)}


def _in_one_trip(statement: str) -> str:
    """Several statements that went together, as pgbench sends them together."""
    return _LITERAL_OR_END.sub(lambda found: "\\;" if found[0] == ";" else found[0], statement)


def _orders(log: Path, settings: Settings) -> dict[str, Statements]:
    """The transactions in which an order was reserved, by the order's number."""
    return {
        found[1]: statements
        for statements in _transactions(log, str(make_url(settings.database("limits")).database))
        if (found := re.search(r"INSERT INTO orders \(.*?'(BENCH-\d+)'", "\n".join(statements), re.DOTALL))
    }


def _transactions(log: Path, database: str) -> Iterator[Statements]:
    """The committed transactions of one database in PostgreSQL's log."""
    open_ones: dict[str, list[str]] = {}
    for message in _messages(log):
        found = _LINE.fullmatch(message)
        if found is None or found[2] != database:
            continue
        process, statement = found[1], found[3]
        if statement.startswith("BEGIN"):
            open_ones[process] = []
        if process in open_ones:
            open_ones[process].append(statement)
        if statement.startswith(("COMMIT", "ROLLBACK")):
            statements = open_ones.pop(process, [])
            if statement.startswith("COMMIT"):
                yield statements


def _messages(log: Path) -> Iterator[str]:
    """PostgreSQL's messages: it begins every further line of one with a tab."""
    message: list[str] = []
    for line in log.read_text(encoding="utf-8").split("\n"):
        if line.startswith("\t"):
            message.append(line[1:])
            continue
        yield "\n".join(message)
        message = [line]


@contextmanager
def _logged(settings: Settings) -> Iterator[None]:
    """Have PostgreSQL log every statement with its process and database."""
    wanted = {"log_statement": "all", "log_line_prefix": "%p %d "}
    for name, value in wanted.items():
        _do(settings, f"ALTER SYSTEM SET {name} = '{value}'")
    _do(settings, "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        for name in wanted:
            _do(settings, f"ALTER SYSTEM RESET {name}")
        _do(settings, "SELECT pg_reload_conf()")


def _do(settings: Settings, statement: str) -> Any:
    connection = psycopg2.connect(dsn(settings, "limits"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None
    finally:
        connection.close()


def _ask(settings: Settings, question: str) -> Any:
    return _do(settings, question)[0]
