"""Lists in SQL: the rows of a sub-table in JSONB, of a list of literals, of what functions make of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, FromClause, Text, case, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by, array

from services.common.expressions.sql.pieces import Sql, from_jsonb, missing, not_in_sql, sql_type
from services.common.expressions.types import ANY, Type, column_of

EMPTY = literal_column("'[]'::jsonb", JSONB())


@dataclass(frozen=True)
class Rows:
    """A FROM clause that has a row per item: `item` is its value, `place` its place.

    `row` is the JSONB object of a sub-table's row, or the item itself.
    """

    source: FromClause
    item: Sql
    place: Sql
    row: Sql

    def select(self, *columns: Sql) -> Any:
        """A SELECT over the rows, inside whatever statement it will stand."""
        return select(*columns).select_from(self.source).correlate_except(self.source)

    def value(self, item: Sql) -> Sql:
        """All rows as one JSONB array of such items."""
        ordered = aggregate_order_by(func.to_jsonb(item), self.place.asc())
        query = self.select(func.coalesce(func.jsonb_agg(ordered), EMPTY))
        found: Sql = query.scalar_subquery()
        return found


def elements(value: Sql, holder: Type, columns: tuple[str, ...], at: int) -> Rows:
    """The rows of a JSONB array; the item is what `columns` lead to inside of each."""
    safe = case((func.jsonb_typeof(value) == "array", value), else_=EMPTY)
    source = func.jsonb_array_elements(safe).table_valued("value", with_ordinality="place").render_derived()
    row = source.c.value
    row.type = JSONB()
    item, kind = descend(row, holder.of_items, columns, at)
    return Rows(source, from_jsonb(item, kind), source.c.place, row)


def descend(value: Sql, holder: Type, columns: tuple[str, ...], at: int) -> tuple[Sql, Type]:
    """The JSONB value of a record's column, and its type."""
    for name in columns:
        if holder.kind == "list" and not holder.loose:
            raise not_in_sql(at, "列表中的列表", "改用一层子表")
        holder = column_of(holder, name) or ANY
        value = value.op("->", return_type=JSONB())(name)
    return value, holder


def of_values(values: list[Sql], kind: Type) -> Rows:
    """The rows of so many values."""
    wanted = sql_type(kind)
    listed = (
        array([cast(value, wanted) for value in values], type_=wanted)
        if values
        else cast(array([]), ARRAY(wanted))
    )
    return of_array(listed, kind)


def of_array(listed: Sql, kind: Type) -> Rows:
    """The rows of an SQL array."""
    source = func.unnest(listed).table_valued("value", with_ordinality="place").render_derived()
    item = source.c.value
    item.type = sql_type(kind)
    return Rows(source, item, source.c.place, item)


def filtered(rows: Rows, condition: Sql) -> Rows:
    """The rows for which a condition holds."""
    return _derived(
        rows.select(rows.item.label("value"), rows.place.label("place"), rows.row.label("row")).where(
            condition
        )
    )


def mapped(rows: Rows, value: Sql) -> Rows:
    """A row for each, with another value."""
    return _derived(rows.select(value.label("value"), rows.place.label("place"), value.label("row")))


def unique(rows: Rows) -> Rows:
    """The different values in the order in which they first come, without nulls."""
    first = func.min(rows.place)
    query = rows.select(rows.item.label("value"), first.label("place"), rows.item.label("row"))
    return _derived(query.where(rows.item.is_not(None)).group_by(rows.item))


def _derived(query: Any) -> Rows:
    source = query.lateral()
    return Rows(source, source.c.value, source.c.place, source.c.row)


def list_or_null(value: Sql, listed: Sql) -> Sql:
    """A list that is null when what it was read from is no list."""
    return case((func.jsonb_typeof(value) == "array", listed), else_=missing("list"))


def split(text: Sql, separator: Sql) -> Sql:
    """The SQL array of a text's parts; PostgreSQL has none for a text without characters."""
    return case(
        (separator.is_(None), cast(literal_column("NULL"), ARRAY(Text()))),
        (text == "", array([cast(literal_column("''"), Text())])),
        else_=func.string_to_array(text, separator, type_=ARRAY(Text())),
    )
