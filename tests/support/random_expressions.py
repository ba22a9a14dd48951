"""Random expressions that the checker accepts, by type, over the record of the shared vectors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from services.common.expressions import trees
from services.common.expressions.trees import Tree

_FIELDS = {
    "number": ["n", "whole", "neg", "zero", "nothing", "small", "应收 余额", "客户.年销售额"],
    "text": ["name", "code", "blank", "missing", "emoji", "客户.名称"],
    "bool": ["yes", "no", "unknown"],
    "date": ["due", "leap", "undated"],
    "datetime": ["made", "untimed"],
    "numbers": ["scores", "明细.金额", "明细.数量", "空表.金额", "no_numbers"],
    "texts": ["tags", "no_list", "明细.类别"],
}
_LITERALS: dict[str, st.SearchStrategy[Tree]] = {
    "number": st.one_of(
        st.integers(-20, 20).map(trees.number),
        st.decimals(-1_000, 1_000, places=3).map(trees.number),
        st.sampled_from(["0.00000000000000000001", "9" * 30, "0.5", "-1"]).map(
            lambda text: trees.literal(text, "number")
        ),
    ),
    "text": st.one_of(
        st.text("aAbß -,.%_额😀", max_size=5),
        st.sampled_from(["2026-01-31", "1,234.5", "80%", "13800138000"]),
    ).map(trees.text),
    "bool": st.booleans().map(lambda value: trees.literal(value, "bool")),
    "date": st.dates().map(lambda day: trees.literal(day.isoformat(), "date")),
    "datetime": st.just(trees.literal("2026-03-31T23:30:00Z", "datetime")),
    "numbers": st.lists(st.integers(-9, 9).map(trees.number), max_size=3).map(
        lambda items: trees.node("list", items)
    ),
    "texts": st.lists(st.sampled_from(["a", "A", "重点"]).map(trees.text), max_size=3).map(
        lambda items: trees.node("list", items)
    ),
}
# What gives a type, of what: an operator or a function, and the types of its arguments.
_CALLS: dict[str, list[tuple[str, ...]]] = {
    "number": [
        *((operator, "number", "number") for operator in ("+", "-", "*", "/", "^", "MOD", "POWER")),
        *(
            (name, "number")
            for name in ("negative", "percent", "ABS", "INT", "SIGN", "SQRT", "ROUND", "FLOOR")
        ),
        *(
            (name, "number", "number")
            for name in ("ROUND", "ROUNDUP", "ROUNDDOWN", "CEILING", "FLOOR", "COALESCE")
        ),
        *((name, "numbers", "number") for name in ("SUM", "AVG", "MIN", "MAX", "COUNT")),
        ("COUNT", "texts"),
        ("FIRST", "numbers"),
        ("LAST", "numbers"),
        ("IF", "bool", "number", "number"),
        ("SWITCH", "text", "text", "number", "number"),
        ("LEN", "text"),
        ("FIND", "text", "text"),
        ("VALUE", "text"),
        *((name, "date") for name in ("YEAR", "MONTH", "DAY", "WEEKDAY", "QUARTER")),
        *((name, "datetime") for name in ("YEAR", "DAY", "HOUR")),
        *((name, "date", "date") for name in ("-", "DAYS", "NETWORKDAYS", "DATEDIF")),
    ],
    "text": [
        ("&", "text", "number"),
        ("&", "date", "bool"),
        ("CONCAT", "datetime", "text"),
        *((name, "text") for name in ("UPPER", "LOWER", "TRIM", "LEFT")),
        *((name, "text", "number") for name in ("LEFT", "RIGHT")),
        ("MID", "text", "number", "number"),
        ("REPLACE", "text", "text", "text"),
        ("TEXTJOIN", "text", "texts", "number"),
        ("IF", "bool", "text", "text"),
        ("COALESCE", "text", "text"),
        ("FIRST", "texts"),
    ],
    "bool": [
        *((operator, kind, kind) for operator in ("=", "<>") for kind in ("number", "text", "bool", "date")),
        *(
            (operator, kind, kind)
            for operator in ("<", "<=", ">", ">=")
            for kind in ("number", "text", "date")
        ),
        (">", "datetime", "date"),
        ("=", "datetime", "datetime"),
        ("and", "bool", "bool"),
        ("or", "bool", "bool"),
        ("not", "bool"),
        ("in", "number", "numbers"),
        ("in", "text", "texts"),
        *((name, "text", "text") for name in ("CONTAINS", "STARTSWITH", "ENDSWITH")),
        *(("ISEMPTY", kind) for kind in ("number", "text", "numbers")),
        ("IF", "bool", "bool", "bool"),
        *((name, "text") for name in ("MOBILE", "EMAIL", "USCC", "IDCARD")),
    ],
    "date": [
        ("+", "date", "number"),
        ("-", "date", "number"),
        ("DATE", "number", "number", "number"),
        ("DATEVALUE", "text"),
        ("DATEVALUE", "datetime"),
        *((name, "date", "number") for name in ("DATEADD", "EDATE", "EOMONTH", "WORKDAY")),
        ("MAX", "date", "date"),
        ("COALESCE", "date", "date"),
    ],
    "datetime": [("DATEADD", "datetime", "number"), ("COALESCE", "datetime", "datetime")],
    "numbers": [("UNIQUE", "numbers")],
    "texts": [("SPLIT", "text", "text"), ("UNIQUE", "texts")],
}
# What looks at rows: the function, and the list whose rows it looks at.
_BY_ROW: dict[str, list[tuple[str, str]]] = {
    "number": [
        *((name, path) for name in ("SUMIF", "AVERAGEIF", "COUNTIF") for path in ("明细.金额", "scores")),
        ("COUNTIF", "明细"),
        ("COUNTIF", "tags"),
    ],
    "bool": [(name, path) for name in ("ANY", "ALL") for path in ("明细", "tags", "明细.金额")],
    "numbers": [("FILTER", "明细.金额"), ("FILTER", "scores"), ("MAP", "明细"), ("MAP", "scores")],
    "texts": [("FILTER", "明细.类别"), ("FILTER", "tags")],
}
_COLUMNS = {"明细": ["明细.金额", "明细.数量"], "明细.金额": ["明细.金额", "明细.数量"], "scores": ["scores"]}
KINDS = ("number", "text", "bool", "date", "datetime")


@st.composite
def expressions(draw: st.DrawFn, kind: str | None = None, depth: int = 4) -> Tree:
    """A tree of a type."""
    kind = kind or draw(st.sampled_from(KINDS))
    if depth <= 0 or draw(st.integers(0, 4)) == 0:
        field = st.sampled_from(_FIELDS[kind]).map(trees.field)
        return draw(st.one_of(field, _LITERALS[kind]))
    if kind in _BY_ROW and draw(st.integers(0, 5)) == 0:
        return draw(_by_row(kind, depth - 1))
    operator, *arguments = draw(st.sampled_from(_CALLS[kind]))
    made: list[Any] = [draw(expressions(argument, depth - 1)) for argument in arguments]
    return trees.node(operator, made)


@st.composite
def _by_row(draw: st.DrawFn, kind: str, depth: int) -> Tree:
    """A function over rows, with a condition or a value that mostly reads a column of the row."""
    name, path = draw(st.sampled_from(_BY_ROW[kind]))
    column = trees.field(draw(st.sampled_from(_COLUMNS.get(path, [path]))))
    if name == "MAP":
        computed = trees.node(
            draw(st.sampled_from(["+", "*", "/"])), [column, draw(expressions("number", depth))]
        )
    elif path in _COLUMNS:
        operator = draw(st.sampled_from(["<", ">=", "="]))
        computed = trees.node(operator, [column, draw(expressions("number", depth))])
    else:
        computed = trees.node(
            draw(st.sampled_from(["=", "<>", "<"])), [column, draw(expressions("text", depth))]
        )
    if name != "MAP" and draw(st.booleans()):
        computed = trees.node(
            draw(st.sampled_from(["and", "or"])), [computed, draw(expressions("bool", depth))]
        )
    return trees.node(name, [trees.field(path), computed])
