"""Functions of texts in SQL."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import ARRAY, Integer, Numeric, Text, case, cast, func
from sqlalchemy.dialects.postgresql import aggregate_order_by, array

from services.common.expressions import literals
from services.common.expressions.functions import formats
from services.common.expressions.functions.texts import BLANKS, VALUE_PATTERN
from services.common.expressions.problems import VALUE_LENGTH_MAX
from services.common.expressions.sql.pieces import (
    Sql,
    bounded,
    constant,
    let,
    missing,
    not_in_sql,
    number,
    settled,
    whole,
)
from services.common.expressions.typed import Typed

if TYPE_CHECKING:
    from services.common.expressions.sql.compiler import Compiler

Make = Callable[["Compiler", Typed], Sql]
# PostgreSQL's own collation of all of Unicode: capitals as Python and browsers know them.
_COLLATION = "pg_unicode_fast"
_DIGITS = 33
_DATE_PARTS = {
    "yyyy": "YYYY",
    "mm": "MM",
    "m": "FMMM",
    "dd": "DD",
    "d": "FMDD",
    "hh": "HH24",
    "mi": "MI",
    "ss": "SS",
}


def _count(value: Sql, low: int = 0) -> Sql:
    return whole(value, low, VALUE_LENGTH_MAX + 1)


def _of_text(build: Callable[[Sql], Sql]) -> Make:
    return lambda compiler, node: build(compiler.value(node.args[0], "text"))


def _of_texts(build: Callable[..., Sql]) -> Make:
    return lambda compiler, node: let(compiler.values(node.args, "text"), build)


def _side(name: str) -> Make:
    def make(compiler: Compiler, node: Typed) -> Sql:
        count = compiler.value(node.args[1], "number") if len(node.args) > 1 else number(1)
        found: Sql = getattr(func, name)(compiler.value(node.args[0], "text"), _count(count), type_=Text())
        return found

    return make


def _mid(compiler: Compiler, node: Typed) -> Sql:
    text, start, count = node.args

    def build(one: Sql, begin: Sql, length: Sql) -> Sql:
        return case((begin >= 1, func.substr(one, begin, length, type_=Text())), else_=missing("text"))

    values = [compiler.value(text, "text"), _count(compiler.value(start, "number"))]
    return let([*values, _count(compiler.value(count, "number"))], build)


def _textjoin(compiler: Compiler, node: Typed) -> Sql:
    separator, *values = node.args
    parts: Sql = cast(array([]), ARRAY(Text()))
    for value in values:
        if value.type.kind == "list":
            rows = compiler.rows(value)
            shown = func.nullif(compiler.shown_as(rows.item, value.type.of_items), "", type_=Text())
            listed = func.array_agg(aggregate_order_by(shown, rows.place.asc()), type_=ARRAY(Text()))
            part: Sql = func.coalesce(rows.select(listed).scalar_subquery(), cast(array([]), ARRAY(Text())))
        else:
            part = array([func.nullif(compiler.shown(value), "", type_=Text())])
        parts = func.array_cat(parts, part, type_=ARRAY(Text()))
    return bounded(func.array_to_string(parts, compiler.value(separator, "text"), type_=Text()))


def _format(compiler: Compiler, node: Typed) -> Sql:
    value, pattern = node.args
    written = literals.constant(pattern)
    if not isinstance(written, str):
        raise not_in_sql(pattern.at, "不是常量的格式", '格式写作文本常量, 如 "0.00"')
    found, parts = formats.number_pattern(written), formats.date_pattern(written)
    if value.type.kind in ("number", "null"):
        return _number_text(compiler.value(value, "number"), found) if found else missing("text")
    if parts is None:
        return missing("text")
    moment = compiler.value(value)
    if value.type.kind == "datetime":
        moment = compiler.local(moment)
    return let([moment], lambda one: _date_text(one, parts))


def _number_text(value: Sql, pattern: formats.NumberPattern) -> Sql:
    groups = "999," * (_DIGITS // 3 - 1) + "990" if pattern.grouped else "9" * (_DIGITS - 1) + "0"
    mask = "FM" + groups + ("." + "0" * pattern.places if pattern.places else "")
    scaled = value * number(100) if pattern.percent else value
    text = func.to_char(func.round(scaled, pattern.places, type_=Numeric()), mask, type_=Text())
    return text.op("||", return_type=Text())("%") if pattern.percent else text


def _date_text(moment: Sql, parts: tuple[str, ...]) -> Sql:
    def piece(part: str) -> Sql:
        if part in _DATE_PARTS:
            return func.to_char(moment, _DATE_PARTS[part], type_=Text())
        return constant(part, Text())

    text = piece(parts[0])
    for part in parts[1:]:
        text = text.op("||", return_type=Text())(piece(part))
    return text


def _value(text: Sql) -> Sql:
    def build(found: Sql) -> Sql:
        digits = cast(func.replace(func.rtrim(found, "%"), ",", ""), Numeric())
        scaled = case((found.like("%\\%", escape=None), digits * number(Decimal("0.01"))), else_=digits)
        return case((found.op("~")(f"^({VALUE_PATTERN})$"), settled(scaled)), else_=missing("number"))

    return let([func.btrim(text, BLANKS, type_=Text())], build)


def _replace(text: Sql, old: Sql, new: Sql) -> Sql:
    return bounded(func.replace(text, old, new, type_=Text()))


def _endswith(text: Sql, end: Sql) -> Sql:
    result: Sql = func.right(text, func.char_length(end)) == end
    return func.coalesce(result, False)


def _found(text: Sql, part: Sql) -> Sql:
    return func.coalesce(func.strpos(text, part) > 0, False)


CALLS: dict[str, Make] = {
    "LEN": _of_text(lambda text: cast(func.char_length(text), Numeric())),
    "LEFT": _side("left"),
    "RIGHT": _side("right"),
    "MID": _mid,
    "TEXTJOIN": _textjoin,
    "UPPER": _of_text(lambda text: bounded(func.upper(text.collate(_COLLATION), type_=Text()))),
    "LOWER": _of_text(lambda text: bounded(func.lower(text.collate(_COLLATION), type_=Text()))),
    "TRIM": _of_text(lambda text: func.btrim(text, BLANKS, type_=Text())),
    "REPLACE": _of_texts(_replace),
    "CONTAINS": _of_texts(_found),
    "STARTSWITH": _of_texts(lambda text, start: func.coalesce(func.starts_with(text, start), False)),
    "ENDSWITH": _of_texts(_endswith),
    "FIND": _of_texts(
        lambda part, text: cast(func.nullif(func.strpos(text, part), 0, type_=Integer()), Numeric())
    ),
    "TEXT": _format,
    "VALUE": _of_text(_value),
}
