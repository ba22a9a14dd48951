"""Exchange rates are exact: through the base to twelve digits, and no order passes or fails by a rounding."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.money import EXACT, currency_digits, divide_up, floor
from services.limits.deciding import Check, PoolCheck, Verdict, judge
from services.limits.figures import exposure_view, figures
from services.limits.ledger import Grant, Guarantee, Stages
from services.limits.rates import DIGITS_MAX, ONE, RateHistory, RateMissing, Rates, is_rate
from services.limits.standing import Balance, Standing, currencies_needed, stand

ON = date(2026, 3, 2)
_CURRENCIES = ("CNY", "USD", "JPY", "KWD")
_digits = st.integers(1, 10**DIGITS_MAX - 1)
rates = st.builds(lambda digits, scale: Decimal(digits).scaleb(scale), _digits, st.integers(-16, -6))
tables = st.fixed_dictionaries({each: rates.filter(is_rate) for each in _CURRENCIES[1:]})
amounts = st.integers(-(10**17), 10**17)


def _amount(units: int, currency: str) -> Decimal:
    return Decimal(units).scaleb(-currency_digits(currency))


@given(tables, st.sampled_from(_CURRENCIES), st.sampled_from(_CURRENCIES))
def test_a_cross_rate_goes_through_the_base_and_is_off_by_less_than_its_twelfth_digit(
    table: dict[str, Decimal], source: str, target: str
) -> None:
    found = Rates("CNY", ON, table).between(source, target)
    to_base = {**table, "CNY": ONE}
    exact = Fraction(to_base[source]) / Fraction(to_base[target])
    assert abs(Fraction(found) - exact) <= exact / 10 ** (DIGITS_MAX - 1)
    assert len(found.normalize().as_tuple().digits) <= DIGITS_MAX
    if target == "CNY":
        assert found == to_base[source], "to the base currency the rate is the one that was set"


def test_a_rate_that_nobody_has_set_is_named() -> None:
    with pytest.raises(RateMissing) as missing:
        Rates("CNY", ON, {"USD": Decimal(7)}).between("JPY", "KWD")
    assert missing.value.currencies == ("JPY", "KWD")
    assert Rates("CNY", ON, {}).between("JPY", "JPY") == 1


@pytest.mark.parametrize(
    ("number", "fits"),
    [("7.12345678901", True), ("7.123456789012", False), ("0", False), ("0.00000001", True)],
)
def test_a_rate_has_at_most_twelve_significant_digits(number: str, fits: bool) -> None:
    assert is_rate(Decimal(number)) is fits


balances = st.dictionaries(
    st.sampled_from(_CURRENCIES),
    st.tuples(st.integers(0, 10**17), st.integers(0, 10**17), amounts, st.integers(0, 100)),
)


def _held(drawn: dict[str, tuple[int, int, int, int]]) -> dict[str, Balance]:
    found = {}
    for each, (reserved, delivered, receivable, share) in drawn.items():
        stages = Stages(*(_amount(units, each) for units in (reserved, delivered, receivable)))
        found[each] = Balance(stages, _amount(reserved * share // 100, each))
    return found


def _stand(currency: str, limit: Decimal, held: dict[str, Balance], table: dict[str, Decimal]) -> Standing:
    return stand(currency, [Grant("base", limit, currency, ON, None)], (), held, Rates("CNY", ON, table))


@given(balances, tables, st.sampled_from(_CURRENCIES))
def test_the_sum_of_all_currencies_is_exact_and_what_is_shown_adds_up(
    drawn: dict[str, tuple[int, int, int, int]], table: dict[str, Decimal], currency: str
) -> None:
    held = _held(drawn)
    standing = _stand(currency, Decimal(10**6), held, table)
    between = Rates("CNY", ON, table).between
    exact = sum(
        (Fraction(each.stages.total - each.beyond) * Fraction(between(name, currency)))
        for name, each in held.items()
    )
    assert Fraction(standing.counted) == exact
    shown = figures(standing)
    exposure = {name: Decimal(text) for name, text in shown["exposure"].items()}
    assert exposure["reserved"] + exposure["delivered"] + exposure["receivable"] == exposure["total"]
    assert (
        Decimal(shown["available"])
        == Decimal(shown["limit"]) - exposure["total"] + exposure["beyond_horizon"]
    )
    unit = Fraction(1, 10 ** currency_digits(currency))
    assert 0 <= Fraction(exposure["total"] - exposure["beyond_horizon"]) - exact < unit


@given(balances, tables, st.sampled_from(_CURRENCIES), st.sampled_from(_CURRENCIES), st.integers(0, 10**12))
def test_an_order_of_the_largest_amount_passes_and_one_unit_more_does_not(
    drawn: dict[str, tuple[int, int, int, int]],
    table: dict[str, Decimal],
    currency: str,
    of_order: str,
    room: int,
) -> None:
    held = _held(drawn)
    counted = _stand(currency, Decimal(0), held, table).counted
    limit = max(Decimal(0), floor(counted, currency) + _amount(room, currency))
    standing = _stand(currency, limit, held, table)
    rate = Rates("CNY", ON, table).between(of_order, currency)

    def judged(amount: Decimal) -> Verdict:
        increase = EXACT.multiply(amount, rate)
        pool = PoolCheck("customer", "客户", currency, standing.limit, counted, increase, rate=rate, on=ON)
        return judge(Check(amount, of_order, [pool], binds=amount))

    unit = _amount(1, of_order)
    left = standing.limit.available(counted) or Decimal(0)
    too_much = max(divide_up(left, rate, of_order), Decimal(0)) + unit
    refused = judged(too_much)
    assert refused.result == "refused"
    largest = Decimal(refused.would_pass_if["largest_amount"])
    assert largest == 0 or judged(largest).result == "reserved"
    assert judged(largest + unit).result == "refused"
    assert Decimal(refused.would_pass_if["payment_needed"]) > 0


def test_what_is_granted_in_another_currency_counts_in_whole_units_of_the_limit() -> None:
    grants = [
        Grant("base", Decimal("100.00"), "USD", ON, None),
        Grant("temporary", Decimal("10.00"), "CNY", ON, ON),
        Grant("base", Decimal(999), "JPY", ON, None, replaced_on=ON),
    ]
    guarantees = [Guarantee(Decimal(101), "JPY", Decimal(50), ON)]
    held = {"CNY": Balance(Stages(reserved=Decimal("70.00")))}
    assert currencies_needed("USD", ON, grants, guarantees, held) == {"USD", "CNY", "JPY"}
    standing = stand(
        "USD", grants, guarantees, held, Rates("CNY", ON, {"USD": Decimal(7), "JPY": Decimal("0.05")})
    )
    assert (standing.limit.amount, standing.limit.guaranteed) == (Decimal("101.77"), Decimal("0.35"))
    assert standing.rates == {"CNY": Decimal("0.142857142857"), "JPY": Decimal("0.00714285714286")}
    assert standing.counted == Decimal("9.99999999999")


def test_without_a_rate_a_limit_says_which_is_missing_unless_it_is_unlimited() -> None:
    held = {"USD": Balance(Stages(reserved=Decimal(1))), "EUR": Balance()}
    lacking = stand("CNY", [Grant("base", Decimal(9), "CNY", ON, None)], (), held, Rates("CNY", ON, {}))
    assert lacking.missing == ("USD",)
    assert stand("CNY", [Grant("base", None, "CNY", ON, None)], (), held, Rates("CNY", ON, {})).missing == ()
    shown = figures(lacking)
    assert (shown["rates_missing"], shown["exposure"]["total"]) == (["USD"], "0.00")
    assert [each["currency"] for each in shown["by_currency"]] == ["USD"]


@pytest.mark.parametrize(("currency", "total"), [("JPY", "2"), ("CNY", "1.01"), ("KWD", "1.002")])
def test_what_is_shown_has_the_decimals_of_its_currency(currency: str, total: str) -> None:
    stages = Stages(reserved=Decimal("0.5011"), receivable=Decimal("0.5"))
    shown = exposure_view(stages, Decimal(0), currency)
    assert shown["total"] == total
    parts = [Decimal(shown[name]) for name in ("reserved", "delivered", "receivable")]
    assert sum(parts) == Decimal(total)


def test_an_entry_may_have_kept_what_was_known_while_it_was_written_on_the_date_that_was_open() -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    hour, tomorrow = timedelta(hours=1), ON + timedelta(days=1)
    history = RateHistory(
        "CNY",
        [
            ("USD", ON, noon - hour, Decimal(7)),
            ("JPY", ON, noon - hour, Decimal("0.05")),
            ("USD", ON, noon, Decimal("7.2")),
            ("USD", tomorrow, noon - hour, Decimal(8)),
        ],
        [(ON, noon - 5 * hour), (tomorrow, noon + 10 * hour)],
    )

    def kept(hours: int, target: str = "CNY") -> set[Decimal]:
        return history.between("USD", target, noon + hours * hour)

    assert kept(-2) == set(), "nobody had set one"
    assert (kept(1), kept(1, "JPY")) == ({Decimal("7.2")}, {Decimal(144)})
    assert kept(0) == {Decimal(7), Decimal("7.2")}, "it was set while entries were written"
    assert (kept(9), kept(11)) == ({Decimal("7.2")}, {Decimal(8)}), "the next date has another"
