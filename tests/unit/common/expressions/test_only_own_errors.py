"""Whatever stands in a record, an evaluation gives a value or an error of the language, and nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.expressions import (
    ExpressionError,
    check,
    evaluate,
    parse,
    record_from_json,
    to_json,
    to_text,
)
from tests.support.random_expressions import expressions
from tests.support.vectors import read_vectors

VECTORS = read_vectors()
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(allow_nan=True),
    st.text(max_size=6),
    st.decimals(allow_nan=True),
    st.dates(),
    st.just(datetime(1, 1, 1, tzinfo=UTC)),
    st.just(datetime(9999, 12, 31, 23, tzinfo=UTC)),
    st.just(datetime(2026, 1, 1)),  # noqa: DTZ001 - a local time is no instant
    st.just(object()),
)
_anything = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["金额", "名称", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_records = st.fixed_dictionaries({}, optional=dict.fromkeys(VECTORS.catalogue.fields, _anything))


@settings(max_examples=400)
@given(expressions(), _records)
def test_a_record_of_anything_gives_a_value_or_an_error_of_the_language(
    tree: dict[str, Any], record: dict[str, Any]
) -> None:
    try:
        checked = check(tree, VECTORS.catalogue)
        to_json(evaluate(checked.tree, record, VECTORS.world))
    except ExpressionError as refusal:
        assert refusal.errors  # noqa: PT017 - it may also be a value


@given(_records)
def test_a_record_is_read_or_refused_by_name(record: dict[str, Any]) -> None:
    try:
        read = record_from_json(record, VECTORS.catalogue)
    except ExpressionError as refusal:
        assert any(key in refusal.errors[0]["message"] for key in record)  # noqa: PT017 - it may also be read
    else:
        assert set(read) == set(VECTORS.catalogue.fields)


@settings(max_examples=300)
@given(expressions())
def test_a_random_expression_means_the_same_after_it_was_written(tree: dict[str, Any]) -> None:
    try:
        checked = check(tree, VECTORS.catalogue)
    except ExpressionError:
        # A constant date that does not exist, which the generator may make.
        return
    again = check(parse(to_text(checked.tree)), VECTORS.catalogue)
    value = evaluate(checked.tree, VECTORS.record, VECTORS.world)
    assert evaluate(again.tree, VECTORS.record, VECTORS.world) == value
    assert isinstance(value, (Decimal, str, bool, date, list, type(None)))
