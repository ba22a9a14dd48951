"""Money: read strictly, kept exactly, split without loss."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import money
from services.common.errors import Invalid

CURRENCIES = st.sampled_from(["CNY", "JPY", "KWD", "USD"])


@st.composite
def amounts(draw: st.DrawFn) -> tuple[Decimal, str]:
    currency = draw(CURRENCIES)
    units = draw(st.integers(-(10**15), 10**15))
    return Decimal(units).scaleb(-money.currency_digits(currency)), currency


@pytest.mark.parametrize(("currency", "digits"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("USD", 2), ("EUR", 2)])
def test_each_currency_has_its_own_number_of_decimals(currency: str, digits: int) -> None:
    assert money.currency_digits(currency) == digits


@pytest.mark.parametrize("code", ["", "cny", "RMB", "DEM", "XXX", "CNY ", "人民币", "C" * 1000])
def test_an_unknown_or_past_currency_is_refused(code: str) -> None:
    assert not money.is_currency(code)
    with pytest.raises(Invalid):
        money.currency_digits(code)


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("50000.00", "CNY", "50000.00"),
        ("0", "CNY", "0"),
        ("0.01", "CNY", "0.01"),
        ("-12.5", "CNY", "-12.5"),
        ("7", "JPY", "7"),
        ("1.005", "KWD", "1.005"),
        ("1000000000000000", "CNY", "1000000000000000"),
    ],
)
def test_plain_decimal_text_is_read_exactly(text: str, currency: str, amount: str) -> None:
    assert money.parse_amount(text, currency) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "1 ", " 1", "+1", "1e5", "1E5", "1e-9", "NaN", "nan", "sNaN", "Infinity", "-inf", "-0",
        "-0.00", "1_0", "1,000", "٣", "１", "一", "01", "00", ".5", "5.", "0x10", "1.005", "0.001", "--1",
        "1\n", "1\x00",
        "¥1", "1.0000000", "1000000000000000.01", "1000000000000001", "9" * 40, "1" * 100_000,
    ],
)  # fmt: skip
def test_anything_but_plain_decimal_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        money.parse_amount(text, "CNY")


@pytest.mark.parametrize("value", [1, 1.0, 0.1, True, None, Decimal("1.00"), [], {}, b"1"])
def test_an_amount_that_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        money.parse_amount(value, "CNY")


def test_decimals_the_currency_does_not_have_are_refused_even_when_zero() -> None:
    with pytest.raises(Invalid, match="0 位小数"):
        money.parse_amount("100.0", "JPY")


@given(amounts())
def test_what_is_written_is_read_back_the_same(pair: tuple[Decimal, str]) -> None:
    amount, currency = pair
    assert money.parse_amount(money.format_amount(amount, currency), currency) == amount


@given(st.text(max_size=12), CURRENCIES)
def test_no_text_is_read_as_something_other_than_it_says(text: str, currency: str) -> None:
    try:
        amount = money.parse_amount(text, currency)
    except Invalid:
        return
    assert f"{amount:f}" == text


def test_halves_are_rounded_away_from_zero_and_nothing_becomes_minus_zero() -> None:
    assert money.format_amount(Decimal("0.005"), "CNY") == "0.01"
    assert money.format_amount(Decimal("-0.005"), "CNY") == "-0.01"
    assert money.format_amount(Decimal("-0.004"), "CNY") == "0.00"
    assert money.format_amount(Decimal("1E+3"), "CNY") == "1000.00"
    assert money.format_amount(Decimal("99999999999999999999.9999"), "CNY") == "100000000000000000000.00"


@given(amounts(), st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_the_parts_of_a_split_sum_to_the_whole(pair: tuple[Decimal, str], weights: list[int]) -> None:
    amount, currency = pair
    parts = money.split(amount, weights, currency)
    assert sum(parts) == amount
    unit = Decimal(1).scaleb(-money.currency_digits(currency))
    for part, weight in zip(parts, weights, strict=True):
        assert part == money.quantize(part, currency)
        assert abs(part - amount * weight / sum(weights)) <= unit


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1]])
def test_a_split_without_a_positive_weight_is_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        money.split(Decimal("1.00"), weights, "CNY")


def test_a_split_of_less_than_a_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="finer"):
        money.split(Decimal("0.001"), [1], "CNY")
