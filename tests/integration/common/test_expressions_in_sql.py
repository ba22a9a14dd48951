"""The expression language in PostgreSQL: the same vectors, and the same values as Python on random
expressions.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, Text, create_engine, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from services.common.expressions import (
    Checked,
    ExpressionError,
    check,
    evaluate,
    from_json,
    parse,
    to_json,
    to_text,
)
from services.common.expressions.sql import compile_condition, compile_value, document_columns
from services.common.expressions.sql.pieces import SQL_TYPES
from services.common.expressions.types import Type
from tests.support.postgres import DatabaseServer
from tests.support.random_expressions import expressions
from tests.support.vectors import read_vectors

VECTORS = read_vectors()
COMPILED = [case for case in VECTORS.cases if "sql" not in case]
REFUSED = [case for case in VECTORS.cases if "sql" in case]
REFUSED_SHARE_MAX = 0.05

RECORDS = Table(
    "records",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("document", JSONB),
    *[Column(key, SQL_TYPES[field.type.kind]) for key, field in VECTORS.catalogue.fields.items()],
)
IN_COLUMNS = {key: RECORDS.c[key] for key in VECTORS.catalogue.fields}
IN_DOCUMENT = document_columns(VECTORS.catalogue, RECORDS.c.document)


@pytest.fixture(scope="module")
def connection(database_server: DatabaseServer) -> Iterator[Connection]:
    """A connection to a database with the vectors' record, in columns and in a document."""
    name = "expressions_in_sql"
    engine = create_engine(database_server.create(name))
    with engine.connect() as opened:
        RECORDS.create(opened)
        native = {
            key: to_json(value) if isinstance(value, (list, dict)) else value
            for key, value in VECTORS.record.items()
        }
        opened.execute(insert(RECORDS).values(id="1", document=VECTORS.plain_record, **native))
        opened.commit()
        yield opened
    engine.dispose()
    database_server.drop(name)


def checked(text: str) -> Checked:
    return check(parse(text), VECTORS.catalogue)


def plain(value: Any, kind: Type) -> Any:
    """What PostgreSQL answered as the vectors write it."""
    if isinstance(value, datetime) or kind.kind not in ("list", "record"):
        return to_json(value)
    return to_json(from_json(value, kind))


@pytest.mark.parametrize("columns", [IN_COLUMNS, IN_DOCUMENT], ids=["columns", "document"])
def test_postgresql_gives_the_values_of_the_vectors(connection: Connection, columns: dict[str, Any]) -> None:
    wrong = []
    for case in COMPILED:
        found = checked(case["text"])
        query = select(compile_value(found, columns, VECTORS.world)).select_from(RECORDS)
        value = plain(connection.execute(query).scalar_one(), found.typed.type)
        if value != case["value"]:
            wrong.append((case["text"], value, case["value"]))
    assert not wrong


def test_a_condition_finds_the_rows_for_which_it_holds(connection: Connection) -> None:
    wrong = []
    for case in COMPILED:
        if case["type"] != "bool":
            continue
        condition = compile_condition(checked(case["text"]), IN_DOCUMENT, VECTORS.world)
        found = connection.execute(select(RECORDS.c.id).where(condition)).all()
        if bool(found) != (case["value"] is True):
            wrong.append(case["text"])
    assert not wrong


def test_a_condition_on_a_column_can_use_its_index() -> None:
    condition = compile_condition(checked('code = "a" and whole >= 3'), IN_COLUMNS, VECTORS.world)
    sql = str(select(RECORDS.c.id).where(condition).compile(compile_kwargs={"literal_binds": True}))
    assert "coalesce" not in sql


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["text"][:60])
def test_what_sql_cannot_say_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_value(checked(case["text"]), IN_COLUMNS, VECTORS.world)
    found = refusal.value.errors[0]
    assert found["code"] == case["sql"]
    assert case["text"][found["position"] :].startswith(("RMB", "REGEXMATCH", "LOOKUP"))


def test_what_may_be_a_record_or_a_sub_table_is_refused() -> None:
    found = check(parse("SUM(lines.amount)"), {"lines": {"amount": "number"}})
    with pytest.raises(ExpressionError) as refusal:
        compile_value(found, {"lines": RECORDS.c.document}, VECTORS.world)
    assert refusal.value.errors[0]["code"] == "not_in_sql"


def test_little_is_refused() -> None:
    assert len(REFUSED) <= REFUSED_SHARE_MAX * len(VECTORS.cases)


@pytest.mark.parametrize(
    ("text", "position"), [("1 + whole", 4), ("TEXT(n, code)", 8), ("DATEADD(due, 1, code)", 16)]
)
def test_a_field_without_a_column_and_what_must_be_literal_is_refused(text: str, position: int) -> None:
    columns = {key: column for key, column in IN_COLUMNS.items() if key != "whole"}
    with pytest.raises(ExpressionError) as refusal:
        compile_value(checked(text), columns, VECTORS.world)
    assert refusal.value.errors[0]["code"] == "not_in_sql"
    assert refusal.value.errors[0]["position"] == position


@pytest.mark.parametrize(
    "text",
    [
        "n" + " / n" * 48,
        "n" + " + n" * 48,
        "n" + " ^ n" * 8,
        "MOD(" * 8 + "n" + ", 3)" * 8,
        "not " * 48 + "yes",
    ],
)
def test_deep_formulas_grow_in_sql_no_faster_than_in_text(connection: Connection, text: str) -> None:
    value = compile_value(checked(text), IN_COLUMNS, VECTORS.world)
    assert len(str(value)) < 400 * len(text)
    assert connection.execute(select(value).select_from(RECORDS)).all()


def test_what_is_nested_deeper_is_refused() -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_value(checked("n" + " - n" * 60), IN_COLUMNS, VECTORS.world)
    assert refusal.value.errors[0]["code"] == "not_in_sql"


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(trees=st.lists(expressions(), min_size=8, max_size=8))
def test_python_and_postgresql_agree_on_random_expressions(
    connection: Connection, trees: list[dict[str, Any]]
) -> None:
    compiled = []
    for tree in trees:
        try:
            found = check(tree, VECTORS.catalogue)
            compiled.append((found, compile_value(found, IN_DOCUMENT, VECTORS.world)))
        except ExpressionError:
            # A date that does not exist, or too deep for a query: refused before it could mean anything.
            continue
    if not compiled:
        return
    query = select(*[value.label(f"e{place}") for place, (_, value) in enumerate(compiled)])
    with connection.begin_nested():
        answers = connection.execute(query.select_from(RECORDS)).one()
    for (found, _), answer in zip(compiled, answers, strict=True):
        expected = to_json(evaluate(found.tree, VECTORS.record, VECTORS.world))
        assert plain(answer, found.typed.type) == expected, to_text(found.tree)
