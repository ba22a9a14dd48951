"""Functions that check what people type, in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import ARRAY, Integer, Text, and_, case, cast, func, literal_column, select

from services.common import uscc
from services.common.expressions.functions.checks import (
    EMAIL_PATTERN,
    IDCARD_CHECKS,
    IDCARD_PATTERN,
    IDCARD_WEIGHTS,
    MOBILE_PATTERN,
)
from services.common.expressions.sql.pieces import Sql, date_from_text, let
from services.common.expressions.typed import Typed

if TYPE_CHECKING:
    from services.common.expressions.sql.compiler import Compiler

Make = Callable[["Compiler", Typed], Sql]
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(uscc.LENGTH - 1))


def _matches(pattern: str) -> Make:
    return lambda compiler, node: func.coalesce(
        compiler.value(node.args[0], "text").op("~")(f"^({pattern})$"), False
    )


def _weighted(text: Sql, alphabet: str, weights: tuple[int, ...]) -> Sql:
    """Σ value of a character × its weight, over the first places."""
    place = func.generate_series(1, len(weights)).table_valued("value").render_derived()
    value = func.strpos(alphabet, func.substr(text, place.c.value, 1)) - 1
    listed = literal_column(f"(ARRAY[{', '.join(map(str, weights))}])", ARRAY(Integer()))
    weight = listed[place.c.value]
    query = select(func.sum(value * weight, type_=Integer())).select_from(place)
    found: Sql = query.correlate_except(place).scalar_subquery()
    return found


def _character(characters: str, place: Sql) -> Sql:
    return func.substr(characters, cast(place, Integer()) + 1, 1, type_=Text())


def _uscc(compiler: Compiler, node: Typed) -> Sql:
    def build(text: Sql) -> Sql:
        rest = (31 - _weighted(text, uscc.ALPHABET, _USCC_WEIGHTS) % 31) % 31
        right = func.right(text, 1) == _character(uscc.ALPHABET, rest)
        return case((text.op("~")(f"^[{uscc.ALPHABET}]{{{uscc.LENGTH}}}$"), right), else_=False)

    return let([compiler.value(node.args[0], "text")], build)


def _idcard(compiler: Compiler, node: Typed) -> Sql:
    def build(text: Sql) -> Sql:
        rest = _weighted(text, "0123456789", IDCARD_WEIGHTS) % 11
        written = func.concat_ws(
            "-", func.substr(text, 7, 4), func.substr(text, 11, 2), func.substr(text, 13, 2), type_=Text()
        )
        right = and_(
            func.right(text, 1) == _character(IDCARD_CHECKS, rest), date_from_text(written).is_not(None)
        )
        return case((text.op("~")(f"^({IDCARD_PATTERN})$"), right), else_=False)

    return let([compiler.value(node.args[0], "text")], build)


CALLS: dict[str, Make] = {
    "USCC": _uscc,
    "IDCARD": _idcard,
    "MOBILE": _matches(MOBILE_PATTERN),
    "EMAIL": _matches(EMAIL_PATTERN),
}
