"""Strict JSON: one reading for every document, an exact form for every value."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import strict_json
from services.common.errors import CreditError, MalformedRequest, PayloadTooLarge

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner, max_size=5
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_what_is_written_is_read_back_the_same(value: object) -> None:
    assert strict_json.loads(strict_json.dumps(value)) == value
    assert strict_json.loads(json.dumps(value).encode()) == value


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_garbage_is_refused_or_read_but_never_breaks_the_reader(data: bytes | str) -> None:
    try:
        strict_json.loads(data)
    except MalformedRequest:
        return


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("NaN", "json_not_a_number"),
        ('{"a": [Infinity]}', "json_not_a_number"),
        ("-Infinity", "json_not_a_number"),
        ('{"a": 1, "a": 1}', "json_duplicate_key"),
        ('[{"b": {"a": 1, "\\u0061": 2}}]', "json_duplicate_key"),
        ('"\\u0000"', "json_nul"),
        ('{"\\u0000": 1}', "json_nul"),
        ('{"a": ["\\ud800"]}', "json_lone_surrogate"),
        ('"\\udc00\\ud800"', "json_lone_surrogate"),
        ('"\ud800"', "json_lone_surrogate"),
        (b'"\xff"', "json_not_utf8"),
        ('"x"'.encode("utf-16"), "json_not_utf8"),
        (b'"\xed\xa0\x80"', "json_not_utf8"),
        ("", "json_malformed"),
        ("\ufeff{}", "json_malformed"),
        ("{} {}", "json_malformed"),
        ("{'a': 1}", "json_malformed"),
        ("[1,]", "json_malformed"),
        ("01", "json_malformed"),
        ('"\x00"', "json_nul"),
        ('"\n"', "json_malformed"),
        ("1" * 65, "json_number"),
        ("1e65", "json_number"),
        ("1e-65", "json_number"),
        ("0." + "1" * 100, "json_number"),
        ("[" * 65 + "]" * 65, "json_too_deep"),
        ('{"a":' * 65 + "1" + "}" * 65, "json_too_deep"),
        ("[" * 100_000, "json_too_deep"),
        ('{"a":' * 100_000, "json_too_deep"),
    ],
)
def test_what_is_no_single_clear_document_is_refused(document: str | bytes, code: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        strict_json.loads(document)
    assert refused.value.code == code


def test_too_many_bytes_are_refused_before_they_are_read() -> None:
    with pytest.raises(PayloadTooLarge):
        strict_json.loads(b" " * 101, bytes_max=100)


def test_too_many_keys_are_refused() -> None:
    document = json.dumps([{str(key): 1 for key in range(1_000)} for _ in range(101)])
    with pytest.raises(MalformedRequest) as refused:
        strict_json.loads(document)
    assert refused.value.code == "json_too_many_keys"


def test_the_greatest_depth_and_a_pair_of_surrogates_are_accepted() -> None:
    strict_json.loads("[" * 64 + "]" * 64)
    assert strict_json.loads('"\\ud83d\\ude00"') == "😀"


def test_brackets_in_texts_are_not_depth() -> None:
    assert strict_json.loads(json.dumps("[" * 1_000)) == "[" * 1_000


def test_numbers_with_a_fraction_stay_exact() -> None:
    assert strict_json.loads("[0.1, 1e3, 12345678901234567890]") == [
        Decimal("0.1"), Decimal(1000), 12345678901234567890,
    ]  # fmt: skip


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("50000.00"), "50000.00"),
        (date(2028, 2, 29), "2028-02-29"),
        (datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=8))), "2026-03-01T00:00:00Z"),
        (datetime(2026, 3, 1, 8, 0, 0, 5, tzinfo=UTC), "2026-03-01T08:00:00.000005Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, {"a": (2,)}), [1, {"a": [2]}]),
        ({UUID(int=1): date(2026, 1, 1)}, {"00000000-0000-0000-0000-000000000001": "2026-01-01"}),
        (frozenset({"b", "a"}), ["a", "b"]),
        (Colour.RED, "red"),
        ({Colour.RED: 1}, {"red": 1}),
        (1.5, 1.5),
    ],
)
def test_each_value_has_one_plain_form(value: object, plain: object) -> None:
    assert strict_json.to_plain(value) == plain
    assert json.loads(strict_json.dumps(value)) == plain


@pytest.mark.parametrize(
    "value",
    [
        Decimal("NaN"), Decimal("Infinity"), float("nan"), float("-inf"),
        datetime(2026, 1, 1),  # noqa: DTZ001 - the very thing that is refused
    ],
)  # fmt: skip
def test_a_value_without_an_exact_form_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        strict_json.to_plain([value])


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(TypeError):
        strict_json.to_plain({"a": object()})


def test_a_refusal_never_carries_what_cannot_be_written() -> None:
    with pytest.raises(CreditError) as refused:
        strict_json.loads('{"\\ud800": 1, "\\ud800": 2}')
    strict_json.dumps(refused.value.to_dict()).encode()


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes_is_read(make: Callable[[bytes], bytes]) -> None:
    assert strict_json.loads(make(b'{"a": 1}')) == {"a": 1}


def test_what_was_written_once_is_not_changed_afterwards() -> None:
    told = strict_json.Plain.of({"state": "granting", "amount": Decimal("1.50")})
    assert strict_json.dumps({"answer": told}) == '{"answer":{"state":"granting","amount":"1.50"}}'
    with pytest.raises(TypeError):
        told["state"] = "effective"
    with pytest.raises(TypeError):
        del told["state"]
    assert strict_json.dumps_plain({**told, "state": "effective"}) == b'{"state":"effective","amount":"1.50"}'
